"""Answers that are asked for again and again, kept for a short time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import anyio

T = TypeVar("T")


class Remembered(Generic[T]):
    """At most ``most`` answers by their keys, each for ``seconds``; the oldest goes first.

    Those who ask for the same at one moment share one answer. A failure is not remembered.
    """

    def __init__(
        self, *, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asking: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what is remembered under ``key``, else what ``ask`` answers."""
        async with self._asking.setdefault(key, anyio.Lock()):
            kept = self._kept.get(key)
            if kept is not None and self._clock() < kept[0]:
                return kept[1]
            self._kept.pop(key, None)
            answer = await ask()
            self._kept[key] = (self._clock() + self._seconds, answer)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return answer
