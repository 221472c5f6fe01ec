"""Decides which of many files read are worth a step of their own."""

from __future__ import annotations

FIRST = 10
"""So many files at the beginning are named one by one."""

SHARES = 20
"""After that, one file is named for each such share of all files."""


class ReadingLog:
    """Keeps the step log readable: about ``FIRST + SHARES`` steps for any number of files."""

    def __init__(self) -> None:
        self._told = 0
        self._last = 0

    def is_worth_a_step(self, done: int, *, of: int) -> bool:
        """Whether to tell that ``done`` of ``of`` files are dealt with now."""
        if self._told >= FIRST and done - self._last < max(1, of // SHARES):
            return False
        self._told += 1
        self._last = done
        return True
