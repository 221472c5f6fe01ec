"""Where one job stands: its row, its status file and its new steps, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import GetStatus
from mcp_jobs_server.messages.results import ErrorShown, Next, Progress, StatusResult, StepShown
from mcp_jobs_server.reports.logs import STEPS, Cursor, Page
from research_contract import records as contract
from research_contract.files import decode
from research_contract.records import Outcome, Spent, Status, Step

BRIEF_STEPS = 5
"""Steps a brief answer shows: the last new ones."""

FULL_STEPS = 50
"""Steps a page of a full answer holds."""

BRIEF_READ = 200
"""New steps a brief answer passes over at most; behind them ``more_steps`` is true."""


class Standing:
    """Looks at one job again and again on behalf of one caller.

    Args:
        folders: where job folders are.
        asked: what the caller wants to see.
        now: the clock.
        usual: seconds that jobs like this one take.
    """

    def __init__(
        self, folders: Folders, asked: GetStatus, *, now: Callable[[], datetime], usual: float
    ) -> None:
        self._folders = folders
        self._asked = asked
        self._now = now
        self._usual = usual
        self._page: Page[Step] | None = None

    def news(self, first: StatusResult, latest: StatusResult) -> bool:
        """Say whether there is something to tell: a step, a state, a question done."""
        if self._asked.cursor and latest.steps:
            return True
        seen = (first.state, first.progress, first.cursor, first.queue_position)
        return seen != (latest.state, latest.progress, latest.cursor, latest.queue_position)

    async def look(self, job: Job) -> StatusResult:
        """Return where the job stands now.

        Raises:
            InvalidArgument: the cursor was not issued for this job.
        """
        status = await self._status(job)
        last = await self._last(job, status)
        page = self._page = await self._new_steps(job, status)
        elapsed = ((job.ended_at or self._now()) - job.request.created_at).total_seconds()
        cursor = page.cursor.text(job.id)
        return StatusResult(
            job_id=job.id,
            state=job.state,
            outcome=job.outcome,
            summary=wording.summary(job, status),
            progress=_progress(job, status),
            steps=self._shown(page),
            cursor=cursor,
            more_steps=page.more,
            queue_position=job.queue_position,
            elapsed_seconds=max(0, round(elapsed)),
            expected_seconds=None if job.ended else max(1, round(self._usual)),
            spent=_rounded(last.spent if last else Spent()),
            coverage=last.coverage if last else None,
            error=ErrorShown(**job.error.model_dump()) if job.error else None,
            next=self._next(job, status, cursor),
        )

    async def _status(self, job: Job) -> Status | None:
        if not job.attempt:
            return None
        found = await self._folders.read(job.folder, contract.STATUS)
        return decode(Status, found.data if found else None)

    async def _last(self, job: Job, status: Status | None) -> Outcome | Status | None:
        """Return what tells what was spent and read: the last status, where it is the last."""
        if job.state != "completed" or (status and status.state == "ended"):
            return status
        found = await self._folders.read(job.folder, contract.OUTCOME)
        return decode(Outcome, found.data if found else None) or status

    async def _new_steps(self, job: Job, status: Status | None) -> Page[Step]:
        """Return the steps; while a job runs, its status tells whether there are any new ones."""
        if self._page is None or status is None or job.ended:
            return await self._steps(job, status)
        seen = self._page.cursor.number == status.last_step + 1
        return self._page if seen else await self._steps(job, status)

    async def _steps(self, job: Job, status: Status | None) -> Page[Step]:
        cursor = Cursor.parse(self._asked.cursor, job.id)
        if self._asked.detail == "full":
            return await STEPS.page(self._folders, job.folder, cursor, FULL_STEPS)
        if not self._asked.cursor:
            return await STEPS.tail(self._folders, job.folder, status.step_part if status else 1)
        return await STEPS.page(self._folders, job.folder, cursor, BRIEF_READ)

    def _shown(self, page: Page[Step]) -> tuple[StepShown, ...]:
        if self._asked.detail == "full":
            return tuple(full_step(step) for step in page.records)
        return tuple(_brief(step) for step in page.records[-BRIEF_STEPS:])

    def _next(self, job: Job, status: Status | None, cursor: str) -> Next:
        if job.ended:
            return wording.after_end(job)
        return wording.while_active(job, cursor=cursor, left=self._left(job, status))

    def _left(self, job: Job, status: Status | None) -> float | None:
        """Estimate the seconds to go: from the pace so far, else from what is usual."""
        if job.started_at is None:
            return self._usual * (job.queue_position or 1)
        ran = (self._now() - job.started_at).total_seconds()
        if status and status.done and ran > self._usual:
            return ran / status.done * (status.total - status.done)
        return abs(self._usual - ran)  # overdue: as long again as it is late, for want of better


def _progress(job: Job, status: Status | None) -> Progress:
    total = status.total if status and status.total else len(job.request.plan.questions)
    return Progress(done=status.done if status else 0, total=total)


def _rounded(spent: Spent) -> Spent:
    return spent.model_copy(update={"active_seconds": round(spent.active_seconds, 1)})


def _brief(step: Step) -> StepShown:
    message = wording.short(step.message, 160)
    return StepShown(step=step.step, at=wording.when(step.at), kind=step.kind, message=message)


def full_step(step: Step) -> StepShown:
    """Return a step with all that is known of it."""
    return _brief(step).model_copy(
        update={
            "message": step.message[:2000],
            "worker": step.worker or None,
            "tool": step.tool or None,
            "payload": step.payload or None,
        }
    )
