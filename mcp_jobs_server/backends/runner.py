"""The port for running jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from mcp_jobs_server.core.models import Job, JobState, Owner, Started, StartOptions, StopMode, Usage
from research_contract.records import Request


class Changes(Protocol):
    """A subscription to the changes of one job."""

    async def wait(self) -> None:
        """Return at once if the job changed since the last call, else at its next change.

        A change is a new state, a new ``status.json``, or anything else that reading the job again
        would show. ``wait`` may return without a change, but never misses one. Cancel the call to
        stop waiting. It holds no thread, and nothing is polled per caller.
        """
        ...


class Runner(Protocol):
    """Starts, stops and looks up jobs.

    Jobs belong to their owner: a method that takes an owner behaves as if the jobs of other owners
    did not exist. Every method raises ``Unavailable`` if the backend does not answer; nothing is
    lost then and the call may be repeated.

    Attributes:
        survives_client: whether jobs go on when the client that started this process ends. Known
            after the first start at the latest.
        startup_seconds: typical time until a job begins that does not wait in a queue.
    """

    survives_client: bool
    startup_seconds: float

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Record the job durably, arrange that it runs, and return without waiting for it.

        After this returns, the job runs to its end even if the caller or this process ends.

        An earlier job is returned (``created=False``) if this owner used ``options.key`` before, or
        if an unfinished job with the same fingerprint, which is not being stopped, was made since
        ``options.reuse_after``. Simultaneous calls with one key make one job, also in different
        processes. If the result of a call is unknown, pass the same request again: its own job is
        returned as an earlier one.

        If a new job is made although ``options.reuse_after`` allows an earlier one, the result
        names the last other job of this owner with the same fingerprint, if it still exists.

        Raises:
            Conflict: the key was used for a request with a different fingerprint; names its job.
        """
        ...

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        """Return the job that ``start`` would return instead of a new one, without starting any.

        Used when a quota allows no new job, so that a repeated call still gets its job.

        Raises:
            Conflict: the key was used for a request with a different fingerprint.
        """
        ...

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        """Return the owner's unended jobs, and starts and cost of the jobs made since ``since``.

        The cost of a job counts once it has an outcome. Removed jobs do not count.
        """
        ...

    async def waiting(self) -> int:
        """Return how many jobs of all owners are queued."""
        ...

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        """Return the job; ``None``: there is no such job. ``job_id`` may be any text."""
        ...

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        """Return up to three jobs whose id, or its part after the date, starts with ``prefix``.

        Newest first. If more than three match, any three are returned; "" returns the newest three.
        """
        ...

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        """Return up to ``limit`` unended jobs, newest first.

        ``before`` is the id of the last job of the previous page; older jobs follow.
        """
        ...

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        """Return up to ``limit`` ended jobs, the latest ended first.

        ``before`` is ``(ended_at, id)`` of the last job of the previous page.
        """
        ...

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        """Return jobs that ended after ``since``; those whose report was not fetched come first."""
        ...

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        """Return the number of jobs in each state; states without jobs may be missing."""
        ...

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        """Request durably that the job ends, and return it as it is now; ``None``: no such job.

        ``stop`` ends all its work; ``finish_now`` lets it write the report from what it has.
        ``stop`` overrides ``finish_now``, never the reverse. A queued job that is stopped is
        cancelled at once. Repeated requests, and requests for an ended job, change nothing.
        """
        ...

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        """Record that the owner has fetched the report. The first time counts, in milliseconds."""
        ...

    async def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove an ended job with its folder; ``False``: there is no such job.

        Raises:
            Conflict: the job has not ended, an unended job builds on it (follow-up or refresh), or
                a process works in its folder.
        """
        ...

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        """Return the median active seconds of the owner's last similar jobs; ``None``: no such."""
        ...

    async def notice(self) -> str:
        """Return what a reader of lists must know, such as lost data; "" for nothing."""
        ...

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        """Subscribe to the job. Subscribe first, then read the job, then wait: nothing is missed.

        The subscription ends when the context is left.
        """
        ...
