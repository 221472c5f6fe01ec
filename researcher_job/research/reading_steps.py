"""Limits how many steps the reading of files adds to the step log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

FIRST = 10
"""The first steps are at least ``SECONDS`` apart, later ones a tenth of the time elapsed."""

SECONDS = 1.0


class ReadingLog:
    """Decides after each file whether to log a step.

    It keeps the step log short for any number of files and any duration. ``monotonic`` returns
    the time in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._last = -math.inf
        self._steps = 0
        self._last_done = 0

    def should_log(self, done: int, *, total: int) -> bool:
        """Return whether to log that ``done`` of ``total`` files are processed; true at the end."""
        now = self._monotonic()
        pause = SECONDS if self._steps < FIRST else max(SECONDS, (now - self._started) / FIRST)
        if done == self._last_done or (done < total and now - self._last < pause):
            return False
        self._steps += 1
        self._last_done = done
        self._last = now
        return True
