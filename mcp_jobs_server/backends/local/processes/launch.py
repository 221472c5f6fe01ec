"""Makes sure that a runner process is there, without waiting for it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.processes import os_processes

COMING_UP_SECONDS = 5.0
"""How long a launched runner may take to come up before another one is launched."""

AT_ONCE, LONGEST_PAUSE_SECONDS = 3, 60.0
"""How often a runner is brought back at once, and how long it is waited then, at most."""

RUNNER = (sys.executable, "-m", "mcp_jobs_server.backends.local")


class Launching:
    """Launches the runner of one profile where none works. Safe to call from any thread."""

    def __init__(
        self,
        options: RunnerOptions,
        layout: Layout,
        *,
        runner: Sequence[str] = RUNNER,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._monotonic = monotonic
        self._options = options
        self._layout = layout
        self._turn = threading.Lock()
        self._launched = float("-inf")
        self._came_up_before: int | None = None
        self._in_vain, self._brought_back = 0, float("-inf")

    def failed(self) -> None:
        """Take note that the launcher came to nothing: the next call launches at once."""
        self._launched = float("-inf")

    def bring_back(self, ready: Callable[[], None]) -> subprocess.Popen[bytes] | None:
        """Do what ``launch_if_missing`` does for work that was left behind; ``ready`` is called
        before and may raise.

        A runner that was never met since is brought back at once a few times, then after
        pauses that double: it may be one that ends as soon as it begins.
        """
        if locks.held(self._layout.runner_lock(self._options.profile)):
            self._in_vain = 0
            return None
        if self._monotonic() - self._brought_back < self._pause_seconds:
            return None
        ready()
        launcher = self.launch_if_missing()
        if launcher is not None:
            self._in_vain, self._brought_back = self._in_vain + 1, self._monotonic()
        return launcher

    @property
    def _pause_seconds(self) -> float:
        more = self._in_vain - AT_ONCE
        return min(2.0**more, LONGEST_PAUSE_SECONDS) if more > 0 else 0.0

    def launch_if_missing(self) -> subprocess.Popen[bytes] | None:
        """Return the launcher, which is to be waited for, or ``None`` where a runner works or
        comes up: it will see every row that was committed before this call."""
        with self._turn:
            if locks.held(self._layout.runner_lock(self._options.profile)):
                return None
            came_up = _changed(self._layout.came_up(self._options.profile))
            waited = self._monotonic() - self._launched
            # One that has come up since and whose lock is free again has left.
            if came_up == self._came_up_before and waited < COMING_UP_SECONDS:
                return None
            self._layout.make()
            self._layout.rotate_log()
            command = (*self._runner, *self._options.arguments())
            launcher = os_processes.launch(
                command, data_dir=self._layout.root, log=self._layout.log
            )
            self._launched, self._came_up_before = self._monotonic(), came_up
            return launcher


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
