"""A cache for answers that are requested often, each kept for a short time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from mcp_jobs_server.core.single_flight import SingleFlightCache

T = TypeVar("T")


class TtlCache(Generic[T]):
    """At most ``most`` answers by key, each kept for ``seconds``.

    Concurrent requests for the same key share one answer or one failure. Failures are not kept.
    """

    def __init__(
        self, *, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._cache: SingleFlightCache[str, T] = SingleFlightCache(most=most, clock=clock)

    async def get(self, key: str, fetch: Callable[[], Awaitable[T]]) -> T:
        """Return the cached answer for ``key``, or else the result of ``fetch``."""
        return await self._cache.get(key, self._seconds, fetch)
