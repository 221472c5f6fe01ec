"""Which jobs a list shows: the unfinished ones first, then those that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import ListActiveJobs
from mcp_jobs_server.messages.results import JobShown
from research_contract import records
from research_contract.files import decode
from research_contract.records import JOB_ID, Status

LATELY = timedelta(days=14)
FEW = 5
"""How many jobs that ended lately are always shown."""


@dataclass(frozen=True)
class JobPage:
    """The jobs of one page and where the next page begins."""

    jobs: Sequence[Job]
    next_cursor: str | None = None


async def job_page(runner: Runner, owner: Owner, asked: ListActiveJobs, now: datetime) -> JobPage:
    """Return one page of an owner's jobs.

    Raises:
        InvalidArgument: the cursor was not issued by a list.
    """
    before = _ended_cursor(asked.cursor)
    if before:
        return await _ended(runner, owner, asked.limit, before)
    seen = _active_cursor(asked.cursor)
    active = await runner.active(owner, limit=asked.limit + 1, before=seen)
    if len(active) > asked.limit:
        page = active[: asked.limit]
        return JobPage(page, next_cursor=f"a.{page[-1].id}")
    if not asked.include_recent:
        lately = await runner.unfetched(owner, since=now - LATELY, limit=FEW)
        return JobPage([*active, *lately])
    rest = await _ended(runner, owner, asked.limit - len(active) or 1, None)
    return JobPage([*active, *rest.jobs], rest.next_cursor)


async def _ended(
    runner: Runner, owner: Owner, limit: int, before: tuple[datetime, str] | None
) -> JobPage:
    found = await runner.ended(owner, limit=limit + 1, before=before)
    page = found[:limit]
    if len(found) <= limit or page[-1].ended_at is None:
        return JobPage(page)
    return JobPage(page, next_cursor=f"e.{page[-1].ended_at.isoformat()}.{page[-1].id}")


def _active_cursor(cursor: str) -> str:
    """Return the id of the last unended job that the page before showed."""
    if not cursor:
        return ""
    kind, _, job_id = cursor.partition(".")
    if kind != "a" or not JOB_ID.fullmatch(job_id):
        raise _not_issued()
    return job_id


def _ended_cursor(cursor: str) -> tuple[datetime, str] | None:
    if not cursor.startswith("e."):
        return None
    moment, _, job_id = cursor[2:].rpartition(".")
    try:
        ended_at = datetime.fromisoformat(moment)
    except ValueError as error:
        raise _not_issued() from error
    if ended_at.tzinfo is None or not JOB_ID.fullmatch(job_id):
        raise _not_issued()
    return ended_at, job_id


def _not_issued() -> InvalidArgument:
    return InvalidArgument(
        "This cursor was not issued by list_active_jobs.", "Leave 'cursor' out to begin anew."
    )


async def shown(job: Job, folders: Folders, now: datetime) -> JobShown:
    """Return one line of a list; a running job is asked where it stands."""
    ended = job.ended_at or now
    return JobShown(
        job_id=job.id,
        title=wording.short(job.title, 120),
        state=job.state,
        outcome=job.outcome,
        summary=wording.short(await _summary(job, folders), 200),
        created_at=wording.when(job.request.created_at),
        elapsed_seconds=max(0, round((ended - job.request.created_at).total_seconds())),
        fetched=job.fetched_at is not None if job.ended else None,
    )


async def _summary(job: Job, folders: Folders) -> str:
    if job.ended or job.state == "queued":
        return wording.summary(job, None)
    found = await folders.read(job.folder, records.STATUS)
    return wording.summary(job, decode(Status, found.data if found else None))
