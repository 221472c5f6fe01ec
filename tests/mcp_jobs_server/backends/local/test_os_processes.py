"""Differences between systems, as far as they can be tested on every system."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from mcp_jobs_server.backends.local.processes import launcher, os_processes

COMMAND = ["program", "argument"]


class WindowsJobObject:
    """Starts processes as Windows does for a client with a job object."""

    def __init__(self, *, forbids: bool) -> None:
        self._forbids = forbids
        self.started: list[int] = []

    def __call__(self, command: list[str], *, creationflags: int) -> None:
        assert command == COMMAND
        if self._forbids and creationflags & launcher.BREAKAWAY:
            raise PermissionError(13, "Access is denied", None, 5)
        self.started.append(creationflags)


def test_on_windows_the_runner_leaves_the_clients_job_object() -> None:
    client = WindowsJobObject(forbids=False)
    assert launcher.leave_job_object(COMMAND, client) == 0
    assert client.started == [launcher.DETACHED | launcher.BREAKAWAY]


def test_if_windows_forbids_that_the_runner_starts_and_the_exit_code_says_so() -> None:
    client = WindowsJobObject(forbids=True)
    assert launcher.leave_job_object(COMMAND, client) == os_processes.ENDS_WITH_CLIENT
    assert client.started == [launcher.DETACHED]


@pytest.mark.skipif(sys.platform != "win32", reason="the standard library names them on Windows")
def test_the_flags_are_those_of_the_standard_library() -> None:
    named = {name: getattr(subprocess, name) for name in dir(subprocess)}
    assert named["CREATE_BREAKAWAY_FROM_JOB"] == launcher.BREAKAWAY
    assert named["DETACHED_PROCESS"] | named["CREATE_NEW_PROCESS_GROUP"] == launcher.DETACHED


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "ended unseen"),
        (0, "ended with exit code 0"),
        (0xC0000005, "ended with exit code 3221225477"),
        (-9, "was killed by signal 9"),
        (-1000, "was killed by signal 1000"),
    ],
)
def test_exit_codes_are_described_on_every_system(code: int | None, said: str) -> None:
    assert os_processes.describe_exit(code).startswith(said)


def test_a_child_in_its_own_session_is_found_by_its_mark_and_killed(tmp_path: Path) -> None:
    child = "[sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True"
    code = f"import subprocess, sys; subprocess.Popen({child})"
    parent = os_processes.start_job(
        [sys.executable, "-c", code], job_id="a-job", log=tmp_path / "log", cwd=tmp_path
    )
    assert parent.wait(timeout=60) == 0
    [left] = os_processes.job_processes("a-job")
    assert left.ppid() != os.getpid()
    processes = partial(os_processes.job_processes, "a-job")
    assert os_processes.kill(processes, wait_seconds=60) == []
    psutil.wait_procs([left], timeout=60)
    assert not os_processes.job_processes("a-job")
