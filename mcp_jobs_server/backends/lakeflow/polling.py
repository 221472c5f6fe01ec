"""Polls the jobs that callers wait for: one poll per job, shared by all who wait for it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from mcp_jobs_server.backends.changes import Subscription
from mcp_jobs_server.backends.lifecycle import RunInBackground
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.core.single_flight import SingleFlightCache, one_call

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SLOWEST_SECONDS = 3.0
SLOWDOWN = 1.5
"""Factor by which the pause between polls grows while nothing changes."""

RECENT_SECONDS = 5.0
"""How long a job counts as polled after the last caller left. A caller that was woken usually calls
again at once."""

Mark = tuple[object, ...]
JobKey = tuple[Owner, str]


class Polling:
    """Wakes the subscribers of changed jobs.

    Args:
        mark: returns values that change whenever reading the job would show something new.
        run: starts a background task.
        seconds: pause between polls right after a change, and the longest pause.
        recent_seconds: how long a job counts as polled after the last caller left.
    """

    def __init__(
        self,
        mark: Callable[[Owner, str], Awaitable[Mark]],
        run: RunInBackground,
        *,
        seconds: tuple[float, float] = (POLL_SECONDS, SLOWEST_SECONDS),
        recent_seconds: float = RECENT_SECONDS,
    ) -> None:
        self._mark = mark
        self._run = run
        self._seconds = seconds
        self._recent_seconds = recent_seconds
        self._subscriptions: dict[JobKey, set[Subscription]] = {}
        self._marks: dict[JobKey, Mark] = {}
        self._recent: SingleFlightCache[JobKey, bool] = SingleFlightCache(most=2_000)

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[Subscription]:
        """Subscribe to the job: changes from now on wake the subscription."""
        subscription, key = Subscription(), (job.owner, job.id)
        first = key not in self._subscriptions
        subscriptions = self._subscriptions.setdefault(key, set())
        subscriptions.add(subscription)
        try:
            if key not in self._marks:
                self._marks.setdefault(key, await self._mark(*key))
            if first:
                self._run(self._poll, key, subscriptions)
            yield subscription
        finally:
            subscriptions.discard(subscription)
            if not subscriptions:
                self._subscriptions.pop(key, None)
                self._marks.pop(key, None)
                self._recent.put(key, True)  # noqa: FBT003 - nothing but its time counts

    def is_polled(self, owner: Owner, job_id: str) -> bool:
        """Return whether the job is polled now, or was a moment ago."""
        key = (owner, job_id)
        recent = self._recent.known(key, self._recent_seconds)
        return key in self._subscriptions or recent is not None

    def wake(self, owner: Owner, job_id: str) -> None:
        """Wake the subscribers of a job that this process has changed."""
        for subscription in self._subscriptions.get((owner, job_id), ()):
            subscription.wake()

    async def _poll(self, key: JobKey, subscriptions: set[Subscription]) -> None:
        """Poll until no caller waits any more.

        A workspace that does not answer, or a folder that cannot be read, is no change: it is
        polled again later, and a caller that reads the job meanwhile gets the error.
        """
        fastest, slowest = self._seconds
        pause = fastest
        while self._subscriptions.get(key) is subscriptions:
            await anyio.sleep(pause)
            pause = min(pause * SLOWDOWN, slowest)
            try:
                with one_call(new=True):
                    mark = await self._mark(*key)
            except JobsError as error:
                log.warning("job %s could not be polled: %s", key[1], error.message)
                continue
            except Exception:
                log.exception("job %s could not be polled", key[1])
                continue
            is_current = self._subscriptions.get(key) is subscriptions
            if is_current and self._marks.get(key) != mark:
                self._marks[key] = mark
                self.wake(*key)
                pause = fastest
