"""Core data types: owners, jobs and their states."""

from __future__ import annotations

import getpass
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Literal

from research_contract.records import Failure, Outcome, OutcomeKind, Request, month_of
from research_contract.text.safe import cut, markdown, one_line

JobState = Literal["queued", "running", "cancelling", "completed", "failed", "cancelled"]
StopMode = Literal["stop", "finish_now"]

ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running", "cancelling")
ENDED_STATES: tuple[JobState, ...] = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Owner:
    """The identity that a job belongs to: an identity issuer and a subject of that issuer."""

    issuer: str
    subject: str

    @classmethod
    @cache
    def local(cls) -> Owner:
        """Return the owner for the operating system account of this process."""
        return cls(issuer="local", subject=getpass.getuser())

    @cached_property
    def folder(self) -> str:
        """Folder name of this owner's jobs: a readable prefix and a hash that makes it unique."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.subject.lower()).strip("-")[:24] or "owner"
        digest = hashlib.sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()
        return f"{readable}-{digest[:16]}"


@dataclass(frozen=True)
class Job:
    """One research job as its runner records it.

    ``state`` is the actual state: ``cancelling`` until the last process has exited.
    ``requested`` is the stop that was requested, if any. ``attempt`` counts the starts.
    ``queue_position`` is set only while queued; 1 is the next job to run. ``summary`` is the
    outcome in one line once the job has ended; while queued, it names what blocks the job besides
    its place in the queue.
    """

    owner: Owner
    request: Request
    state: JobState
    attempt: int = 0
    requested: StopMode | None = None
    outcome: OutcomeKind | None = None
    summary: str = ""
    error: Failure | None = None
    queue_position: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    fetched_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.request.job_id

    @property
    def title(self) -> str:
        return self.request.plan.title or self.request.question

    @property
    def folder(self) -> str:
        """Path of the job folder below the root of all job folders."""
        return job_folder(self.owner, self.id)

    @property
    def ended(self) -> bool:
        return self.state in ENDED_STATES


def job_folder(owner: Owner, job_id: str) -> str:
    """Return ``<owner>/<yyyy-mm>/<job_id>``. Looking only there is the access check."""
    return job_folder_of(owner.folder, job_id)


def job_folder_of(owner_folder: str, job_id: str) -> str:
    """Return the same path where only the name of the owner's folder is known."""
    return f"{owner_folder}/{month_of(job_id)}/{job_id}"


@dataclass(frozen=True)
class Started:
    """Result of a start: the job, and whether it is new or an earlier one that is reused.

    ``same``: where a new job was made, the last earlier job of the same request.
    """

    job: Job
    created: bool
    same: Job | None = None


@dataclass(frozen=True)
class Slice:
    """Bytes of a file from offset ``start``, and the size of the whole file in bytes."""

    data: bytes
    start: int
    size: int


@dataclass(frozen=True)
class StartOptions:
    """How a start treats earlier requests.

    ``key``: the caller's idempotency key ("" for none). ``fingerprint``: hash of the request.
    ``reuse_after``: an active job with the same fingerprint that was created after this time is
    returned instead of a new one; ``None`` always creates a new job.
    """

    key: str = ""
    fingerprint: str = ""
    reuse_after: datetime | None = None


@dataclass(frozen=True)
class Usage:
    """Usage of an owner: active jobs now, and starts and US dollars since a given time.

    ``first`` is the time of the first of those starts; ``None`` if there was none.
    """

    active: int = 0
    starts: int = 0
    cost_usd: float = 0.0
    first: datetime | None = None


SUMMARY_LENGTH = 200


def one_line_summary(outcome: Outcome) -> str:
    """Return the answer, or else the reason, as a line of Markdown, cut to 200 characters."""
    return cut(one_line(outcome.answer) or markdown(outcome.reason), SUMMARY_LENGTH)
