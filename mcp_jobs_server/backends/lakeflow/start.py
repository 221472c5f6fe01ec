"""Starts jobs: claim a key file, write the index entry and the request, submit the run, record it.

A start may be interrupted between any two of these steps, or its answer may be lost. Repeating it,
or reading the job, continues from there. Each step may be repeated without harm, and the token in
the key file and in the index entry makes the workspace return the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import anyio

from mcp_jobs_server.backends.conflicts import key_conflict
from mcp_jobs_server.backends.lakeflow.idempotency import IdempotencyKeys, KeyClaim, key_file
from mcp_jobs_server.backends.lakeflow.index import Index, created_name, to_milliseconds
from mcp_jobs_server.backends.lakeflow.job_state import JobStates
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.submit import StartRecord, Submitter
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.errors import JobsError, NotPermitted, NotSignedIn, Refused, Unavailable
from mcp_jobs_server.core.models import Job, Owner, Started, StartOptions, job_folder
from mcp_jobs_server.databricks.run_state import job_parameters
from research_contract.files import encode
from research_contract.records import REQUEST, Request

START_SECONDS = 45.0
"""Deadline of a whole start; its requests have deadlines of their own."""

STALE_CLAIM = timedelta(minutes=10)
"""A claim without a request that is older than this counts as one of a removed job, or of a start
that never came so far."""

MAX_CHAIN = 50
"""Files of one chain that are followed."""


@dataclass(frozen=True)
class _Claimed:
    """The job that a start makes or returns.

    Attributes:
        claim: names the job.
        is_own: no other start claimed it first.
        files: the key files that name the job.
        later: the key files that name it once its run is submitted.
        same: the last job of the same request, which this start does not return.
    """

    claim: KeyClaim
    is_own: bool
    files: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    same: Job | None = None


class JobStarter:
    """Starts jobs, and finds the jobs of earlier starts."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        submitter: Submitter,
        states: JobStates,
        *,
        clock: Callable[[], datetime],
        seconds: float = START_SECONDS,
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._submitter = submitter
        self._states = states
        self._keys = IdempotencyKeys(folders)
        self._clock = clock
        self._seconds = seconds

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Start the job, as ``Runner.start`` specifies.

        Raises:
            Unavailable: it is unknown how far the start came; repeat the call to continue.
        """
        with anyio.move_on_after(self._seconds):
            return await self._start(request, owner, options)
        raise Unavailable(
            "The workspace is so slow that it is unknown whether the job was started.",
            "Make the same call again in a minute; it does not make a second job.",
        )

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        """Return the job that a start would return instead of a new one; this makes nothing."""
        if options.key and (claim := await self._keys.read(owner, key_file("key", options.key))):
            if claim.fingerprint != options.fingerprint:
                raise key_conflict(claim.job_id)
            return await self._states.job(owner, claim.job_id)
        if (job := await self._states.job(owner, request.job_id)) is not None:
            return job
        if not (options.fingerprint and options.reuse_after):
            return None
        name = key_file("same", options.fingerprint)
        for _ in range(MAX_CHAIN):
            claim = await self._keys.read(owner, name)
            if claim is None:
                return None
            job = await self._states.job(owner, claim.job_id)
            if job is not None and _is_reusable(job, options.reuse_after):
                return job
            name = key_file("same", options.fingerprint, claim.job_id)
        return None

    async def _start(self, request: Request, owner: Owner, options: StartOptions) -> Started:
        claimed = await self._claim(request, owner, options)
        job_id = claimed.claim.job_id
        request = request.model_copy(update={"job_id": job_id})
        if not claimed.is_own and (job := await self._completed_start(owner, job_id)):
            return Started(job=job, created=False)
        # Both are written before any run. The entry comes first, so that lists find every request,
        # and with it the token of its run.
        start = StartRecord(token=claimed.claim.token, keys=(*claimed.files, *claimed.later))
        await self._index.add(owner, job_id, created_name(request), encode(start))
        folder = job_folder(owner, job_id)
        is_new = await self._folders.create(folder, REQUEST, encode(request))
        if not is_new and (job := await self._completed_start(owner, job_id)):
            return Started(job=job, created=False)
        run_id = await self._submit(request, owner, claimed, keyed=bool(options.key))
        if options.key and (other_id := await self._job_of_run(run_id)) not in ("", job_id):
            # Two starts created the file of the key at the same time, and this one lost.
            other = await self._states.job(owner, other_id)
            if other is not None:
                await self._undo(owner, job_id, ())
                return Started(job=other, created=False)
        for name in claimed.later:
            await self._keys.replace(owner, name, claimed.claim)
        if not is_new:
            request = await self._states.request(owner, job_id) or request
        job = Job(owner=owner, request=request, state="queued")
        position = await self._record_run(job, run_id)
        job = Job(owner=owner, request=request, state="queued", queue_position=position)
        return Started(job=job, created=claimed.is_own, same=claimed.same)

    async def _completed_start(self, owner: Owner, job_id: str) -> Job | None:
        """Return the job if its start came to its end: it has a run, or has ended without one."""
        has_run = await self._states.run(owner, job_id) is not None
        job = await self._states.job(owner, job_id)
        return job if job is not None and (has_run or job.ended) else None

    async def _claim(self, request: Request, owner: Owner, options: StartOptions) -> _Claimed:
        """Claim the key and the request for a new job, or find the job of an earlier start."""
        token_text = f"key\0{options.key}" if options.key else request.job_id
        own = KeyClaim(
            job_id=request.job_id,
            fingerprint=options.fingerprint,
            token=self._submitter.token(owner, token_text),
            at=to_milliseconds(self._clock()),
        )
        if not options.key:
            return await self._claim_request(owner, own, options)
        name = key_file("key", options.key)
        claim = await self._keys.claim(owner, name, own)
        if claim.job_id == own.job_id:
            found = await self._claim_request(owner, claim, options)
            if not found.is_own:
                await self._keys.replace(owner, name, found.claim)
            return replace(found, files=(name, *found.files))
        if not await self._is_removed(owner, claim):
            if claim.fingerprint != options.fingerprint:
                raise key_conflict(claim.job_id)
            return _Claimed(claim, is_own=False, files=(name,))
        # The key is free again. Its token belongs to the run of the removed job.
        anew = own.model_copy(update={"token": self._submitter.token(owner, own.job_id)})
        await self._keys.replace(owner, name, anew)
        return _Claimed(anew, is_own=True, files=(name,))

    async def _claim_request(self, owner: Owner, own: KeyClaim, options: StartOptions) -> _Claimed:
        """Follow the chain of the request to a reusable job, or to its end."""
        if not (options.fingerprint and options.reuse_after):
            # It is not made instead of another job, but is the last one of this request.
            last = (key_file("same", options.fingerprint),) if options.fingerprint else ()
            return _Claimed(own, is_own=True, later=last)
        first = name = key_file("same", options.fingerprint)
        same: Job | None = None
        for _ in range(MAX_CHAIN):
            claim = await self._keys.claim(owner, name, own)
            if claim.job_id == own.job_id:
                if name == first:
                    return _Claimed(own, is_own=True, files=(first,))
                await self._keys.replace(owner, first, own)
                return _Claimed(own, is_own=True, files=(first, name), same=same)
            job = await self._states.job(owner, claim.job_id)
            if job is None:
                reusable = not await self._is_removed(owner, claim)
            else:
                reusable = _is_reusable(job, options.reuse_after)
            if reusable:
                return _Claimed(claim, is_own=False, files=(name,))
            same = job or same
            name = key_file("same", options.fingerprint, claim.job_id)
        return _Claimed(own, is_own=True, same=same)

    async def _is_removed(self, owner: Owner, claim: KeyClaim) -> bool:
        """Return whether the job of an old claim has no request."""
        if to_milliseconds(self._clock() - STALE_CLAIM) < claim.at:
            return False
        return await self._states.request(owner, claim.job_id) is None

    async def _submit(
        self, request: Request, owner: Owner, claimed: _Claimed, *, keyed: bool
    ) -> str:
        """Submit the run and return its id.

        If the run for a key is one of a removed job, the run is submitted with a new token. If the
        workspace refuses the run, all that this start has written is removed.
        """
        job_id = request.job_id
        try:
            try:
                run_id = await self._submitter.submit(owner, job_id, claimed.claim.token)
                other_id = await self._job_of_run(run_id) if keyed else ""
                if other_id in ("", job_id) or await self._states.request(owner, other_id):
                    return run_id
            except Refused:
                if not keyed:
                    raise
            token = self._submitter.token(owner, job_id)
            start = StartRecord(token=token, keys=(*claimed.files, *claimed.later))
            await self._index.replace(owner, job_id, created_name(request), encode(start))
            return await self._submitter.submit(owner, job_id, token)
        except (Refused, NotPermitted, NotSignedIn):
            if claimed.is_own:
                await self._undo(owner, job_id, claimed.files)
            raise

    async def _job_of_run(self, run_id: str) -> str:
        """Return the id of the job that the run works on, "" if unknown."""
        run = await self._runs.get(run_id)
        return job_parameters(run).get("job_id", "") if run else ""

    async def _undo(self, owner: Owner, job_id: str, files: tuple[str, ...]) -> None:
        """Remove the files of a job that gets no run."""
        try:
            await gather(partial(self._keys.remove, owner, name) for name in files)
            await self._folders.remove(job_folder(owner, job_id))
            await self._index.remove(owner, job_id)
        except JobsError:
            return  # the next call that reads the job submits the run, and is refused as well

    async def _record_run(self, job: Job, run_id: str) -> int | None:
        """Write ``run.json`` and return the position of the run in the queue, if known."""

        async def position() -> int | None:
            try:
                return await self._runs.position(run_id)
            except JobsError:
                return None  # the job is started nevertheless

        record = partial(self._submitter.record_run, job.owner, job.id, run_id)
        return (await gather_pair(record, position))[1]


def _is_reusable(job: Job, reuse_after: datetime) -> bool:
    stopping = job.requested == "stop" or job.state == "cancelling"
    return job.request.created_at >= reuse_after and not job.ended and not stopping
