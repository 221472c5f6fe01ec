"""Reads files one after the other in a process that is killed where a file holds it up."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from queue import Empty

from researcher_job.sources.document import Reason
from researcher_job.sources.documents.reader_client import ReadingChild
from researcher_job.sources.documents.reader_process import (
    MAX_MEMORY,
    Asked,
    Extracted,
    decode,
    extract,
)
from researcher_job.sources.readers import is_plain

_SMALL = 100_000
"""No reader of plain text of up to so many bytes can hang or fill the memory."""

_FEW = 64
"""So few files of that kind are not worth starting a process."""

_AHEAD, _AHEAD_RISKY = 256, 8
_AHEAD_BYTES = 4_000_000


@dataclass(frozen=True)
class Limits:
    """Seconds that one file may take, without a sign of life and in all; bytes of memory.

    After each file that hung, the next ones get half of ``silent``, never less than ``least``: a
    folder of hostile files must not hold up a job for hours.
    """

    silent: float = 20.0
    least: float = 2.0
    all: float = 120.0
    memory: int = MAX_MEMORY


@dataclass
class _Waiting:
    """A file asked for. ``harmless``: no reader can hang on it or break down."""

    asked: Asked
    size: int
    harmless: bool
    sent: bool = False


class Extraction:
    """Takes files to read and gives back what came of each, in the same order.

    The process is started when a file needs it and reused; the next files are read while an
    answer is dealt with. Until it has begun, harmless files are read here. Not for several
    threads at once.
    """

    def __init__(self, *, expected: int, limits: Limits | None = None) -> None:
        """``expected``: about how many files will be asked for."""
        self._limits = limits or Limits()
        self.silent = self._limits.silent
        self._bulk = expected > _FEW
        self._waiting: deque[_Waiting] = deque()
        self._unsent: deque[_Waiting] = deque()
        self._bytes = self._risky = 0
        self._process: ReadingChild | None = None
        self._head_since = self._heard = time.monotonic()

    def has_room(self) -> bool:
        """Whether one more file may be asked for now."""
        if not self._waiting:
            return True
        few = len(self._waiting) < _AHEAD and self._risky < _AHEAD_RISKY
        return few and self._bytes < _AHEAD_BYTES

    def ask(self, asked: Asked, *, size: int) -> None:
        """Ask for a file of ``size`` bytes."""
        if not self._waiting:
            self._head_since = self._heard = time.monotonic()
        harmless = size <= _SMALL and is_plain(asked.name)
        waiting = _Waiting(asked, size, harmless)
        self._waiting.append(waiting)
        self._unsent.append(waiting)
        self._bytes += size
        self._risky += not harmless
        if self._process is None and (self._bulk or not harmless):
            self._process = ReadingChild(self._limits.memory)

    def answer(self, seconds: float) -> Extracted | None:
        """Return what came of the first file asked for, ``None`` where it takes longer."""
        head = self._waiting[0]
        self._send()
        if self._process is None or (head.harmless and not head.sent):
            self._unsent.popleft()
            return self._answered(extract(head.asked))
        try:
            frame = self._process.frame(seconds)
        except Empty:
            return self._given_up()
        self._heard = time.monotonic()
        if frame is None:
            return self._replaced(self._process.cause_of_death())
        if not frame:
            return self._given_up()
        return self._answered(decode(frame))

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()

    def _send(self) -> None:
        """Give the process all that waits, once it is there to read it."""
        if self._process is None or not self._process.began:
            return
        if self._unsent:
            self._process.send((one.asked, one.harmless) for one in self._unsent)
        for waiting in self._unsent:
            waiting.sent = True
        self._unsent.clear()

    def _answered(self, extracted: Extracted) -> Extracted:
        done = self._waiting.popleft()
        self._bytes -= done.size
        self._risky -= not done.harmless
        self._head_since = self._heard = time.monotonic()
        return extracted

    def _given_up(self) -> Extracted | None:
        now = time.monotonic()
        hangs = now - self._heard > self.silent
        if not hangs and now - self._head_since <= self._limits.all:
            return None
        self.silent = max(self.silent / 2, self._limits.least)
        return self._replaced(Reason.LONG)

    def _replaced(self, reason: Reason) -> Extracted:
        """Give up the first file and let a new process read those behind it."""
        self.close()
        given_up = self._answered(Extracted(reason))
        for waiting in self._waiting:
            waiting.sent = False
        self._unsent = deque(self._waiting)
        self._process = ReadingChild(self._limits.memory) if self._waiting else None
        return given_up
