"""Answers that several callers share: one request for all who ask at the same time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass
class _Kept(Generic[V]):
    value: V
    at: float
    weight: int


@dataclass
class _Flight(Generic[V]):
    landed: anyio.Event = field(default_factory=anyio.Event)
    kept: _Kept[V] | None = None
    error: Exception | None = None


class SingleFlightCache(Generic[K, V]):
    """Keeps answers for as long as a caller accepts, and asks once for all who wait.

    What was not asked for longest is dropped first, above ``most`` in weight. An answer that was
    under way when its key was dropped is given to who waited for it and not kept. All in one
    event loop.

    Args:
        most: weight of all that is kept.
        weigh: weight of an answer (default: each weighs 1).
        clock: seconds; only differences count.
    """

    def __init__(
        self,
        *,
        most: int,
        weigh: Callable[[V], int] = lambda _: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._weigh = weigh
        self._clock = clock
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._flights: dict[K, _Flight[V]] = {}
        self._weight = 0

    def known(self, key: K, seconds: float) -> _Kept[V] | None:
        """Return what is kept and not older than ``seconds``, with its ``value``."""
        kept = self._kept.get(key)
        if kept is None or self._clock() - kept.at > seconds:
            return None
        self._kept.move_to_end(key)
        return kept

    async def get(self, key: K, seconds: float, ask: Callable[[], Awaitable[V]]) -> V:
        """Return what is kept, else what ``ask`` returns, now or for a caller before this one.

        An error is that of all who wait for the same answer; it is not kept.
        """
        while True:
            kept = self.known(key, seconds)
            if kept is not None:
                return kept.value
            flight = self._flights.get(key)
            if flight is None:
                return await self._fly(key, ask)
            await flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.kept is not None:
                return flight.kept.value
            # Who asked went away before the answer came: ask again.

    def put(self, key: K, value: V) -> None:
        """Keep what is known without asking; it counts as fresh."""
        self.drop(key)
        self._keep(key, _Kept(value, self._clock(), self._weigh(value)))

    def drop(self, key: K) -> None:
        """Forget the answer, and let one that is under way not be kept."""
        self._flights.pop(key, None)
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._weight -= kept.weight

    def drop_where(self, chosen: Callable[[K], bool]) -> None:
        """Forget all answers whose key is chosen."""
        for key in [key for key in (*self._kept, *self._flights) if chosen(key)]:
            self.drop(key)

    async def _fly(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        flight = self._flights[key] = _Flight[V]()
        asked_at = self._clock()
        try:
            value = await ask()
        except Exception as error:
            flight.error = error
            raise
        else:
            flight.kept = _Kept(value, asked_at, self._weigh(value))
            if self._flights.get(key) is flight:
                del self._flights[key]
                self.drop(key)
                self._keep(key, flight.kept)
            return value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()

    def _keep(self, key: K, kept: _Kept[V]) -> None:
        self._kept[key] = kept
        self._weight += kept.weight
        while self._weight > self._most and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._weight -= dropped.weight
