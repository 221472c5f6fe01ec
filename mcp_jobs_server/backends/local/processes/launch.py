"""Launches runner processes without waiting for them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes

STARTUP_SECONDS = 5.0
"""Time for a launched runner to start; after that another one is launched."""

IMMEDIATE_RELAUNCHES, MAX_PAUSE_SECONDS = 3, 60.0
"""How many relaunches are immediate, and the longest pause before a later one."""

RUNNER_COMMAND = (sys.executable, "-m", "mcp_jobs_server.backends.local")


class RunnerLauncher:
    """Launches the runner of one profile if none runs. Thread-safe."""

    def __init__(
        self,
        options: RunnerOptions,
        paths: DataPaths,
        *,
        command: Sequence[str] = RUNNER_COMMAND,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._monotonic = monotonic
        self._options = options
        self._paths = paths
        self._launching = threading.Lock()
        self._launched_at = float("-inf")
        self._started_before: int | None = None
        self._relaunches, self._relaunched_at = 0, float("-inf")

    def failed(self) -> None:
        """Note that the launcher process failed: the next call launches at once."""
        self._launched_at = float("-inf")

    def relaunch(self, check: Callable[[], None]) -> subprocess.Popen[bytes] | None:
        """Do as ``launch_if_missing``, for jobs that were left without a runner.

        The first relaunches are immediate. Later ones follow after pauses that double, because the
        runner may be one that exits as soon as it starts. A runner that is seen alive resets this.

        Args:
            check: called before a launch; if it raises, nothing is launched.
        """
        if locks.is_held(self._paths.runner_lock(self._options.profile)):
            self._relaunches = 0
            return None
        delayed = self._relaunches - IMMEDIATE_RELAUNCHES
        pause = min(2.0**delayed, MAX_PAUSE_SECONDS) if delayed > 0 else 0.0
        if self._monotonic() - self._relaunched_at < pause:
            return None
        check()
        launcher = self.launch_if_missing()
        if launcher is not None:
            self._relaunches, self._relaunched_at = self._relaunches + 1, self._monotonic()
        return launcher

    def launch_if_missing(self) -> subprocess.Popen[bytes] | None:
        """Launch a runner and return the launcher process, which the caller must wait for.

        ``None``: a runner works or is starting. It will see every row committed before this call.
        """
        with self._launching:
            if locks.is_held(self._paths.runner_lock(self._options.profile)):
                return None
            try:
                started = self._paths.runner_started(self._options.profile).stat().st_mtime_ns
            except FileNotFoundError:
                started = None
            waited = self._monotonic() - self._launched_at
            # A runner that has started since the last launch, and whose lock is free, has exited.
            if started == self._started_before and waited < STARTUP_SECONDS:
                return None
            self._paths.make_inside()
            self._paths.rotate_log()
            launcher = os_processes.launch(
                (*self._command, *self._options.arguments()),
                data_dir=self._paths.root,
                log=self._paths.log,
            )
            self._launched_at, self._started_before = self._monotonic(), started
            return launcher
