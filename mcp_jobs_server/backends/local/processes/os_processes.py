"""Starts processes detached, finds them again and kills them.

The processes of a job have a mark in their environment, which their children inherit, whatever
session they are in. Differences between systems are in this module, ``launcher.py`` and
``locks.py`` only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from research_contract.processes import DATA_MARK, JOB_MARK

if TYPE_CHECKING:
    import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")
ENDS_WITH_CLIENT = 3
"""Exit code of the launcher if the command could not leave the client's job object."""

MAY_END_WITH_CLIENT = sys.platform == "win32"
"""Whether the launcher can return that exit code, so that it is worth waiting for."""

_STOPPED, _ENDED = {"stopped", "tracing-stop"}, {"zombie", "dead"}
"""Values of ``psutil.Process.status``."""

if sys.platform == "win32":
    # A process group of its own does not get Ctrl+C of the client's console. No console window.
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


def launch(command: Sequence[str], *, data_dir: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start ``command`` through a launcher that exits at once, so that the command has no parent.

    The command survives this process, even if its whole process tree is killed. It writes to
    ``log`` only. Returns the launcher, which the caller must wait for.

    Raises:
        OSError: the system starts no more processes.
    """
    launcher = [sys.executable, "-S", str(LAUNCHER), *command]
    return _spawn(launcher, {DATA_MARK: str(data_dir)}, log=log, cwd=data_dir)


def start_job(
    command: Sequence[str], *, job_id: str, log: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    """Start the process of a job in a session of its own, marked with the job id."""
    return _spawn(command, {JOB_MARK: job_id}, log=log, cwd=cwd)


def _spawn(
    command: Sequence[str], marks: Mapping[str, str], *, log: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != JOB_MARK}
    # The started program must find these packages, also where they are not installed (a checkout).
    root = str(Path(__file__).parents[4])
    import_path = environment.get("PYTHONPATH", "").split(os.pathsep)
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    if root not in import_path and root not in installed:
        environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, import_path)])
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**environment, **marks},
            cwd=cwd,
            start_new_session=True,  # ignored by Windows, which uses the flags
            creationflags=_CREATION_FLAGS,
        )


def job_processes(job_id: str, root: int | None = None) -> list[psutil.Process]:
    """Return the living processes of a job.

    These are the processes with its mark, in any session, and the process ``root`` with its
    descendants.
    """
    import psutil

    tree: list[psutil.Process] = []
    if root is not None:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(root)
            tree = [parent, *parent.children(recursive=True)]
    processes = {process.pid: process for process in _marked(JOB_MARK, job_id)}
    processes.update({process.pid: process for process in tree if _status(process) not in _ENDED})
    return list(processes.values())


def is_suspended(job_id: str, root: int | None = None) -> bool:
    """Return whether a process of the job is stopped and can be continued (SIGSTOP, a debugger)."""
    return any(_status(process) in _STOPPED for process in job_processes(job_id, root))


def data_dir_processes(data_dir: Path) -> list[psutil.Process]:
    """Return the living processes that were started for a data directory, including jobs."""
    return _marked(DATA_MARK, str(data_dir))


def suspended_runners(data_dir: Path, profiles: Collection[str]) -> set[str]:
    """Return those of the profiles whose runner is stopped and can be continued."""
    import psutil

    suspended: set[str] = set()
    for process in data_dir_processes(data_dir):
        with contextlib.suppress(psutil.Error):
            if _status(process) in _STOPPED:
                suspended.update(set(profiles).intersection(process.cmdline()))
    return suspended


def is_job(process: psutil.Process) -> bool:
    """Return whether a marked process belongs to a job; otherwise it is a runner."""
    import psutil

    try:
        return JOB_MARK in process.environ()
    except psutil.Error:
        return False


def kill(find: Callable[[], list[psutil.Process]], *, wait_seconds: float) -> list[psutil.Process]:
    """Kill the processes that ``find`` returns until it returns none.

    Returns the processes that are left after ``wait_seconds``.
    """
    import psutil

    until = time.monotonic() + wait_seconds
    while living := find():
        for process in living:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if time.monotonic() > until:
            return living
        time.sleep(0.02)  # the system needs a moment; only a parent is notified of the end
    return []


def describe_exit(exit_code: int | None) -> str:
    """Return in words, for the log, how a process ended.

    ``None``: the process was not a child of this one, or never started.
    """
    if exit_code is None:
        return "ended unseen"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by signal {-exit_code} ({signal.Signals(-exit_code).name})"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _marked(name: str, value: str) -> list[psutil.Process]:
    """Return the living processes, except this one, whose environment has the mark."""
    import psutil

    marked: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == value:
                marked.append(process)
    return [process for process in marked if _status(process) not in _ENDED]


def _status(process: psutil.Process) -> str:
    import psutil

    try:
        return str(process.status())
    except (psutil.Error, OSError):
        return "dead"
