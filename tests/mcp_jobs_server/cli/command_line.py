"""Runs the command as a process, in a pipe or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from tests.repository import ROOT

Json: TypeAlias = Any
COMMAND = (sys.executable, "-m", "mcp_jobs_server")
SAFETY_SECONDS = 120
"""Much longer than any command takes; it keeps a broken command from blocking the tests."""


@dataclass(frozen=True)
class Done:
    """The output of a command and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        return cast("Json", json.loads(self.out))


@dataclass(frozen=True)
class CommandLine:
    """The command with its own data directory."""

    data_dir: Path
    cwd: Path

    def environ(self, **more: str) -> dict[str, str]:
        ours = {name: text for name, text in os.environ.items() if not name.startswith("MCP_JOBS")}
        root = str(ROOT)
        place = {"MCP_JOBS_DATA_DIR": str(self.data_dir), "PYTHONPATH": root}
        return {**ours, **place, "COLUMNS": "100", "TERM": "xterm", **more}

    def run(self, *words: str, **environ: str) -> Done:
        """Run the command in a pipe."""
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.cwd,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SAFETY_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def terminal(self, *words: str, **environ: str) -> Terminal:
        """Run the command on a new terminal."""
        return Terminal([*COMMAND, *words], self.environ(**environ), self.cwd)


_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A command with a controlling terminal, so that Ctrl-C reaches its process group."""

    def __init__(self, command: Sequence[str], environ: dict[str, str], cwd: Path) -> None:
        self._fd, inner = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            cwd=cwd,
            env=environ,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.seen = ""

    def until(self, text: str) -> str:
        """Read until ``text`` is printed; return all output so far."""
        while text not in self.seen:
            if not self._more():
                raise AssertionError(f"{text!r} never came; it printed {self.seen!r}")
        return self.seen

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._more():
            pass
        os.close(self._fd)
        return self._process.wait(SAFETY_SECONDS)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], SAFETY_SECONDS)
        if not ready:
            raise AssertionError(f"the command hangs; it printed {self.seen!r}")
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)
