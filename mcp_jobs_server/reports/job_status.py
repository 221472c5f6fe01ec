"""The state of one job, put together from its row, its status file and its new steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import next_steps, wording
from mcp_jobs_server.messages.arguments import GetStatus
from mcp_jobs_server.messages.results import ErrorShown, Progress, StatusResult, StepShown
from mcp_jobs_server.reports.logs import STEPS, Cursor, Page
from research_contract.files import NewerFormat, decode
from research_contract.records import OUTCOME, STATUS, Outcome, Spent, Status, Step

BRIEF_STEPS = 5
"""Steps in a brief answer: the newest ones."""

FULL_STEPS = 50
"""Steps on a page of a full answer."""

BRIEF_READ = 200
"""New steps that a brief answer skips at most; if there are more, ``more_steps`` is true."""


class StatusReader:
    """Reads the status of one job repeatedly for one call.

    Args:
        folders: holds the job folders.
        asked: what the caller wants to see.
        clock: the time, in UTC.
        elapsed: returns the seconds that a job took so far, which are at least its active seconds.

    Attributes:
        expected_seconds: typical duration of similar jobs, known once the job is.
    """

    def __init__(
        self,
        folders: Folders,
        asked: GetStatus,
        *,
        clock: Callable[[], datetime],
        elapsed: Callable[[Job, float], int],
    ) -> None:
        self._folders = folders
        self._asked = asked
        self._clock = clock
        self._elapsed = elapsed
        self.expected_seconds = 0.0
        self._page: Page[Step] | None = None

    def has_news(self, first: StatusResult, latest: StatusResult) -> bool:
        """Return whether there is a new step, state, place in the queue or finished question."""
        if self._asked.cursor and latest.steps:
            return True
        seen = (first.state, first.progress, first.cursor, first.queue_position)
        return seen != (latest.state, latest.progress, latest.cursor, latest.queue_position)

    async def read_ahead(self, folder: str) -> None:
        """Ask for the files that ``read`` shows, while the job of the folder is looked up."""
        with suppress(JobsError, NewerFormat):  # told by what needs it
            found = await self._folders.read(folder, STATUS)
            await self._steps(folder, decode(Status, found.data if found else None))

    async def read(self, job: Job) -> StatusResult:
        """Return the state of ``job`` now.

        Raises:
            InvalidArgument: the cursor was not issued for this job.
        """
        status = await self._status(job)
        latest = await self._latest(job, status)
        began = job.attempt or self._asked.cursor
        page = await self._new_steps(job, status) if began else Page((), Cursor(), more=False)
        self._page = page
        cursor = page.cursor.text(job.id)
        spent = latest.spent if latest else Spent()
        left = self._seconds_left(job, status)
        return StatusResult(
            job_id=job.id,
            state=job.state,
            outcome=job.outcome,
            summary=wording.summary(job, status),
            progress=Progress(
                done=status.done if status else 0,
                total=(status.total if status else 0) or len(job.request.plan.questions),
            ),
            steps=self._shown(page),
            cursor=cursor,
            more_steps=page.more,
            queue_position=job.queue_position,
            elapsed_seconds=self._elapsed(job, spent.active_seconds),
            expected_seconds=None if job.ended else max(1, round(self.expected_seconds)),
            seconds_left=None if job.ended else max(1, round(left)),
            spent=spent.model_copy(update={"active_seconds": round(spent.active_seconds, 1)}),
            coverage=latest.coverage if latest else None,
            error=ErrorShown(**job.error.model_dump()) if job.error else None,
            next=next_steps.after_end(job)
            if job.ended
            else next_steps.while_active(job, cursor=cursor, seconds_left=left),
        )

    async def _status(self, job: Job) -> Status | None:
        if not job.attempt:
            return None
        found = await self._folders.read(job.folder, STATUS)
        return decode(Status, found.data if found else None)

    async def _latest(self, job: Job, status: Status | None) -> Outcome | Status | None:
        """Return the record with the latest cost and coverage: the outcome, else the status."""
        if job.state != "completed" or (status and status.state == "ended"):
            return status
        found = await self._folders.read(job.folder, OUTCOME)
        return decode(Outcome, found.data if found else None) or status

    async def _new_steps(self, job: Job, status: Status | None) -> Page[Step]:
        """Return the new steps; while the job runs, only if its status says that there are any."""
        seen = self._page.cursor.number - 1 if self._page else None
        if self._page and status and not job.ended and seen == status.last_step:
            return self._page
        return await self._steps(job.folder, status)

    async def _steps(self, folder: str, status: Status | None) -> Page[Step]:
        cursor = Cursor.parse(self._asked.cursor, folder.rpartition("/")[2])
        full = self._asked.detail == "full"
        if not self._asked.cursor and not full:
            return await STEPS.tail(self._folders, folder, status.step_part if status else 1)
        limit = FULL_STEPS if full else BRIEF_READ
        last = status.last_step if status else None
        return await STEPS.page(self._folders, folder, cursor, limit, last=last)

    def _shown(self, page: Page[Step]) -> tuple[StepShown, ...]:
        if self._asked.detail == "full":
            return tuple(full_step(step) for step in page.records)
        return tuple(_brief_step(step) for step in page.records[-BRIEF_STEPS:])

    def _seconds_left(self, job: Job, status: Status | None) -> float:
        """Estimate the remaining seconds from the pace so far, else from similar jobs."""
        expected = self.expected_seconds
        if job.started_at is None:
            return expected * (job.queue_position or 1)
        ran = (self._clock() - job.started_at).total_seconds()
        coverage = status.coverage if status and status.state == "starting" else None
        if coverage and 0 < coverage.reached < coverage.found:
            pace = ran / coverage.reached
            return max(expected - ran, pace * (coverage.found - coverage.reached))
        if status and status.done and ran > expected:
            return ran / status.done * (status.total - status.done)
        return abs(expected - ran)  # an overdue job: assume as long again as it is late


def full_step(step: Step) -> StepShown:
    """Return a step with all of its fields."""
    return _brief_step(step).model_copy(
        update={
            "message": wording.short(step.message, 2000),
            "worker": step.worker or None,
            "tool": step.tool or None,
            "payload": step.payload or None,
        }
    )


def _brief_step(step: Step) -> StepShown:
    message = wording.short(step.message, 160)
    return StepShown(step=step.step, at=wording.when(step.at), kind=step.kind, message=message)
