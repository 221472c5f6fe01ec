"""The rules of jobs: start, status, list, cancel, steer, report, check. Read this module first.

It stands on two ports: a ``Runner`` that runs jobs and ``Folders`` that hold their files. Tools and
the command line only call it; they decide nothing themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.citations.check import check_draft
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NotFound, Refused
from mcp_jobs_server.core.models import ACTIVE_STATES, Job, Owner, job_folder
from mcp_jobs_server.core.readiness import DataDirectoryReadiness, Readiness
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.single_flight import one_call
from mcp_jobs_server.jobs.elapsed import ElapsedTime, seconds_since_boot
from mcp_jobs_server.jobs.listing import list_page, shown
from mcp_jobs_server.jobs.lookup import Lookup
from mcp_jobs_server.jobs.queued import check_access
from mcp_jobs_server.jobs.quotas import Admission
from mcp_jobs_server.jobs.starts import Starts
from mcp_jobs_server.jobs.steering import steer, steering_of
from mcp_jobs_server.messages import next_steps, wording
from mcp_jobs_server.messages.arguments import (
    Cancel,
    CheckCitations,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
    SteerResearch,
)
from mcp_jobs_server.messages.results import (
    CancelResult,
    CheckResult,
    JobListResult,
    ReportResult,
    StartResult,
    StatusResult,
    SteerResult,
)
from mcp_jobs_server.reports import report_parts
from mcp_jobs_server.reports.job_status import StatusReader
from mcp_jobs_server.sources.access import FULL_ACCESS, Access
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import JOB_ID, SourceRef

log = logging.getLogger(__name__)

SHORT_WAIT_SECONDS = 3.0
"""How long ``get_status`` waits unless the caller says."""

MAX_CANCELLABLE = 10
"""Jobs that the error of a cancel without an id lists."""

MAX_FILE_BYTES = 20_000_000
"""Bytes of a file that is returned whole."""

OnChange = Callable[[StatusResult], Awaitable[None]]


class Jobs:
    """Research jobs of many owners; each method sees only the jobs of the owner it is given.

    Args:
        runner: runs the jobs.
        folders: holds their files.
        sources: what may be read.
        settings: caps, quotas and retention.
        same_computer: whether callers use this machine, so that their paths have a meaning here.
        readiness: checks what the server needs; by default the data directory.
        clock: the time, in UTC.
        steady: seconds that go on evenly when the clock is set; only differences count.
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
        steady: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self.sources = sources
        self.readiness = readiness or DataDirectoryReadiness(settings.data_dir)
        self._runner = runner
        self._folders = folders
        self._same_computer = same_computer
        self._clock = clock
        self._elapsed = ElapsedTime(clock, steady)
        self._lookup = Lookup(runner, retention_days=settings.retention_days, clock=clock)
        self._starts = Starts(
            runner,
            Admission(runner, settings.quotas, clock),
            folders,
            sources,
            settings,
            self._lookup,
            same_computer=same_computer,
            clock=clock,
        )
        self._waiting: set[anyio.CancelScope] = set()
        self._is_closing = False

    async def start(
        self,
        owner: Owner,
        asked: StartResearch,
        *,
        typed: Sequence[SourceRef] = (),
        access: Access = FULL_ACCESS,
    ) -> StartResult:
        """Start a job, or return the one that the same request started before.

        Args:
            typed: sources that a person named on the command line: granted for this job.
            access: what the caller may have read.

        Raises:
            NothingToSearch, NotGranted, NotFound, InvalidArgument: a source cannot be read.
            Conflict: the idempotency key belongs to another request.
            QuotaReached: this owner may start no further job now.
            Unavailable: nothing was started; a retry can help.
        """
        return await self._starts.start(owner, asked, typed, access)

    async def status(
        self,
        owner: Owner,
        asked: GetStatus,
        *,
        on_change: OnChange | None = None,
        until_change: bool = False,
        access: Access = FULL_ACCESS,
    ) -> StatusResult:
        """Return the state of a job and its new steps, after waiting for its end.

        It returns when the job has ended or the wait is over; with ``until_change`` also at the
        first new step, state, place in the queue or finished question. ``on_change`` is called with
        each change meanwhile. Sources of a queued job that the caller may not use any more, by
        ``access``, are left out of it.

        Raises:
            NotFound: no such job of this owner.
            InvalidArgument: the cursor was not issued for it.
        """
        reader = StatusReader(
            self._folders, asked, clock=self._clock, elapsed=self._elapsed.seconds
        )

        async def find() -> Job:
            job = await self._lookup.find(owner, asked.job_id)
            await check_access(job, self._folders, access)
            reader.expected_seconds = await self._starts.expected_seconds(job)
            return job

        wait = SHORT_WAIT_SECONDS if asked.wait_seconds is None else asked.wait_seconds
        with one_call(new=True):
            job = await self._beside(owner, asked.job_id, find, reader.read_ahead)
            if job.ended or not wait or self._is_closing:
                return await reader.read(job)

        async def look() -> StatusResult:
            with one_call(new=True):
                return await reader.read(await self._runner.job(owner, job.id) or job)

        async with self._runner.changes(job) as changes:
            first = latest = await look()
            with self._wait(wait):
                while latest.state in ACTIVE_STATES and not (
                    until_change and reader.has_news(first, latest)
                ):
                    await changes.wait()
                    latest = await look()
                    if on_change:
                        await on_change(latest)
        return latest

    async def list(
        self, owner: Owner, asked: ListActiveJobs, *, access: Access = FULL_ACCESS
    ) -> JobListResult:
        """Return the unfinished jobs and some that ended recently, unread reports first.

        Sources of queued jobs that the caller may not use any more are left out of them.

        Raises:
            InvalidArgument: the cursor was not issued by a list.
        """
        with one_call(new=True):
            page = await list_page(self._runner, owner, asked, self._clock())
            await gather(partial(check_access, job, self._folders, access) for job in page.jobs)
            jobs = await gather(
                partial(shown, job, self._folders, self._elapsed) for job in page.jobs
            )
            counts = await self._runner.counts(owner)
        none_yet = next_steps.tell_user("There is no research job yet.")
        return JobListResult(
            jobs=tuple(jobs),
            counts={str(state): n for state, n in counts.items()},
            next_cursor=page.next_cursor,
            note=await self._runner.notice() or None,
            next=None if page.jobs else none_yet,
        )

    async def cancel(self, owner: Owner, asked: Cancel) -> CancelResult:
        """Request that a job ends; for an ended job nothing changes.

        Raises:
            NotFound: no such job of this owner; the id must be exact.
            InvalidArgument: no id was passed; the error lists the jobs that could be cancelled.
        """
        if not asked.job_id:
            active = await self._runner.active(owner, limit=MAX_CANCELLABLE)
            raise InvalidArgument(*wording.which_to_cancel(active))
        before = await self._lookup.find_exact(owner, asked.job_id)
        after = await self._runner.stop(owner, before.id, asked.mode) or before
        changed = (before.state, before.requested) != (after.state, after.requested)
        return CancelResult(
            job_id=after.id,
            state=after.state,
            changed=changed,
            summary=wording.cancelled(after, changed=changed),
            next=next_steps.after_cancel(after),
        )

    async def steer(self, owner: Owner, asked: SteerResearch) -> SteerResult:
        """Pass an instruction to a job that runs or is queued; the job says what became of it.

        Raises:
            NotFound: no such job of this owner; the id must be exact.
            InvalidArgument: nothing to add or drop is named.
            Unavailable: the folder of the job cannot be written; nothing was asked.
        """
        job = await self._lookup.find_exact(owner, asked.job_id)
        steering = steering_of(asked.text, self._clock())
        accepted = job.state in ("queued", "running") and not job.requested
        summary = wording.STEER_ENDED if job.ended else wording.STEER_TOO_LATE
        if accepted:
            number = await steer(self._folders, job, steering)
            summary = wording.steered(steering, number, queued=job.state == "queued")
        return SteerResult(
            job_id=job.id,
            accepted=accepted,
            summary=summary,
            next=next_steps.after_cancel(job),
        )

    async def report(self, owner: Owner, asked: FetchReport) -> ReportResult:
        """Return a page of a part of the report; of a running job, what was found so far.

        Raises:
            NotFound: no such job, section or citation.
            InvalidArgument: the cursor was not issued for this part.
        """
        with one_call(new=True):
            job = await self._beside(
                owner,
                asked.job_id,
                partial(self._lookup.find, owner, asked.job_id),
                partial(report_parts.read_ahead, self._folders, asked=asked),
            )
            answer = await report_parts.fetch(self._folders, job, asked, paths=self._same_computer)
        if job.ended and job.fetched_at is None:
            try:
                await self._runner.fetched(owner, job.id, self._clock())
            except JobsError as error:  # the report is what was asked for
                log.warning("job %s could not be marked as read: %s", job.id, error)
        return answer

    async def notice(self) -> str:
        """Return what a reader of lists must know, such as lost data; "" for nothing."""
        return await self._runner.notice()

    async def check(self, owner: Owner, asked: CheckCitations) -> CheckResult:
        """Return a verdict on each claim of a draft by the quotes of a job.

        Raises:
            NotFound: no such job of this owner.
        """
        job = await self._lookup.find(owner, asked.job_id)
        return await check_draft(self._folders, job, asked)

    async def remove(self, owner: Owner, job_id: str) -> None:
        """Remove an ended job and its folder.

        Raises:
            NotFound: no such job.
            Conflict: it has not ended, or an unended job builds on it.
        """
        job = await self._lookup.find(owner, job_id)
        await self._runner.remove(owner, job.id)

    async def ended_before(self, owner: Owner, at: datetime) -> Sequence[str]:
        """Return the ids of all jobs that ended before ``at``, the latest ended first."""
        found: list[str] = []
        before = (at, "")
        while page := await self._runner.ended(owner, limit=100, before=before):
            last = (page[-1].ended_at or at, page[-1].id)
            if last == before:  # the time of that job is damaged
                break
            found.extend(job.id for job in page)
            before = last
        return found

    def location(self, owner: Owner, job_id: str) -> str:
        """Return where a person finds the folder of the job with this id."""
        return self._folders.location(job_folder(owner, job_id))

    async def file(self, owner: Owner, job_id: str, name: str) -> bytes:
        """Return a whole file of a job folder.

        Raises:
            NotFound: no such job of this owner, or no such file yet.
            Refused: it is too large.
        """
        job = await self._lookup.find(owner, job_id)
        found = await self._folders.read(job.folder, name, limit=MAX_FILE_BYTES)
        if found is not None and found.size > MAX_FILE_BYTES:
            raise Refused(
                f"{name} has {found.size / 1e6:,.0f} MB, too much for one answer.",
                "Read it page by page with fetch_report, or open the file.",
            )
        if found is None:
            raise NotFound(f"The job has no {name} yet.", "Try again when the job is completed.")
        return found.data

    def close(self) -> None:
        """Make waiting calls return at once and new ones not wait: the server is ending."""
        self._is_closing = True
        for scope in self._waiting:
            scope.cancel()

    async def _beside(
        self,
        owner: Owner,
        named: str,
        find: Callable[[], Awaitable[Job]],
        read_ahead: Callable[[str], Awaitable[None]],
    ) -> Job:
        """Return the job that ``find`` returns; files far away are asked for meanwhile."""
        if not (self._folders.distant and JOB_ID.fullmatch(named)):
            return await find()
        return (await gather_pair(find, partial(read_ahead, job_folder(owner, named))))[0]

    @contextmanager
    def _wait(self, seconds: float) -> Iterator[None]:
        with anyio.move_on_after(seconds) as scope:
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)
