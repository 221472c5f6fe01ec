"""All that is done to processes: starting them detached, finding them again, killing them.

What a job's processes are known by is a mark in their environment, which children inherit, in
whatever session they are. Systems differ here and in ``launch.py`` and ``locks.py`` alone.
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

from mcp_jobs_server.core.settings import DATA_MARK, JOB_MARK

if TYPE_CHECKING:
    import psutil

LAUNCHER = Path(__file__).with_name("launcher.py")
ENDS_WITH_CLIENT = 3
"""Exit code of the launcher where the system keeps what it starts in the client's job object."""

MAY_END_WITH_CLIENT = sys.platform == "win32"
"""Whether the launcher's exit code may say so, and is worth waiting for."""

if sys.platform == "win32":
    # A group of its own: Ctrl+C in the client's console is not for it. No console window.
    _FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


def launch(command: Sequence[str], *, data_dir: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start ``command`` through a launcher that exits at once, so that it is nobody's child.

    Returns the launcher, which is to be waited for. What it starts survives this process and
    the killing of its whole tree; it writes to ``log`` only.

    Raises:
        OSError: the system starts no more processes.
    """
    launcher = [sys.executable, "-S", str(LAUNCHER), *command]
    return _spawn(launcher, {DATA_MARK: str(data_dir)}, log=log, cwd=data_dir)


def start_job(
    command: Sequence[str], *, job_id: str, log: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    """Start a job's process in a session of its own, marked with the job's id."""
    return _spawn(command, {JOB_MARK: job_id}, log=log, cwd=cwd)


def _spawn(
    command: Sequence[str], marks: Mapping[str, str], *, log: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name != JOB_MARK}
    environment = {**inherited, **_import_path(inherited), **marks}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment,
            cwd=cwd,
            start_new_session=True,  # means nothing to Windows, where the flags do it
            creationflags=_FLAGS,
        )


def _import_path(environment: Mapping[str, str]) -> dict[str, str]:
    """Let what is started find these packages where they are not installed (a checkout)."""
    root = str(Path(__file__).parents[4])
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    if root in known or root in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return {}
    return {"PYTHONPATH": os.pathsep.join([root, *filter(None, known)])}


def of_job(job_id: str, root: int | None = None) -> list[psutil.Process]:
    """Return the living processes of a job: those with its mark, in whatever session, and the
    descendants of its process ``root``."""
    found = {process.pid: process for process in _marked(JOB_MARK, job_id)}
    found.update({process.pid: process for process in _tree(root)})
    return list(found.values())


def has_job(job_id: str, root: int | None = None) -> bool:
    """Say whether a process of the job lives."""
    return bool(of_job(job_id, root))


def suspended(job_id: str, root: int | None = None) -> bool:
    """Say whether a process of the job was stopped, to be continued (SIGSTOP, a debugger)."""
    return any(_stopped(process) for process in of_job(job_id, root))


def end_job(job_id: str, root: int | None = None, *, wait_seconds: float) -> bool:
    """Kill the processes of a job; ``False``: some are left after the wait."""
    return not kill(lambda: of_job(job_id, root), wait_seconds=wait_seconds)


def of_data_dir(data_dir: Path) -> list[psutil.Process]:
    """Return the living processes that were started for a data directory, jobs included."""
    return _marked(DATA_MARK, str(data_dir))


def suspended_runners(data_dir: Path, profiles: Collection[str]) -> set[str]:
    """Return those of the profiles whose runner was stopped, to be continued."""
    import psutil

    found: set[str] = set()
    for process in of_data_dir(data_dir):
        with contextlib.suppress(psutil.Error):
            if _stopped(process):
                found.update(set(profiles).intersection(process.cmdline()))
    return found


def is_job(process: psutil.Process) -> bool:
    """Say whether a marked process belongs to a job (else it is a runner)."""
    import psutil

    try:
        return JOB_MARK in process.environ()
    except psutil.Error:
        return False


def kill(find: Callable[[], list[psutil.Process]], *, wait_seconds: float) -> list[psutil.Process]:
    """Kill what ``find`` finds until it finds nothing; return what is left after the wait."""
    import psutil

    until = time.monotonic() + wait_seconds
    while living := find():
        for process in living:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if time.monotonic() > until:
            return living
        time.sleep(0.02)  # the system takes a moment, and tells nobody but a parent
    return []


def ending(exit_code: int | None) -> str:
    """Say for the log how a process ended; ``None``: it was another's child, or never began."""
    if exit_code is None:
        return "ended unseen"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by signal {-exit_code} ({signal.Signals(-exit_code).name})"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _marked(name: str, value: str) -> list[psutil.Process]:
    import psutil

    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _carries(process, name, value)
    ]


def _carries(process: psutil.Process, name: str, value: str) -> bool:
    import psutil

    try:
        return process.environ().get(name) == value and _living(process)
    except (psutil.Error, OSError):
        return False


def _tree(root: int | None) -> list[psutil.Process]:
    import psutil

    if root is None:
        return []
    try:
        process = psutil.Process(root)
        return [one for one in (process, *process.children(recursive=True)) if _living(one)]
    except psutil.Error:
        return []


def _stopped(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def _living(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False
