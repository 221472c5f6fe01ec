"""The process that reads files, as the job sees it: started, asked, heard and ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from queue import SimpleQueue
from typing import IO

from research_contract.processes import DATA_MARK, JOB_MARK
from researcher_job.core.errors import JobError
from researcher_job.sources.document import Reason
from researcher_job.sources.documents.reader_process import Asked

_OUT_OF_TIME, _KILLED = 24, 9
"""Signals of POSIX: its own limit of time, and what the system sends when memory runs out."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from researcher_job.sources.documents.reader_process import main; main(int(sys.argv[2]))"
)
PASSED_ON = frozenset(
    {
        *(JOB_MARK, DATA_MARK),
        *("TMPDIR", "TEMP", "TMP"),
        *("LANG", "LANGUAGE", "LOCPATH", "TZ", "PYTHONUTF8"),
        *(
            "LC_ALL",
            "LC_COLLATE",
            "LC_CTYPE",
            "LC_MESSAGES",
            "LC_MONETARY",
            "LC_NUMERIC",
            "LC_TIME",
        ),
        *("PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT", "WINDIR"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    }
)
"""Variables that the process gets: what finds it again, temporary files, locale, and where programs
and libraries are. A hostile document may take the process over, so it gets no token or key."""

_CHUNK = 1_048_576
_HEAD = 4


class ReadingImpossible(JobError):
    """The process that reads files does not start; the job could not read anything."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f"The process that reads documents ended at its start (exit code {code}). Reinstall"
            " mcp-jobs-server, then start the job again."
        )


class ReadingChild:
    """A running reading process; ``began`` once it has said its first."""

    def __init__(self, memory: int) -> None:
        path = json.dumps([place for place in sys.path if place])  # the same modules as here
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, path, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in PASSED_ON},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self.began = False
        self._said: SimpleQueue[bytes] = SimpleQueue()
        self._held = bytearray()
        assert self._popen.stdin is not None  # noqa: S101
        assert self._popen.stdout is not None  # noqa: S101
        self._requests = self._popen.stdin
        listener = threading.Thread(target=self._listen, args=(self._popen.stdout,), daemon=True)
        listener.start()

    def send(self, files: Iterable[tuple[Asked, bool]]) -> None:
        """Pass files on, each with whether it is harmless.

        A process that has died says so by the end of its frames.
        """
        lines = [
            json.dumps([asked.path, asked.name, list(asked.known), harmless])
            for asked, harmless in files
        ]
        with contextlib.suppress(OSError, ValueError):
            self._requests.write("".join(f"{line}\n" for line in lines).encode())
            self._requests.flush()

    def frame(self, seconds: float) -> bytes | None:
        """Return the next frame, ``None`` where there are no more; ``Empty`` after ``seconds``."""
        until = time.monotonic() + seconds
        while (frame := self._whole()) is None:
            said = self._said.get(timeout=max(0.0, until - time.monotonic()))
            if not said:
                self._said.put(said)  # it ends once and for all
                return None
            self._held += said
        return frame

    def _whole(self) -> bytes | None:
        """Take the first frame out of what was said, ``None`` where it is not whole."""
        if len(self._held) < _HEAD:
            return None
        end = _HEAD + int.from_bytes(self._held[:_HEAD], "big")
        if len(self._held) < end:
            return None
        frame = bytes(memoryview(self._held)[_HEAD:end])
        del self._held[:end]
        return frame

    def cause_of_death(self) -> Reason:
        """Tell by its exit code what a process died of that said its last.

        Raises:
            ReadingImpossible: it never began.
        """
        code = self._popen.wait()
        if not self.began:
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
            while said := os.read(answers.fileno(), _CHUNK):
                self.began = True
                self._said.put(said)
        self._said.put(b"")
