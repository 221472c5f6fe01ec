"""Records how a job ended: in its folder, and in the index for all lists."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime

from mcp_jobs_server.backends.lakeflow.index import Index, IndexEntry, ended_name, from_milliseconds
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, Owner, job_folder, one_line_summary
from research_contract.files import decode, encode
from research_contract.records import (
    ENDED,
    OUTCOME,
    REQUEST,
    Ended,
    Failure,
    Outcome,
    OutcomeKind,
    Record,
    Request,
    Spent,
    Status,
)

log = logging.getLogger(__name__)


class EndedRecord(Record):
    """Content of the index entry of an ended job: all that lists show of it, in one read."""

    request: Request
    state: Literal["completed", "failed", "cancelled"]
    attempt: int = 0
    requested: Literal["stop", "finish_now"] | None = None
    outcome: OutcomeKind | None = None
    summary: str = ""
    error: Failure | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime

    @classmethod
    def of_outcome(cls, job: Job, outcome: Outcome) -> Self:
        """Return the record of a completed job."""
        return cls(
            request=job.request,
            state="completed",
            attempt=max(job.attempt, outcome.attempts),
            requested=job.requested,
            outcome=outcome.outcome,
            summary=one_line_summary(outcome),
            started_at=job.started_at,
            ended_at=outcome.ended_at,
        )

    @classmethod
    def of_end(cls, job: Job, ended: Ended) -> Self:
        """Return the record of a job that failed or was cancelled."""
        return cls(
            request=job.request,
            state=ended.state,
            attempt=ended.attempts,
            requested=job.requested,
            summary=ended.error.message if ended.error else "",
            error=ended.error,
            started_at=job.started_at,
            ended_at=ended.ended_at,
        )

    def job(self, owner: Owner, fetched_at: datetime | None = None) -> Job:
        """Return the ended job."""
        return Job(
            owner=owner,
            request=self.request,
            state=self.state,
            attempt=self.attempt,
            requested=self.requested,
            outcome=self.outcome,
            summary=self.summary,
            error=self.error,
            started_at=self.started_at,
            ended_at=self.ended_at,
            fetched_at=fetched_at,
        )


class Completion:
    """Records ends of jobs. If a write fails, the next call that reads the job repeats it."""

    def __init__(self, folders: VolumeFolders, index: Index) -> None:
        self._folders = folders
        self._index = index

    async def completed(self, job: Job, outcome: Outcome) -> Job:
        """Add a job that has an outcome to the index, and return it."""
        return await self._add(EndedRecord.of_outcome(job, outcome), job.owner, outcome.spent)

    async def end(self, job: Job, ended: Ended, status: Status | None) -> Job:
        """Write ``ended.json``, add the job to the index and return it.

        An ``ended.json`` that exists already holds.
        """
        try:
            if not await self._folders.create(job.folder, ENDED, encode(ended)):
                ended = await self._folders.record(Ended, job.folder, ENDED) or ended
        except JobsError as error:
            log.warning("the end of job %s could not be written: %s", job.id, error.message)
            return EndedRecord.of_end(job, ended).job(job.owner)
        return await self.recorded(job, ended, status)

    async def recorded(self, job: Job, ended: Ended, status: Status | None) -> Job:
        """Add a job whose folder has this end to the index, and return it."""
        spent = status.spent if status else Spent()
        return await self._add(EndedRecord.of_end(job, ended), job.owner, spent)

    async def load(self, owner: Owner, entry: IndexEntry) -> Job | None:
        """Return a job that has ended according to the index; ``None``: it was removed.

        An entry without content is one of an older version; the job folder has its end.
        """
        if entry.ended is None:
            return None
        fetched_at = None if entry.fetched_at is None else from_milliseconds(entry.fetched_at)
        data = await self._index.read(owner, entry.job_id, entry.ended.name)
        if record := decode(EndedRecord, data):
            return record.job(owner, fetched_at)
        folder = job_folder(owner, entry.job_id)
        request = await self._folders.record(Request, folder, REQUEST)
        if request is None:
            return None
        job = Job(owner=owner, request=request, state="running")
        if outcome := await self._folders.record(Outcome, folder, OUTCOME):
            return EndedRecord.of_outcome(job, outcome).job(owner, fetched_at)
        ended = await self._folders.record(Ended, folder, ENDED)
        return EndedRecord.of_end(job, ended).job(owner, fetched_at) if ended else None

    async def _add(self, record: EndedRecord, owner: Owner, spent: Spent) -> Job:
        name = ended_name(
            record.request,
            record.ended_at,
            record.state,
            record.outcome,
            active_seconds=spent.active_seconds,
            cost_usd=spent.cost_usd,
        )
        job_id = record.request.job_id
        try:
            await self._index.add(owner, job_id, name, encode(record))
        except JobsError as error:
            log.warning("the end of job %s is not in the index yet: %s", job_id, error.message)
        return record.job(owner)
