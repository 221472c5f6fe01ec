"""Launches runner processes without waiting for them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes

STARTUP_SECONDS = 5.0
"""Time for a launched runner to start; after that another one is launched."""

IMMEDIATE_RELAUNCHES, MAX_PAUSE_SECONDS = 3, 60.0
"""How many relaunches are immediate, and the longest pause before a later one."""

RUNNER_COMMAND = (sys.executable, "-m", "mcp_jobs_server.backends.local")


@dataclass(eq=False)
class RunnerLauncher:
    """Launches the runner of one profile if none runs. Thread-safe."""

    options: RunnerOptions
    paths: DataPaths
    _: KW_ONLY
    command: Sequence[str] = RUNNER_COMMAND
    monotonic: Callable[[], float] = time.monotonic
    _launching: threading.Lock = field(default_factory=threading.Lock, init=False)
    _launched_at: float = field(default_factory=lambda: float("-inf"), init=False)
    _started_before: int | None = field(default=None, init=False)
    _relaunches: int = field(default=0, init=False)
    _relaunched_at: float = field(default_factory=lambda: float("-inf"), init=False)

    def failed(self) -> None:
        """Note that the launcher process failed: the next call launches at once."""
        self._launched_at: float = float("-inf")

    def relaunch(self, check: Callable[[], None]) -> subprocess.Popen[bytes] | None:
        """Do as ``launch_if_missing``, for jobs that were left without a runner.

        The first relaunches are immediate. Later ones follow after pauses that double, because the
        runner may be one that exits as soon as it starts. A runner that is seen alive resets this.

        Args:
            check: called before a launch; if it raises, nothing is launched.
        """
        if locks.is_held(self.paths.runner_lock(self.options.profile)):
            self._relaunches = 0
            return None
        delayed = self._relaunches - IMMEDIATE_RELAUNCHES
        pause = min(2.0**delayed, MAX_PAUSE_SECONDS) if delayed > 0 else 0.0
        if self.monotonic() - self._relaunched_at < pause:
            return None
        check()
        launcher = self.launch_if_missing()
        if launcher is not None:
            self._relaunches, self._relaunched_at = self._relaunches + 1, self.monotonic()
        return launcher

    def launch_if_missing(self) -> subprocess.Popen[bytes] | None:
        """Launch a runner and return the launcher process, which the caller must wait for.

        ``None``: a runner works or is starting. It will see every row committed before this call.
        """
        with self._launching:
            if locks.is_held(self.paths.runner_lock(self.options.profile)):
                return None
            try:
                started = self.paths.runner_started(self.options.profile).stat().st_mtime_ns
            except FileNotFoundError:
                started = None
            waited = self.monotonic() - self._launched_at
            # A runner that has started since the last launch, and whose lock is free, has exited.
            if started == self._started_before and waited < STARTUP_SECONDS:
                return None
            self.paths.make_inside()
            self.paths.rotate_log()
            launcher = os_processes.launch(
                (*self.command, *self.options.arguments()),
                data_dir=self.paths.root,
                log=self.paths.log,
            )
            self._launched_at, self._started_before = self.monotonic(), started
            return launcher
