"""The nouns of the server: who asks, what a job is, and where it stands."""

from __future__ import annotations

import getpass
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Literal

from research_contract.records import Failure, Outcome, OutcomeKind, Request, month_of

JobState = Literal["queued", "running", "cancelling", "completed", "failed", "cancelled"]
StopMode = Literal["stop", "finish_now"]

ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running", "cancelling")
ENDED_STATES: tuple[JobState, ...] = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class Owner:
    """Who a job belongs to: an issuer of identities and the subject it vouches for."""

    issuer: str
    subject: str

    @classmethod
    @cache
    def local(cls) -> Owner:
        """Return the person whose account this process runs under."""
        return cls(issuer="local", subject=getpass.getuser())

    @cached_property
    def folder(self) -> str:
        """Folder of this owner's jobs: a readable prefix and a hash, so that no two share it."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.subject.lower()).strip("-")[:24] or "owner"
        digest = hashlib.sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()
        return f"{readable}-{digest[:16]}"


@dataclass(frozen=True)
class Job:
    """One research job as its runner records it.

    ``state`` is the true one: ``cancelling`` until the last process is gone. ``requested`` is
    what was asked of it, ``attempt`` how often it was started, ``queue_position`` 1 for the
    next one to run (only while queued). ``summary`` is the outcome in one line, once ended; while
    queued, what the job waits for besides its turn.
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
    """Return ``<owner>/<yyyy-mm>/<job_id>``; looking there is the access check."""
    return job_folder_of(owner.folder, job_id)


def job_folder_of(owner_folder: str, job_id: str) -> str:
    """Return the same where only the owner's folder is known."""
    return f"{owner_folder}/{month_of(job_id)}/{job_id}"


@dataclass(frozen=True)
class Started:
    """Answer to a start: the job, and whether it is new (else an earlier one is returned)."""

    job: Job
    created: bool


@dataclass(frozen=True)
class Slice:
    """Part of a file: its bytes from ``start`` and the size of the whole file, in bytes."""

    data: bytes
    start: int
    size: int


@dataclass(frozen=True)
class StartOptions:
    """How a start treats earlier requests.

    ``key``: the caller's idempotency key ("" for none). ``fingerprint``: hash of what is asked.
    ``reuse_after``: an unfinished job with the same fingerprint made since then is returned
    instead of a new one; ``None`` always makes a new one.
    """

    key: str = ""
    fingerprint: str = ""
    reuse_after: datetime | None = None


@dataclass(frozen=True)
class Usage:
    """What an owner uses and used: unended jobs, and starts and US dollars since a moment.

    ``first`` is when the first of those starts was; ``None`` where there was none.
    """

    active: int = 0
    starts: int = 0
    cost_usd: float = 0.0
    first: datetime | None = None


SUMMARY_LENGTH = 200


def one_line_summary(outcome: Outcome) -> str:
    """Return the answer, else the reason, as one line of at most 200 characters."""
    line = " ".join((outcome.answer or outcome.reason).split())
    if len(line) <= SUMMARY_LENGTH:
        return line
    return line[: SUMMARY_LENGTH - 2].rsplit(" ", 1)[0] + " …"
