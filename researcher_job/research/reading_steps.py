"""Decides which of many files read are worth a step of their own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

FIRST = 10
"""So many steps come a second apart at least; later ones a tenth of the time passed."""

SECONDS = 1.0


class ReadingLog:
    """Keeps the step log readable however many files there are and however long it takes.

    ``monotonic`` returns the time in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._last = -math.inf
        self._told = 0
        self._told_done = 0

    def should_log(self, done: int, *, of: int) -> bool:
        """Whether to tell that ``done`` of ``of`` files are dealt with now; at an end, always."""
        now = self._monotonic()
        pause = SECONDS if self._told < FIRST else max(SECONDS, (now - self._began) / FIRST)
        if done == self._told_done or (done < of and now - self._last < pause):
            return False
        self._told += 1
        self._told_done = done
        self._last = now
        return True
