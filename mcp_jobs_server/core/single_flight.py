"""A cache in which concurrent requests for the same key share one call."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


_numbers = itertools.count()
_call: ContextVar[float] = ContextVar("call", default=float("inf"))
"""Number from which on answers are new to the call that runs; endless outside of calls."""


@contextmanager
def one_call(*, new: bool = False) -> Iterator[None]:
    """Let the block see each answer once: one that it has asked for is new enough until its end.

    So what will be needed can be asked for side by side, however slow the answers are. A block
    within another one belongs to it, unless it is ``new``, as each look of a call that waits is.
    """
    if not new and _call.get() != float("inf"):
        yield
        return
    token = _call.set(next(_numbers))
    try:
        yield
    finally:
        _call.reset(token)


@dataclass
class _Entry(Generic[V]):
    value: V
    at: float
    weight: int
    number: int


@dataclass
class _Flight(Generic[V]):
    """A call that has not returned yet."""

    landed: anyio.Event = field(default_factory=anyio.Event)
    entry: _Entry[V] | None = None
    error: Exception | None = None


@dataclass(eq=False, kw_only=True)
class SingleFlightCache(Generic[K, V]):
    """Keeps answers by key; concurrent requests for one key share a single call.

    Each caller states how old an answer may be; within ``one_call`` it may also be as old as the
    call. Above ``most`` in weight, the least recently used
    answers are dropped first. If a key is dropped while its call is running, the callers that wait
    still get the answer, but it is not kept. All use must be in one event loop.

    Args:
        most: maximum total weight of the answers kept.
        weigh: weight of an answer (default: 1 each).
        clock: seconds; only differences matter.
    """

    most: int
    weigh: Callable[[V], int] = lambda _: 1
    clock: Callable[[], float] = time.monotonic
    _entries: OrderedDict[K, _Entry[V]] = field(default_factory=OrderedDict, init=False)
    _flights: dict[K, _Flight[V]] = field(default_factory=dict, init=False)
    _weight: int = field(default=0, init=False)

    def known(self, key: K, seconds: float) -> _Entry[V] | None:
        """Return the entry for ``key``, with its ``value``, unless it is older than ``seconds``."""
        entry = self._entries.get(key)
        if entry is None or (self.clock() - entry.at > seconds and entry.number < _call.get()):
            return None
        self._entries.move_to_end(key)
        return entry

    async def get(self, key: K, seconds: float, fetch: Callable[[], Awaitable[V]]) -> V:
        """Return the kept answer, or that of a running call, or else the result of ``fetch``.

        An error is raised to every caller that waits for the same call. Errors are not kept.
        """
        while True:
            entry = self.known(key, seconds)
            if entry is not None:
                return entry.value
            flight = self._flights.get(key)
            if flight is None:
                return await self._fly(key, fetch)
            await flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.entry is not None:
                return flight.entry.value
            # The fetching caller was cancelled before the answer came: fetch again.

    def put(self, key: K, value: V) -> None:
        """Keep a value that is known without a call, as fresh."""
        self.drop(key)
        self._keep(key, _Entry(value, self.clock(), self.weigh(value), next(_numbers)))

    def drop(self, key: K) -> None:
        """Forget the answer; the answer of a running call is not kept either."""
        self._flights.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry.weight

    def drop_where(self, matches: Callable[[K], bool]) -> None:
        """Forget the answers of all keys that match."""
        for key in [key for key in (*self._entries, *self._flights) if matches(key)]:
            self.drop(key)

    async def _fly(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        flight = self._flights[key] = _Flight[V]()
        began, number = self.clock(), next(_numbers)
        try:
            value = await fetch()
        except Exception as error:
            flight.error = error
            raise
        else:
            flight.entry = _Entry(value, began, self.weigh(value), number)
            if self._flights.get(key) is flight:
                del self._flights[key]
                self.drop(key)
                self._keep(key, flight.entry)
            return value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()

    def _keep(self, key: K, entry: _Entry[V]) -> None:
        self._entries[key] = entry
        self._weight += entry.weight
        while self._weight > self.most and self._entries:
            _, dropped = self._entries.popitem(last=False)
            self._weight -= dropped.weight
