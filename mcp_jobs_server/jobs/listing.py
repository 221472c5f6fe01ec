"""The jobs that a list shows: unfinished ones first, then those that ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.jobs.elapsed import ElapsedTime
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import ListActiveJobs
from mcp_jobs_server.messages.results import JobShown
from research_contract import records
from research_contract.files import NewerFormat, decode
from research_contract.records import JOB_ID, Status

RECENT = timedelta(days=14)
MAX_RECENT = 5
"""Recently ended jobs that are always shown."""


@dataclass(frozen=True)
class ListPage:
    """The jobs of one page, and the cursor of the next one."""

    jobs: Sequence[Job]
    next_cursor: str | None = None


async def list_page(runner: Runner, owner: Owner, asked: ListActiveJobs, now: datetime) -> ListPage:
    """Return one page of an owner's jobs.

    Raises:
        InvalidArgument: the cursor was not issued by a list.
    """
    cursor = _parsed(asked.cursor)
    if isinstance(cursor, tuple):
        return await _ended(runner, owner, asked.limit, cursor)
    active = await runner.active(owner, limit=asked.limit + 1, before=cursor)
    if len(active) > asked.limit:
        page = active[: asked.limit]
        return ListPage(page, next_cursor=f"a.{page[-1].id}")
    if not asked.include_recent:
        recent = await runner.unfetched(owner, since=now - RECENT, limit=MAX_RECENT)
        return ListPage([*active, *recent])
    rest = await _ended(runner, owner, asked.limit - len(active) or 1, None)
    return ListPage([*active, *rest.jobs], rest.next_cursor)


async def _ended(
    runner: Runner, owner: Owner, limit: int, before: tuple[datetime, str] | None
) -> ListPage:
    found = await runner.ended(owner, limit=limit + 1, before=before)
    page = found[:limit]
    if len(found) <= limit or page[-1].ended_at is None:
        return ListPage(page)
    return ListPage(page, next_cursor=f"e.{page[-1].ended_at.isoformat()}.{page[-1].id}")


def _parsed(cursor: str) -> str | tuple[datetime, str]:
    """Return the last job that the page before showed.

    That is its id (``a.ID``, "" for the first page), or when it ended and its id (``e.TIME.ID``).
    """
    kind, _, rest = cursor.partition(".")
    moment, _, job_id = rest.rpartition(".")
    try:
        ended_at = datetime.fromisoformat(moment) if kind == "e" else None
    except ValueError:
        ended_at = None
    if not cursor:
        return ""
    if JOB_ID.fullmatch(job_id):
        if kind == "a" and not moment:
            return job_id
        if ended_at is not None and ended_at.tzinfo is not None:
            return ended_at, job_id
    raise InvalidArgument(
        "This cursor was not issued by list_active_jobs.", "Leave 'cursor' out to start again."
    )


async def shown(job: Job, folders: Folders, elapsed: ElapsedTime) -> JobShown:
    """Return one entry of a list; for a running job its status file is read."""
    status = None
    if not job.ended and job.state != "queued":
        found = await folders.read(job.folder, records.STATUS)
        with suppress(NewerFormat):  # one such file must not fail the whole list
            status = decode(Status, found.data if found else None)
    return JobShown(
        job_id=job.id,
        title=wording.short(job.title, 120),
        state=job.state,
        outcome=job.outcome,
        summary=wording.short(wording.summary(job, status), 200),
        created_at=wording.when(job.request.created_at),
        elapsed_seconds=elapsed.seconds(job, status.spent.active_seconds if status else 0.0),
        fetched=job.fetched_at is not None if job.ended else None,
    )
