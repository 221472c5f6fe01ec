"""Really runs a task: the console script of the installed wheel, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

_ATTACH = """
import importlib.util
spec = importlib.util.spec_from_file_location("volumes_of_the_fake", {mount!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.attach({root!r})
"""

_RUN = """
import sys
from importlib.metadata import distribution
name, script, *arguments = sys.argv[1:]
points = distribution(name).entry_points.select(group="console_scripts", name=script)
sys.argv = [script, *arguments]
sys.exit(next(iter(points)).load()())
"""

LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class WheelTask:
    """What a wheel task runs: the script ``entry_point`` of the distribution ``package_name``.

    ``command`` takes the place of both for tests that need another job: a program and its first
    arguments.
    """

    package_name: str = "mcp-jobs-server"
    entry_point: str = "researcher-job"
    parameters: tuple[str, ...] = (
        "--folder={{job.parameters.job_folder}}",
        "--run-id={{job.run_id}}",
    )
    command: tuple[str, ...] = ()


@dataclass
class Execution:
    """One attempt of a task as a process group; ``volumes`` is what it sees as ``/Volumes``."""

    volumes: Path
    task: WheelTask
    parameters: Sequence[str]
    environment: Mapping[str, str]
    _scratch: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="task-"), repr=False
    )
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and return it."""
        scratch = Path(self._scratch.name)
        attach = _ATTACH.format(
            mount=str(Path(__file__).with_name("mount.py")), root=str(self.volumes)
        )
        (scratch / "sitecustomize.py").write_text(attach, encoding="utf-8")
        (scratch / "home").mkdir()
        command = self.task.command or (
            *(sys.executable, "-c", _RUN, self.task.package_name, self.task.entry_point),
        )
        with (scratch / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self.parameters],
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": str(scratch / "home"),
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": str(scratch),
                    **self.environment,
                },
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def returned(self) -> int | None:
        """Return the exit code, ``None`` while it runs."""
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """End the process with everything that it started."""
        if self._process is None:
            return
        try:
            members = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            members = []
        for member in members:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Return what it printed, the last 5 MB."""
        data = (Path(self._scratch.name) / "log").read_bytes()
        return data[-LOG_BYTES:].decode(errors="replace")

    def close(self) -> None:
        self.kill()
        self._scratch.cleanup()


def error_of(log: str, code: int) -> str:
    """Return what the platform takes for the error: the last line that was printed."""
    lines = [line for line in log.splitlines() if line.strip()]
    return textwrap.shorten(lines[-1], 2000) if lines else f"SystemExit: {code}"
