"""Starts jobs: resolves what may be read, makes the request, and starts it within the quotas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import InvalidArgument, NotGranted, NothingToSearch
from mcp_jobs_server.core.models import Job, Owner, Started, StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.lookup import Lookup
from mcp_jobs_server.jobs.quotas import Admission
from mcp_jobs_server.jobs.requests import USUAL_SECONDS, fingerprint, limits_in_force, request_of
from mcp_jobs_server.messages import next_steps, wording
from mcp_jobs_server.messages.arguments import StartResearch
from mcp_jobs_server.messages.results import StartResult
from mcp_jobs_server.reports import findings
from mcp_jobs_server.sources.access import Access, raise_unavailable
from mcp_jobs_server.sources.registry import Sources
from research_contract.patterns import files_of
from research_contract.records import SourceRef, new_job_id

REUSE = timedelta(minutes=10)
"""The same request within this time returns the unfinished job that it started before."""


@dataclass(eq=False)
class Starts:
    """Starts the jobs of many owners.

    Args:
        runner: runs the jobs.
        admission: starts them within the quotas.
        folders: holds their files.
        sources: what may be read.
        settings: caps.
        lookup: finds the job that a follow-up or refresh names.
        same_computer: whether callers use this machine, so that their paths have a meaning here.
        clock: the time, in UTC.
    """

    runner: Runner
    admission: Admission
    folders: Folders
    sources: Sources
    settings: Settings
    lookup: Lookup
    _: KW_ONLY
    same_computer: bool
    clock: Callable[[], datetime]

    async def start(
        self, owner: Owner, asked: StartResearch, typed: Sequence[SourceRef], access: Access
    ) -> StartResult:
        """Start a job, or return the one that the same request started before.

        ``typed`` are sources that a person named on the command line: granted for this job.
        """
        now = self.clock()
        base = await self._base_job(owner, asked)
        inherits = base is not None and not asked.sources and not typed
        known = await self._inherited(base, access) if base and inherits else {}
        lost = tuple(name for name, source in known.items() if source is None)
        sources = await self._readable(asked, typed, base if inherits else None, known, access)
        await self._refuse_empty(sources, named=bool(asked.sources or typed))
        request = request_of(
            asked,
            job_id=new_job_id(now),
            owner=owner,
            now=now,
            sources=sources,
            granted_once=await self._granted_once(sources, typed),
            withheld=tuple(sorted({*lost, *await self._withheld(base, access)})),
            caps=self.settings.caps,
            base=base,
            base_folder=self.folders.location(base.folder) if base else "",
        )
        options = StartOptions(
            key=asked.idempotency_key,
            fingerprint=fingerprint(request),
            reuse_after=None if asked.again else now - REUSE,
        )
        started = await self.admission.start(request, owner=owner, options=options)
        skipped: Sequence[str] = ()
        if not asked.sources and not typed:
            offered = (
                [one for one in known.values() if one]
                if inherits
                else access.offered(self.sources.all())
            )
            read = {source.uri for source in request.sources}
            skipped = [source.name for source in offered if source.uri not in read]
        job = started.job
        expected = await self.expected_seconds(job)
        return StartResult(
            job_id=job.id,
            state=job.state,
            created=started.created,
            title=job.title,
            questions=job.request.plan.questions,
            sources=tuple(source.name for source in job.request.sources),
            limits=limits_in_force(job.request, asked),
            expected_seconds=max(1, round(expected)),
            note=self._note(started, keyed=bool(asked.idempotency_key), skipped=skipped, lost=lost),
            next=next_steps.after_start(job.id, expected),
        )

    async def expected_seconds(self, job: Job) -> float:
        """Return the typical duration of similar jobs in seconds; 0 for an ended job."""
        if job.ended:
            return 0
        typical = await self.runner.typical_seconds(job.owner, job.request)
        usual = USUAL_SECONDS[job.request.depth] if typical is None else typical
        return usual if job.started_at else usual + self.runner.startup_seconds

    async def _base_job(self, owner: Owner, asked: StartResearch) -> Job | None:
        """Return the job that this one follows up or refreshes."""
        if asked.follow_up_of and asked.refresh_of:
            raise InvalidArgument(*wording.EITHER_EARLIER)
        named = asked.follow_up_of or asked.refresh_of
        return await self.lookup.find(owner, named) if named else None

    async def _inherited(self, base: Job, access: Access) -> dict[str, SourceRef | None]:
        """Return the sources of the base job by name, as they are granted now; ``None``: not."""
        granted_again = partial(self.sources.granted_again, offered=access.offered)

        def resolve() -> dict[str, SourceRef | None]:
            return {source.name: granted_again(source) for source in base.request.sources}

        return await anyio.to_thread.run_sync(resolve)

    async def _readable(
        self,
        asked: StartResearch,
        typed: Sequence[SourceRef],
        base: Job | None,
        inherited: Mapping[str, SourceRef | None],
        access: Access,
    ) -> Sequence[SourceRef]:
        """Return the sources of the job: those named, else those of the base job, else all."""
        if typed and not asked.sources:
            return typed
        if base:
            offered = {files_of(one): one for one in inherited.values() if one}
            opened = await _opened(tuple(offered.values()), access, each_must_answer=True)
            if not opened:
                raise NotGranted(
                    f"No source of the job {base.id} is open to you any more.",
                    f"Name other sources. {wording.NAME_AGAIN}",
                )
            return opened
        resolved = await anyio.to_thread.run_sync(
            lambda: self.sources.resolve(
                asked.sources, remote=not self.same_computer, offered=access.offered
            )
        )
        return (*await _opened(resolved, access, all_must_open=bool(asked.sources)), *typed)

    async def _refuse_empty(self, sources: Sequence[SourceRef], *, named: bool) -> None:
        """Refuse a named source without a file to read, and sources that all have none.

        Raises:
            NothingToSearch: names the first one.
        """
        faults = await anyio.to_thread.run_sync(self.sources.empty, sources)
        if faults and (named or len(faults) == len(sources)):
            raise NothingToSearch(faults[0], "Put documents there, or name another source.")

    async def _granted_once(
        self, sources: Sequence[SourceRef], typed: Sequence[SourceRef]
    ) -> tuple[str, ...]:
        """Return the names of the sources that are granted for this job alone."""

        def resolve() -> tuple[str, ...]:
            once = (one for one in sources if one in typed or self.sources.granted_once(one))
            return tuple(source.name for source in once)

        return await anyio.to_thread.run_sync(resolve)

    async def _withheld(self, base: Job | None, access: Access) -> tuple[str, ...]:
        """Return the names of sources whose evidence the new job must not carry over."""
        if base is None:
            return ()

        async def quoted() -> Collection[str]:
            known = await findings.read(self.folders, base)
            read = [source.name for source in base.request.sources]
            return {*read, *(quote.source for quote in known.quotes)}

        return await access.withheld(self.sources.all(), quoted)

    def _note(
        self, started: Started, *, keyed: bool, skipped: Sequence[str], lost: Sequence[str]
    ) -> str | None:
        """Return what the user should know about a start."""
        same = started.same
        earlier = same or started.job
        seconds_ago = (self.clock() - earlier.request.created_at).total_seconds()
        notes = [
            wording.made_anew(same, seconds_ago) if same else "",
            "" if started.created or keyed else wording.reused(seconds_ago),
            wording.skipped(skipped) if skipped else "",
            wording.not_granted_any_more(lost) if lost else "",
            "" if self.runner.survives_client else wording.NOT_DETACHED,
        ]
        return " ".join(note for note in notes if note) or None


async def _opened(
    sources: Sequence[SourceRef],
    access: Access,
    *,
    all_must_open: bool = False,
    each_must_answer: bool = False,
) -> tuple[SourceRef, ...]:
    """Return the sources that the caller may read.

    ``all_must_open``: a source that does not open is an error. ``each_must_answer``: so is one
    whose state is unknown now, since the same call would return another set a moment later.
    """
    refusals = await access.refusals(sources)
    opened = tuple(source for source in sources if source.name not in refusals)
    if refusals and (all_must_open or not opened):
        raise next(iter(refusals.values()))
    if each_must_answer:
        raise_unavailable(refusals)
    return opened
