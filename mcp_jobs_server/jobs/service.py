"""Jobs: start, look, list, cancel, fetch, check. All rules are here; open this first.

It stands on two ports: a ``Runner`` that makes jobs run and a ``Folders`` that holds their
files. Neither a tool nor a command line decides anything that this module does not.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.citations import check as checking
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import InvalidArgument, NotFound, NotGranted
from mcp_jobs_server.core.models import Job, Owner, StartOptions, job_folder
from mcp_jobs_server.core.readiness import DataDirectoryReadiness, Readiness
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.listing import JobPage, job_page, shown
from mcp_jobs_server.jobs.quotas import Admission
from mcp_jobs_server.jobs.requests import USUAL_SECONDS, fingerprint, limits_in_force, request_of
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import (
    Cancel,
    CheckCitations,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
)
from mcp_jobs_server.messages.results import (
    CancelResult,
    CheckResult,
    JobListResult,
    Next,
    ReportResult,
    StartResult,
    StatusResult,
)
from mcp_jobs_server.reports import findings, report_parts
from mcp_jobs_server.reports.job_status import Standing
from mcp_jobs_server.sources.access import FULL_ACCESS, Access, raise_unavailable
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import JOB_ID, Request, SourceRef, is_expired, new_job_id

REUSE = timedelta(minutes=10)
"""The same unfinished request made within this time returns the job that is there."""

SHORT_WAIT_SECONDS = 3.0
"""How long ``get_status`` waits when the caller does not say."""

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,21}", re.ASCII)

Watching = Callable[[StatusResult], Awaitable[None]]


class Jobs:
    """Research jobs of many owners; each method sees the jobs of the owner it is given.

    Args:
        runner: what makes jobs run.
        folders: where their files are.
        sources: what may be read.
        settings: limits and places.
        same_computer: whether callers sit at this machine, so that paths mean something.
        readiness: whether all that is needed can be used; by default the data directory.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        *,
        runner: Runner,
        folders: Folders,
        sources: Sources,
        settings: Settings,
        same_computer: bool = True,
        readiness: Readiness | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.sources = sources
        self.readiness = readiness or DataDirectoryReadiness(settings.data_dir)
        self._waiting: set[anyio.CancelScope] = set()
        self._leaving = False
        self._runner = runner
        self._admission = Admission(runner, settings.quotas, clock)
        self._folders = folders
        self._settings = settings
        self._same_computer = same_computer
        self._clock = clock

    async def start(
        self,
        owner: Owner,
        asked: StartResearch,
        *,
        typed: Sequence[SourceRef] = (),
        access: Access = FULL_ACCESS,
    ) -> StartResult:
        """Start a job, or return the one that the same request started before.

        ``typed`` are sources that a person named on the command line: granted for this job.
        ``access`` is what the caller may have read.

        Raises:
            NothingToSearch, NotGranted, NotFound, InvalidArgument: a source cannot be read.
            Conflict: the idempotency key belongs to another request.
            QuotaReached: this owner may start no further job now.
            Unavailable: nothing was started; a retry can help.
        """
        now = self._clock()
        earlier = await self._earlier(owner, asked)
        request = request_of(
            asked,
            job_id=new_job_id(now),
            now=now,
            sources=await self._readable(asked, typed, earlier, access),
            withheld=await self._withheld(earlier, access),
            caps=self._settings.caps,
            earlier=earlier,
            earlier_folder=self._folders.location(earlier.folder) if earlier else "",
        )
        options = StartOptions(
            key=asked.idempotency_key,
            fingerprint=fingerprint(request),
            reuse_after=None if asked.again else now - REUSE,
        )
        began = await self._admission.start(request, owner=owner, options=options)
        skipped = () if asked.sources or typed else self._skipped(request, access, earlier)
        return await self._started(began.job, asked, created=began.created, skipped=skipped)

    async def status(
        self, owner: Owner, asked: GetStatus, *, watching: Watching | None = None
    ) -> StatusResult:
        """Return where a job stands and what is new, waiting for a change if asked to.

        It returns at the first new step or change of state, or when the wait is over.
        ``watching`` hears of everything that happens meanwhile.

        Raises:
            NotFound: no such job of this owner.
            InvalidArgument: the cursor was not issued for it.
        """
        job = await self._find(owner, asked.job_id)
        standing = Standing(self._folders, asked, now=self._clock, usual=await self._usual(job))
        wait = self._wait(asked)
        if job.ended or not wait or self._leaving:
            return await standing.look(job)
        async with self._runner.changes(job) as changes:
            first = latest = await standing.look(await self._again(job))
            with self._patience(wait):
                while not standing.news(first, latest):
                    await changes.wait()
                    latest = await standing.look(await self._again(job))
                    if watching:
                        await watching(latest)
        return latest

    async def list(self, owner: Owner, asked: ListActiveJobs) -> JobListResult:
        """Return the unfinished jobs and some that ended lately, not yet fetched ones first."""
        now = self._clock()
        page: JobPage = await job_page(self._runner, owner, asked, now)
        empty = Next(action="tell_user", say="There is no research job yet.")
        return JobListResult(
            jobs=tuple(await gather(partial(shown, job, self._folders, now) for job in page.jobs)),
            counts={str(state): n for state, n in (await self._runner.counts(owner)).items()},
            next_cursor=page.next_cursor,
            next=None if page.jobs else empty,
        )

    async def cancel(self, owner: Owner, asked: Cancel) -> CancelResult:
        """Ask that a job ends; an ended one answers that nothing was changed.

        Raises:
            NotFound: no such job of this owner; the id must be exact.
        """
        before = await self._runner.job(owner, asked.job_id)
        if before is None:
            raise await self._not_exact(owner, asked.job_id)
        after = await self._runner.stop(owner, before.id, asked.mode) or before
        changed = (before.state, before.requested) != (after.state, after.requested)
        follow = wording.after_end(after) if after.ended else _look_again(after)
        return CancelResult(
            job_id=after.id,
            state=after.state,
            changed=changed,
            summary=wording.cancelled(after, changed=changed),
            next=follow,
        )

    async def report(self, owner: Owner, asked: FetchReport) -> ReportResult:
        """Return a page of a part of the report, or of what is known so far.

        Raises:
            NotFound: no such job, section or citation.
            InvalidArgument: the cursor was not issued for this part.
        """
        job = await self._find(owner, asked.job_id)
        answer = await report_parts.fetch(self._folders, job, asked, paths=self._same_computer)
        if job.ended and job.fetched_at is None:
            await self._runner.fetched(owner, job.id, self._clock())
        return answer

    async def check(self, owner: Owner, asked: CheckCitations) -> CheckResult:
        """Return what the quotes of a job say of each claim of a draft.

        Raises:
            NotFound: no such job of this owner.
        """
        return await checking.check(self._folders, await self._find(owner, asked.job_id), asked)

    async def remove(self, owner: Owner, job_id: str) -> None:
        """Remove an ended job and its folder.

        Raises:
            NotFound: no such job. Conflict: it has not ended, or something builds on it.
        """
        job = await self._find(owner, job_id)
        await self._runner.remove(owner, job.id)

    async def ended_before(self, owner: Owner, at: datetime) -> Sequence[str]:
        """Return the ids of all jobs that ended before ``at``, the latest ended first."""
        found: list[str] = []
        before = (at, "")
        while page := await self._runner.ended(owner, limit=100, before=before):
            found.extend(job.id for job in page)
            before = (page[-1].ended_at or at, page[-1].id)
        return found

    def location(self, owner: Owner, job_id: str) -> str:
        """Return where a person finds the folder of a job that a method gave the id of."""
        return self._folders.location(job_folder(owner, job_id))

    async def file(self, owner: Owner, job_id: str, name: str) -> bytes:
        """Return a whole file of a job folder.

        Raises:
            NotFound: no such job of this owner, or no such file yet.
        """
        job = await self._find(owner, job_id)
        found = await self._folders.read(job.folder, name)
        if found is None:
            raise NotFound(f"The job has no {name} yet.", "Look again when it is completed.")
        return found.data

    async def _find(self, owner: Owner, asked: str) -> Job:
        """Return the job with this id, or the only one whose id starts so; "" is the newest."""
        if JOB_ID.fullmatch(asked):
            found = await self._runner.job(owner, asked)
            fitting = [found] if found else []
        else:
            prefix = asked.lower() if _PREFIX.fullmatch(asked.lower()) else None
            known = asked == "" or prefix
            fitting = list(await self._runner.match(owner, prefix or "")) if known else []
        if not fitting:
            raise await self._missing(owner, asked)
        if asked and len(fitting) > 1:
            raise NotFound(*wording.ambiguous(asked, fitting))
        return fitting[0]

    async def _not_exact(self, owner: Owner, asked: str) -> NotFound:
        prefix = asked.lower()
        fitting = await self._runner.match(owner, prefix) if _PREFIX.fullmatch(prefix) else ()
        if not fitting:
            return await self._missing(owner, asked)
        return NotFound(*wording.not_exact(asked, fitting))

    async def _missing(self, owner: Owner, asked: str) -> NotFound:
        days = self._settings.retention_days
        if JOB_ID.fullmatch(asked) and is_expired(asked, self._clock(), days=days):
            return NotFound(*wording.expired(asked, days))
        return NotFound(*wording.not_found(asked, await self._runner.match(owner, "")))

    async def _again(self, job: Job) -> Job:
        return await self._runner.job(job.owner, job.id) or job

    async def _earlier(self, owner: Owner, asked: StartResearch) -> Job | None:
        if asked.follow_up_of and asked.refresh_of:
            raise InvalidArgument(*wording.EITHER_EARLIER)
        named = asked.follow_up_of or asked.refresh_of
        return await self._find(owner, named) if named else None

    async def _readable(
        self,
        asked: StartResearch,
        typed: Sequence[SourceRef],
        earlier: Job | None,
        access: Access,
    ) -> Sequence[SourceRef]:
        if earlier and not asked.sources and not typed:
            found = access.offered(earlier.request.sources)
            return await _opened(found, access, whole=True) or _none_left(earlier)
        if typed and not asked.sources:
            return typed
        resolve = partial(self.sources.resolve, offered=access.offered)
        named, remote = asked.sources, not self._same_computer
        resolved = await anyio.to_thread.run_sync(lambda: resolve(named, remote=remote))
        return (*await _opened(resolved, access, named=bool(named)), *typed)

    async def _withheld(self, earlier: Job | None, access: Access) -> tuple[str, ...]:
        """Return the names of sources whose evidence the new job may not take over."""
        if earlier is None:
            return ()

        async def quoted() -> Collection[str]:
            known = await findings.read(self._folders, earlier)
            read = [source.name for source in earlier.request.sources]
            return {*read, *(quote.source for quote in known.quotes)}

        return await access.withheld(self.sources.all(), quoted)

    async def _usual(self, job: Job) -> float:
        """Return the seconds that jobs like this one take; of an ended one nobody asks."""
        if job.ended:
            return 0
        typical = await self._runner.typical_seconds(job.owner, job.request)
        usual = USUAL_SECONDS[job.request.depth] if typical is None else typical
        return usual if job.started_at else usual + self._runner.startup_seconds

    def leave(self) -> None:
        """Let calls that wait answer at once, and let none wait any more: the server ends."""
        self._leaving = True
        for scope in self._waiting:
            scope.cancel()

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        with anyio.move_on_after(seconds) as scope:
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)

    def _wait(self, asked: GetStatus) -> float:
        """Return how long to wait. Without a cursor everything is new: no wait unless asked."""
        if asked.wait_seconds is not None:
            return asked.wait_seconds
        return SHORT_WAIT_SECONDS if asked.cursor else 0

    def _skipped(self, request: Request, access: Access, earlier: Job | None) -> Sequence[str]:
        """Return the names of the caller's sources that cannot be read now."""
        read = {source.uri for source in request.sources}
        offered = access.offered(earlier.request.sources if earlier else self.sources.all())
        return [source.name for source in offered if source.uri not in read]

    def _note(self, job: Job, *, reused: bool, skipped: Sequence[str]) -> str | None:
        """Return what the user should know of a start."""
        ago = (self._clock() - job.request.created_at).total_seconds()
        notes = [
            wording.reused(ago) if reused else "",
            wording.skipped(skipped) if skipped else "",
            "" if self._runner.survives_client else wording.NOT_DETACHED,
        ]
        return " ".join(note for note in notes if note) or None

    async def _started(
        self, job: Job, asked: StartResearch, *, created: bool, skipped: Sequence[str]
    ) -> StartResult:
        expected = await self._usual(job)
        reused = not created and not asked.idempotency_key
        return StartResult(
            job_id=job.id,
            state=job.state,
            created=created,
            title=job.title,
            questions=job.request.plan.questions,
            sources=tuple(source.name for source in job.request.sources),
            limits=limits_in_force(job.request, asked),
            expected_seconds=max(1, round(expected)),
            note=self._note(job, reused=reused, skipped=skipped),
            next=wording.after_start(job.id, expected),
        )


async def _opened(
    sources: Sequence[SourceRef], access: Access, *, named: bool = False, whole: bool = False
) -> tuple[SourceRef, ...]:
    """Return the sources that open to the caller; one that was named must.

    ``whole``: of none may it be unknown, since the answer would be another a moment later.
    """
    refusals = await access.refusals(sources)
    opened = tuple(source for source in sources if source.name not in refusals)
    if refusals and (named or not opened):
        raise next(iter(refusals.values()))
    if whole:
        raise_unavailable(refusals)
    return opened


def _none_left(earlier: Job) -> NoReturn:
    raise NotGranted(
        f"No source of the job {earlier.id} is open to you any more.",
        "Name other sources, or leave follow_up_of and refresh_of out.",
    )


def _look_again(job: Job) -> Next:
    return Next(action="call", tool="get_status", arguments={"job_id": job.id, "wait_seconds": 20})
