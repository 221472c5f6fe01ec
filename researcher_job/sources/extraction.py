"""Reads files one after the other in a process that is killed where a file holds it up."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from queue import Empty, Queue
from typing import IO

from researcher_job.errors import JobError
from researcher_job.sources.document import Reason
from researcher_job.sources.passages import Divided, Part
from researcher_job.sources.readers import is_plain
from researcher_job.sources.reading_process import MAX_MEMORY, Asked, Extracted, extract

_SMALL = 100_000
"""Plain text up to so many bytes is read here: no reader of it can hang or fill the memory."""

_FEW = 64
"""So few files of that kind are not worth starting a process."""

_OUT_OF_TIME, _KILLED = 24, 9
"""Signals of POSIX: its own limit of time, and what the system sends when memory runs out."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from researcher_job.sources.reading_process import main; main(int(sys.argv[2]))"
)
_AHEAD = 8
_AHEAD_BYTES = 4_000_000


class ReadingImpossible(JobError):
    """The process that reads files does not start; the job could not read anything."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f"The process that reads documents ended at its start (exit code {code}). Reinstall"
            " mcp-jobs-server, then start the job again."
        )


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


@dataclass(frozen=True)
class _Waiting:
    asked: Asked
    size: int


class Extraction:
    """Takes files to read and gives back what came of each, in the same order.

    The process is started when a file needs it and reused; the next files are read while an
    answer is dealt with. Not for several threads at once.
    """

    def __init__(self, *, expected: int, limits: Limits | None = None) -> None:
        """``expected``: about how many files will be asked for."""
        self._limits = limits or Limits()
        self.silent = self._limits.silent
        self._bulk = expected > _FEW
        self._waiting: deque[_Waiting] = deque()
        self._process: _Process | None = None
        self._head_since = self._heard = time.monotonic()

    def has_room(self) -> bool:
        """Whether one more file may be asked for now."""
        ahead = sum(waiting.size for waiting in self._waiting)
        return len(self._waiting) < _AHEAD and (ahead < _AHEAD_BYTES or not self._waiting)

    def ask(self, asked: Asked, *, size: int) -> None:
        """Ask for a file of ``size`` bytes."""
        if not self._waiting:
            self._head_since = self._heard = time.monotonic()
        self._waiting.append(_Waiting(asked, size))
        if self._process is not None:
            self._process.send(asked)
        elif not self._is_harmless(self._waiting[-1]):
            self._start()

    def answer(self, seconds: float) -> Extracted | None:
        """Return what came of the first file asked for, ``None`` where it takes longer."""
        head = self._waiting[0]
        if self._process is None:
            return self._answered(extract(head.asked))
        try:
            frame = self._process.frames.get(timeout=max(0.0, seconds))
        except Empty:
            return self._given_up()
        self._heard = time.monotonic()
        if frame is None:
            return self._replaced(self._process.cause_of_death())
        if not frame:
            return self._given_up()
        return self._answered(_decode(frame))

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()

    def _is_harmless(self, waiting: _Waiting) -> bool:
        few = not self._bulk
        return few and waiting.size <= _SMALL and is_plain(waiting.asked.name)

    def _answered(self, extracted: Extracted) -> Extracted:
        self._waiting.popleft()
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
        self._process = None
        given_up = self._answered(Extracted(reason))
        if self._waiting:
            self._start()
        return given_up

    def _start(self) -> None:
        """Start a process and give it all that waits."""
        self._process = _Process(self._limits.memory)
        for waiting in self._waiting:
            self._process.send(waiting.asked)


class _Process:
    """A running reading process; ``frames`` ends with ``None``."""

    def __init__(self, memory: int) -> None:
        path = json.dumps([place for place in sys.path if place])  # the same modules as here
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, path, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._began = False
        self.frames: Queue[bytes | None] = Queue()
        assert self._popen.stdin is not None  # noqa: S101
        assert self._popen.stdout is not None  # noqa: S101
        self._requests = self._popen.stdin
        listener = threading.Thread(target=self._listen, args=(self._popen.stdout,), daemon=True)
        listener.start()

    def send(self, asked: Asked) -> None:
        """Pass a file on; a process that has died says so by the end of its frames."""
        line = json.dumps([asked.path, asked.name, asked.sha256]).encode() + b"\n"
        with contextlib.suppress(OSError, ValueError):
            self._requests.write(line)
            self._requests.flush()

    def cause_of_death(self) -> Reason:
        """Tell by its exit code what a process died of that said its last.

        Raises:
            ReadingImpossible: it never began.
        """
        code = self._popen.wait()
        if not self._began:
            raise ReadingImpossible(code)
        return {-_OUT_OF_TIME: Reason.LONG, -_KILLED: Reason.HUNGRY}.get(code, Reason.CRASHED)

    def kill(self) -> None:
        """End it. Its listener then ends, too."""
        self._popen.kill()
        self._popen.wait()
        with contextlib.suppress(OSError):
            self._requests.close()

    def _listen(self, answers: IO[bytes]) -> None:
        with answers:
            while len(head := answers.read(4)) == 4:
                self._began = True
                frame = answers.read(int.from_bytes(head, "big"))
                self.frames.put(frame)
        self.frames.put(None)


def _decode(frame: bytes) -> Extracted:
    said, *state = json.loads(frame)
    if said is None:
        return Extracted(None, *state)
    if isinstance(said, str):
        return Extracted(Reason[said], *state)
    title, text, parts = said
    return Extracted(Divided(title, text, [Part(*part) for part in parts]), *state)
