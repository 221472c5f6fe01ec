"""How a start goes: key, entry and request, run, run written down.

A start may die between any two of these, or its answer be lost. Whoever repeats it, or finds
what it left, goes on from there: each step is harmless twice, and the token that stands in the
key file and in the entry makes the workspace return the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import anyio

from mcp_jobs_server.backends.lakeflow.idempotency import (
    Claim,
    Keys,
    first_name,
    key_conflict,
    key_name,
    next_name,
)
from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_names import made_name, milliseconds
from mcp_jobs_server.backends.lakeflow.index_records import Made
from mcp_jobs_server.backends.lakeflow.job_state import Looking
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.submit import Launching
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.errors import JobsError, NotPermitted, NotSignedIn, Refused, Unavailable
from mcp_jobs_server.core.models import Job, Owner, Started, StartOptions, job_folder
from mcp_jobs_server.databricks.run_state import job_parameters
from research_contract.files import encode
from research_contract.records import REQUEST, Request

START_SECONDS = 45.0
"""Deadline of a whole start; the calls of it have their own."""

STALE = timedelta(minutes=10)
"""A claim without a request that is older than this: its job was removed, or never came to be."""

MOST_LINKS = 50


@dataclass(frozen=True)
class _Claimed:
    """The job that a start is about; ``ours``: nobody else came first. ``names``: its files."""

    claim: Claim
    ours: bool
    names: tuple[str, ...] = ()


class Starting:
    """Starts, and finds what an earlier start made."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        launching: Launching,
        looking: Looking,
        *,
        clock: Callable[[], datetime],
        seconds: float = START_SECONDS,
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._launching = launching
        self._looking = looking
        self._keys = Keys(folders)
        self._clock = clock
        self._seconds = seconds

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Start the job as the port says.

        Raises:
            Unavailable: it is not known how far it came; the same call again goes on from there.
        """
        started: list[Started] = []
        with anyio.move_on_after(self._seconds):
            started.append(await self._start(request, owner, options))
        if not started:
            raise Unavailable(
                "The workspace is so slow that it is not known whether the job was started.",
                "Make the same call again in a minute: it makes no second job.",
            )
        return started[0]

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        """Return the job that a start would return instead of a new one; it makes nothing."""
        if options.key and (claim := await self._keys.read(owner, key_name(options.key))):
            if claim.fingerprint != options.fingerprint:
                raise key_conflict()
            return await self._looking.job(owner, claim.job_id)
        if (job := await self._looking.job(owner, request.job_id)) is not None:
            return job
        name = first_name(options.fingerprint)
        for _ in range(MOST_LINKS if _reuses(options) else 0):
            claim = await self._keys.read(owner, name)
            if claim is None:
                return None
            job = await self._looking.job(owner, claim.job_id)
            if job is not None and _reusable(job, options):
                return job
            name = next_name(options.fingerprint, claim.job_id)
        return None

    async def _start(self, request: Request, owner: Owner, options: StartOptions) -> Started:
        claimed = await self._claimed(request, owner, options)
        asked = request.model_copy(update={"job_id": claimed.claim.job_id})
        if not claimed.ours and (there := await self._begun(owner, asked.job_id)):
            return Started(job=there, created=False)
        wrote = await self._write(asked, owner, claimed)
        if not wrote and (there := await self._begun(owner, asked.job_id)):
            return Started(job=there, created=False)
        run_id = await self._run(asked, owner, claimed, keyed=bool(options.key))
        other = await self._other(owner, asked.job_id, run_id) if options.key else None
        if other is not None:
            await self._undo(owner, asked.job_id, ())
            return Started(job=other, created=False)
        if not wrote:
            asked = await self._looking.request(owner, asked.job_id) or asked
        return Started(job=await self._noted(asked, owner, run_id), created=claimed.ours)

    async def _begun(self, owner: Owner, job_id: str) -> Job | None:
        """Return the job where its start came to its end."""
        if await self._looking.run(owner, job_id) is None:
            job = await self._looking.job(owner, job_id)
            return job if job is not None and job.ended else None
        return await self._looking.job(owner, job_id)

    async def _claimed(self, request: Request, owner: Owner, options: StartOptions) -> _Claimed:
        ours = Claim(
            job_id=request.job_id,
            fingerprint=options.fingerprint,
            token=self._launching.token(
                owner, f"key\0{options.key}" if options.key else request.job_id
            ),
            at=milliseconds(self._clock()),
        )
        if not options.key:
            return await self._of_request(owner, ours, options)
        name = key_name(options.key)
        claim = await self._keys.claim(owner, name, ours)
        if claim.job_id != ours.job_id:
            return await self._of_key(owner, name, claim, ours, options)
        found = await self._of_request(owner, claim, options)
        if not found.ours:
            await self._keys.replace(owner, name, found.claim)
        return _Claimed(found.claim, found.ours, (name, *found.names))

    async def _of_key(
        self, owner: Owner, name: str, claim: Claim, ours: Claim, options: StartOptions
    ) -> _Claimed:
        """Follow a key that was used before; one whose job is gone is used anew."""
        if not await self._gone(owner, claim):
            if claim.fingerprint != options.fingerprint:
                raise key_conflict()
            return _Claimed(claim, ours=False, names=(name,))
        # The token of the key belongs to the run of the job that is gone.
        anew = ours.model_copy(update={"token": self._launching.token(owner, ours.job_id)})
        await self._keys.replace(owner, name, anew)
        return _Claimed(anew, ours=True, names=(name,))

    async def _of_request(self, owner: Owner, ours: Claim, options: StartOptions) -> _Claimed:
        """Follow the chain of the same request to a job that can be returned, or to its end."""
        if not _reuses(options):
            return _Claimed(ours, ours=True)
        first = name = first_name(options.fingerprint)
        for _ in range(MOST_LINKS):
            claim = await self._keys.claim(owner, name, ours)
            if claim.job_id == ours.job_id:
                if name != first:
                    await self._keys.replace(owner, first, ours)
                return _Claimed(ours, ours=True, names=(first, name) if name != first else (first,))
            job = await self._looking.job(owner, claim.job_id)
            if job is None and not await self._gone(owner, claim):
                return _Claimed(claim, ours=False, names=(name,))
            if job is not None and _reusable(job, options):
                return _Claimed(claim, ours=False, names=(name,))
            name = next_name(options.fingerprint, claim.job_id)
        return _Claimed(ours, ours=True)

    async def _gone(self, owner: Owner, claim: Claim) -> bool:
        if milliseconds(self._clock() - STALE) < claim.at:
            return False
        return await self._looking.request(owner, claim.job_id) is None

    async def _write(self, request: Request, owner: Owner, claimed: _Claimed) -> bool:
        """Write the entry, then the request, both before any run; say whether that is a new one.

        The entry comes first, so that a request is always found by lists, and its token with it.
        """
        made = Made(token=claimed.claim.token, keys=claimed.names)
        await self._index.add(owner.folder, request.job_id, made_name(request), encode(made))
        folder = job_folder(owner, request.job_id)
        return await self._folders.create(folder, REQUEST, encode(request))

    async def _run(self, request: Request, owner: Owner, claimed: _Claimed, *, keyed: bool) -> str:
        """Return the run of the job; a key whose run is of a job that is gone is used anew."""
        job_id, token = request.job_id, claimed.claim.token
        try:
            try:
                run_id = await self._launching.ask(owner, job_id, token)
                if not keyed or not await self._of_gone_job(owner, job_id, run_id):
                    return run_id
            except Refused:
                if not keyed:
                    raise
            anew = Made(token=self._launching.token(owner, job_id), keys=claimed.names)
            await self._index.replace(owner.folder, job_id, made_name(request), encode(anew))
            return await self._launching.ask(owner, job_id, anew.token)
        except (Refused, NotPermitted, NotSignedIn):
            if claimed.ours:
                await self._undo(owner, job_id, claimed.names)
            raise

    async def _of_gone_job(self, owner: Owner, job_id: str, run_id: str) -> bool:
        theirs = await self._works_on(run_id)
        if theirs in ("", job_id):
            return False
        return await self._looking.request(owner, theirs) is None

    async def _works_on(self, run_id: str) -> str:
        """Return the job of a run."""
        run = await self._runs.get(run_id)
        return job_parameters(run).get("job_id", "") if run else ""

    async def _undo(self, owner: Owner, job_id: str, names: tuple[str, ...]) -> None:
        """Take back what was written of a job that the workspace refused to run."""
        try:
            await gather(partial(self._keys.remove, owner, name) for name in names)
            await self._folders.remove(job_folder(owner, job_id))
            await self._index.remove(owner.folder, job_id)
        except JobsError:
            return  # whoever looks next asks for the run again, and is refused as well

    async def _other(self, owner: Owner, job_id: str, run_id: str) -> Job | None:
        """Return the job whose folder the run works on, where that is not this one.

        Then this start lost to another one with the same key.
        """
        theirs = await self._works_on(run_id)
        return None if theirs in ("", job_id) else await self._looking.job(owner, theirs)

    async def _noted(self, request: Request, owner: Owner, run_id: str) -> Job:
        job = Job(owner=owner, request=request, state="queued")
        note = partial(self._launching.note, owner, job.id, run_id)
        _, position = await gather_pair(note, partial(self._position, run_id))
        return Job(owner=owner, request=request, state="queued", queue_position=position)

    async def _position(self, run_id: str) -> int | None:
        try:
            return await self._runs.position(run_id)
        except JobsError:
            return None  # the job is started all the same


def _reuses(options: StartOptions) -> bool:
    return bool(options.fingerprint) and options.reuse_after is not None


def _reusable(job: Job, options: StartOptions) -> bool:
    recent = options.reuse_after is not None and job.request.created_at >= options.reuse_after
    return recent and not job.ended and job.requested != "stop" and job.state != "cancelling"
