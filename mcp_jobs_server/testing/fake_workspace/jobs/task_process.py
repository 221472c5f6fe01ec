"""The process of a task: the console script of an installed wheel, or another command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Self

import psutil

from mcp_jobs_server.testing.fake_workspace import mount
from mcp_jobs_server.testing.fake_workspace.mount import MountedVolumes

MARK = "FAKE_WORKSPACE_TASK"
"""Environment variable that all processes of a task inherit, also those in other sessions."""

LOG_BYTES = 5_000_000

# A sitecustomize module. Python imports it in every process of the task, so that child processes
# see the volumes, too. The first process also watches its stdin and exits with the workspace.
_SITECUSTOMIZE = """
import importlib.util, os, sys

def _attach():
    package = {package!r}
    spec = importlib.util.spec_from_file_location(
        "volumes_of_the_fake", package + "/__init__.py", submodule_search_locations=[package]
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.attach({volumes!r})

def _exit_at_end_of(watched):
    while os.read(watched, 1024):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, 9)
    os._exit(1)

def _exit_with_workspace():
    import threading
    watched, empty = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_exit_at_end_of, args=(watched,), daemon=True).start()

if os.getppid() == {parent}:
    _exit_with_workspace()
_attach()
"""

_RUN_CONSOLE_SCRIPT = """
import sys
from importlib.metadata import distribution
name, script, *arguments = sys.argv[1:]
points = distribution(name).entry_points.select(group="console_scripts", name=script)
if not points:
    raise LookupError(f"The wheel {name} has no entry point {script}.")
sys.argv = [script, *arguments]
sys.exit(next(iter(points)).load()())
"""


@dataclass(frozen=True)
class WheelTask:
    """A wheel task: the console script ``entry_point`` of the distribution ``package_name``.

    ``python`` is an interpreter in whose environment the wheel is installed. ``command``, a
    program and its first arguments, replaces all of these in tests that need another job.
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
        """Return the command line without the parameters of the task."""
        script = (self.python, "-c", _RUN_CONSOLE_SCRIPT, self.package_name, self.entry_point)
        return self.command or script


@dataclass
class TaskProcess:
    """One attempt of a task, in a process group of its own.

    ``environment`` is added to the few variables that every task has. ``volumes`` are mounted at
    ``/Volumes``.
    """

    task: WheelTask
    parameters: Sequence[str]
    environment: Mapping[str, str]
    volumes: MountedVolumes
    mark: str = field(default_factory=lambda: token_hex(8))
    _scratch: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="task-"), repr=False
    )
    _process: subprocess.Popen[bytes] | None = None
    _killed: bool = False

    def start(self) -> Self:
        """Start the process and return this object.

        Raises:
            OSError: the system cannot start the process.
        """
        scratch = Path(self._scratch.name)
        for name in ("site", "home", "tmp"):
            (scratch / name).mkdir()
        (package,) = mount.__path__
        sitecustomize = _SITECUSTOMIZE.format(
            package=package, volumes=self.volumes.to_json(), parent=os.getpid()
        )
        (scratch / "site" / "sitecustomize.py").write_text(sitecustomize, encoding="utf-8")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(scratch / "site"),
            "DATABRICKS_RUNTIME_VERSION": "client.5.0",
            MARK: self.mark,
            **self.environment,
        }
        with (scratch / "out").open("wb") as out, (scratch / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [*self.task.program(), *self.parameters],
                env=environment,
                cwd=scratch / "home",
                stdin=subprocess.PIPE,  # closed if the workspace dies: see _SITECUSTOMIZE
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        return self

    def exit_code(self) -> int | None:
        """Return the exit code; ``None`` while the process runs."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """Kill the process and all its descendants, also if it has already ended."""
        if self._process is None or self._killed:
            return
        self._killed = True
        descendants: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            descendants = psutil.Process(self._process.pid).children(recursive=True)
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        for process in descendants:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def log(self) -> str:
        """Return the last 5 MB of standard output followed by standard error."""
        return (self._read("out") + self.errors())[-LOG_BYTES:]

    def errors(self) -> str:
        """Return the last 5 MB of standard error."""
        return self._read("errors")

    def _read(self, name: str) -> str:
        data = (Path(self._scratch.name) / name).read_bytes()
        return data[-LOG_BYTES:].decode(errors="replace")

    def close(self) -> None:
        """Kill the process and remove its files outside the volumes."""
        self.kill()
        self._scratch.cleanup()
