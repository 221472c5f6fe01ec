"""Answers that are asked for again and again, kept for a short time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from mcp_jobs_server.core.single_flight import SingleFlightCache

T = TypeVar("T")


class TtlCache(Generic[T]):
    """At most ``most`` answers by their keys, each for ``seconds``.

    Those who ask for the same at one moment share one answer, or one failure, which is not
    remembered.
    """

    def __init__(
        self, *, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._kept: SingleFlightCache[str, T] = SingleFlightCache(most=most, clock=clock)

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what is remembered under ``key``, else what ``ask`` answers."""
        return await self._kept.get(key, self._seconds, ask)
