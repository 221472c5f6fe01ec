"""Tells who waits for a job that something happened to it: one poll a job for all who wait."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from mcp_jobs_server.backends.changes import Subscription
from mcp_jobs_server.backends.lifecycle import RunInBackground
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.core.single_flight import SingleFlightCache

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
SLOWEST_SECONDS = 3.0
SLOWER = 1.5
"""Factor by which polls become rarer while nothing changes."""

LATELY_SECONDS = 5.0
"""Who was told of a change calls again at once: the job counts as polled in between."""

Mark = tuple[object, ...]
Watched = tuple[Owner, str]


class Watching:
    """Polls each job that anyone waits for, as long as anyone does.

    Args:
        mark: returns what changes when there is something new to see.
        run: starts a poll, which runs in the background.
        seconds: between two polls right after a change, and at most.
        lately_seconds: how long a job counts as polled after nobody waits any more.
    """

    def __init__(
        self,
        mark: Callable[[Owner, str], Awaitable[Mark]],
        run: RunInBackground,
        *,
        seconds: tuple[float, float] = (POLL_SECONDS, SLOWEST_SECONDS),
        lately_seconds: float = LATELY_SECONDS,
    ) -> None:
        self._lately_seconds = lately_seconds
        self._mark = mark
        self._run = run
        self._seconds = seconds
        self._watches: dict[Watched, set[Subscription]] = {}
        self._seen: dict[Watched, Mark] = {}
        self._lately: SingleFlightCache[Watched, bool] = SingleFlightCache(most=2_000)

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[Subscription]:
        """Subscribe to the job; what happens from now on wakes the watch."""
        watch, watched = Subscription(), (job.owner, job.id)
        first = watched not in self._watches
        self._watches.setdefault(watched, set()).add(watch)
        try:
            if watched not in self._seen:
                self._seen.setdefault(watched, await self._mark(*watched))
            if first:
                self._run(self._poll, watched, self._watches[watched])
            yield watch
        finally:
            self._forget(watched, watch)

    def watches(self, owner: Owner, job_id: str) -> bool:
        """Say whether the job is polled now, or was a moment ago."""
        watched = (owner, job_id)
        lately = self._lately.known(watched, self._lately_seconds)
        return watched in self._watches or lately is not None

    def wake(self, owner: Owner, job_id: str) -> None:
        """Tell at once what this process did to a job itself."""
        for watch in self._watches.get((owner, job_id), ()):
            watch.wake()

    def _forget(self, watched: Watched, watch: Subscription) -> None:
        watches = self._watches.get(watched, set())
        watches.discard(watch)
        if not watches:
            self._watches.pop(watched, None)
            self._lately.put(watched, True)  # noqa: FBT003 - nothing but its time counts
            self._seen.pop(watched, None)

    async def _poll(self, watched: Watched, watches: set[Subscription]) -> None:
        pause, slowest = self._seconds
        while self._watches.get(watched) is watches:
            await anyio.sleep(pause)
            changed = await self._look(watched, watches)
            pause = self._seconds[0] if changed else min(pause * SLOWER, slowest)

    async def _look(self, watched: Watched, watches: set[Subscription]) -> bool:
        """Look once. A workspace that does not answer, or a folder that cannot be understood, is
        no change: it is looked at again later, and who looks meanwhile gets the error in words."""
        try:
            mark = await self._mark(*watched)
        except JobsError as error:
            log.warning("job %s could not be looked at: %s", watched[1], error.message)
            return False
        except Exception:
            log.exception("job %s could not be looked at", watched[1])
            return False
        if self._watches.get(watched) is not watches or self._seen.get(watched) == mark:
            return False
        self._seen[watched] = mark
        for watch in watches:
            watch.wake()
        return True
