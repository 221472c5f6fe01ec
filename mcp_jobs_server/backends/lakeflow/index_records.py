"""What stands in entries of the index: the token of a start, and a job as it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from mcp_jobs_server.core.models import Job, Owner, one_line_summary
from research_contract.records import Ended, Failure, Outcome, OutcomeKind, Record, Request


class Made(Record):
    """In the entry of a job that was made: with which token its run is asked for, and the names of
    the files in ``keys`` that lead to it."""

    token: str
    keys: tuple[str, ...] = ()


class Card(Record):
    """In the entry of a job that ended: all that lists show of it, in one read."""

    request: Request
    state: Literal["completed", "failed", "cancelled"]
    attempt: int = 0
    requested: Literal["stop", "finish_now"] | None = None
    outcome: OutcomeKind | None = None
    summary: str = ""
    error: Failure | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime

    def job(self, owner: Owner, fetched_at: datetime | None = None) -> Job:
        """Return the job as it ended."""
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


def completed_card(job: Job, outcome: Outcome) -> Card:
    """Return the card of a job that has an outcome."""
    return Card(
        request=job.request,
        state="completed",
        attempt=max(job.attempt, outcome.attempts),
        requested=job.requested,
        outcome=outcome.outcome,
        summary=one_line_summary(outcome),
        started_at=job.started_at,
        ended_at=outcome.ended_at,
    )


def ended_card(job: Job, ended: Ended) -> Card:
    """Return the card of a job that ended without one."""
    return Card(
        request=job.request,
        state=ended.state,
        attempt=ended.attempts,
        requested=job.requested,
        summary=ended.error.message if ended.error else "",
        error=ended.error,
        started_at=job.started_at,
        ended_at=ended.ended_at,
    )
