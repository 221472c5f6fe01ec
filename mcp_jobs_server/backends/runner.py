"""The port to what runs jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from mcp_jobs_server.core.models import Job, JobState, Owner, Started, StartOptions, StopMode, Usage
from research_contract.records import Request


class Changes(Protocol):
    """A subscription to what happens to one job."""

    async def wait(self) -> None:
        """Return at once if the job changed since the last call, else at its next change.

        A change is a new state, a new ``status.json`` or anything else that a fresh look could
        tell. It may return without a change (look again), never miss one. Waiting ends by
        cancelling the call; no thread is held and nothing is polled per caller.
        """
        ...


class Runner(Protocol):
    """Starts jobs, knows where they stand, and stops them.

    A job belongs to its owner: every method that takes an owner behaves as if the jobs of
    others did not exist. Methods raise ``Unavailable`` where the backend does not answer;
    then nothing is lost and the call may be repeated.

    ``survives_client`` is false where the system ends jobs together with the client that
    started this process; known at the latest after the first start. ``startup_seconds`` is what
    usually passes before a job begins that need not wait for others.
    """

    survives_client: bool
    startup_seconds: float

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Record the job durably, arrange that it runs, and return at once.

        When this returns, the job runs to its end whatever becomes of the caller or this
        process. An earlier job is returned (``created=False``) where ``options.key`` was used
        before by this owner, or an unfinished job with the same fingerprint, not being stopped,
        was made since ``options.reuse_after``. Simultaneous calls with one key make one job, in
        any process. The same request may be passed again where it is unknown what became of a
        call: its job id is returned as an earlier job.

        Raises:
            Conflict: the key was used for a request with another fingerprint.
        """
        ...

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        """Return the job that ``start`` would return instead of a new one; it starts none.

        Asked where a quota allows no new job: a repeated call still gets its answer.

        Raises:
            Conflict: the key was used for a request with another fingerprint.
        """
        ...

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        """Return the owner's unended jobs, and the starts and cost of jobs made since then.

        The cost of a job counts once it has an outcome. A job that was removed counts no more.
        """
        ...

    async def waiting(self) -> int:
        """Return how many jobs of all owners are queued."""
        ...

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        """Return the job, or ``None``. ``job_id`` may be any text."""
        ...

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        """Return up to three jobs whose id, or the part of it after the date, starts so.

        Newest first; of more than three that fit, any three. "" fits all: the newest three.
        """
        ...

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        """Return up to ``limit`` unended jobs, newest first.

        ``before`` is the id of the last job already seen; jobs made before it follow.
        """
        ...

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        """Return up to ``limit`` ended jobs, the latest ended first.

        ``before`` is ``(ended_at, id)`` of the last job already seen; jobs after it follow.
        """
        ...

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        """Return ended jobs that ended after ``since``, not yet fetched first."""
        ...

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        """Return how many jobs are in each state; states without jobs may be missing."""
        ...

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        """Ask that the job ends, durably, and return it as it stands now; ``None``: no such job.

        ``stop`` ends all its work; ``finish_now`` lets it write its report from what it has.
        ``stop`` overrides ``finish_now``, never the reverse. A queued job that is stopped is
        cancelled at once. Asking again, or of an ended job, changes nothing.
        """
        ...

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        """Remember that the owner has seen the report; the first time counts, in milliseconds."""
        ...

    async def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove an ended job with its folder; ``False``: no such job.

        Raises:
            Conflict: the job has not ended, a job that has not ended builds on it (follow-up,
                refresh), or something works in its folder.
        """
        ...

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        """Return the median active seconds of the owner's last like jobs; ``None``: none yet."""
        ...

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        """Subscribe to the job. Subscribe first, then look, then wait: so nothing is missed."""
        ...
