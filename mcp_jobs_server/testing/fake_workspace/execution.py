"""Really runs a task: the console script of the installed wheel, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Self

import psutil

from mcp_jobs_server.testing.fake_workspace.mount import Places

MOUNT = Path(__file__).with_name("mount")
MARK = "FAKE_WORKSPACE_TASK"
"""Variable that all processes of a task inherit, in whatever session they are."""

# A sitecustomize: Python imports it in every process of the task, so that those which the task
# starts see the volumes, too. The task's own process also ends when the workspace does.
_ATTACH = """
import importlib.util, os, sys

def _attach():
    package = {mount!r}
    spec = importlib.util.spec_from_file_location(
        "volumes_of_the_fake", package + "/__init__.py", submodule_search_locations=[package]
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.attach({places!r})

def _wait_for_the_end(watched):
    while os.read(watched, 1024):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, 9)
    os._exit(1)

def _end_with_the_workspace():
    import threading
    watched, empty = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_wait_for_the_end, args=(watched,), daemon=True).start()

if os.getppid() == {parent}:
    _end_with_the_workspace()
_attach()
"""

_RUN = """
import sys
from importlib.metadata import distribution
name, script, *arguments = sys.argv[1:]
points = distribution(name).entry_points.select(group="console_scripts", name=script)
if not points:
    raise LookupError(f"The wheel {name} has no entry point {script}.")
sys.argv = [script, *arguments]
sys.exit(next(iter(points)).load()())
"""

LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class WheelTask:
    """What a wheel task runs: the script ``entry_point`` of the distribution ``package_name``.

    ``python`` is the interpreter that has the wheel. ``command`` takes the place of all for tests
    that need another job: a program and its first arguments.
    """

    package_name: str = "mcp-jobs-server"
    entry_point: str = "researcher-job"
    parameters: tuple[str, ...] = (
        "--folder={{job.parameters.job_folder}}",
        "--run-id={{job.run_id}}",
    )
    command: tuple[str, ...] = ()
    python: str = sys.executable

    def program(self) -> tuple[str, ...]:
        """Return the command without the task's parameters."""
        return self.command or (self.python, "-c", _RUN, self.package_name, self.entry_point)


@dataclass
class Execution:
    """One attempt of a task as a process group; ``volumes`` is what it sees as ``/Volumes``.

    ``places`` says further what its identity may do there; everything, where it is not given.
    """

    volumes: Path
    task: WheelTask
    parameters: Sequence[str]
    environment: Mapping[str, str]
    places: Places | None = None
    mark: str = field(default_factory=lambda: token_hex(8))
    _scratch: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="task-"), repr=False
    )
    _process: subprocess.Popen[bytes] | None = None
    _gone: bool = False

    def start(self) -> Self:
        """Start it and return it.

        Raises:
            OSError: the system starts no more processes.
        """
        scratch = Path(self._scratch.name)
        places = self.places or Places(str(self.volumes.resolve()))
        attach = _ATTACH.format(mount=str(MOUNT), places=places.text(), parent=os.getpid())
        for name in ("site", "home", "tmp"):
            (scratch / name).mkdir()
        (scratch / "site" / "sitecustomize.py").write_text(attach, encoding="utf-8")
        with (scratch / "out").open("wb") as out, (scratch / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [*self.task.program(), *self.parameters],
                env=self._environment(scratch),
                cwd=scratch / "home",
                stdin=subprocess.PIPE,  # its end tells the task that the workspace has died
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        return self

    def _environment(self, scratch: Path) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(scratch / "site"),
            "DATABRICKS_RUNTIME_VERSION": "client.5.0",
            MARK: self.mark,
            **self.environment,
        }

    def returned(self) -> int | None:
        """Return the exit code, ``None`` while it runs."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """End the process with everything that it started, whether it runs or has ended."""
        if self._process is None or self._gone:
            return
        self._gone = True
        members = _below(self._process.pid)
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def log(self) -> str:
        """Return what it printed, the last 5 MB, its errors last."""
        return (self._printed("out") + self._printed("errors"))[-LOG_BYTES:]

    def output(self) -> str:
        """Return what it printed to standard output, the last 5 MB."""
        return self._printed("out")

    def errors(self) -> str:
        """Return what it printed to standard error, the last 5 MB."""
        return self._printed("errors")

    def _printed(self, name: str) -> str:
        data = (Path(self._scratch.name) / name).read_bytes()
        return data[-LOG_BYTES:].decode(errors="replace")

    def close(self) -> None:
        """End it and remove what it left outside the volumes."""
        self.kill()
        self._scratch.cleanup()


def end_all(marks: Sequence[str]) -> None:
    """Kill whatever still runs of tasks, also what left their sessions."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) in marks:
                process.kill()


def error_of(log: str, code: int) -> str:
    """Return what the platform takes for the error: the last line that was printed."""
    lines = [line for line in log.splitlines() if line.strip()]
    return textwrap.shorten(lines[-1], 2000) if lines else f"SystemExit: {code}"


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
