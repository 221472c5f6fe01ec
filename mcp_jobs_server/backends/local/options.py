"""What a runner process is told on its command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunnerOptions:
    """Times are in seconds.

    ``max_running``: jobs at one time, those of other profiles counted. ``hang_seconds``: how
    long ``status.json`` may stay unchanged until the job is taken for hanging.
    ``idle_seconds``: how long a runner stays with nothing to do. ``job_command``: the program
    that does a job and its first arguments; see ``attempt.py`` for what is added.
    """

    data_dir: Path
    profile: str
    job_command: tuple[str, ...]
    max_running: int = 2
    stop_grace_seconds: float = 5.0
    finish_grace_seconds: float = 20.0
    report_seconds: float = 60.0
    hang_seconds: float = 60.0
    idle_seconds: float = 2.0

    def arguments(self) -> list[str]:
        """Return the command line that ``parse`` turns into these options."""
        return [
            *("--data-dir", str(self.data_dir)),
            *("--profile", self.profile),
            *("--job-command", json.dumps(self.job_command)),
            *("--max-running", str(self.max_running)),
            *("--stop-grace-seconds", str(self.stop_grace_seconds)),
            *("--finish-grace-seconds", str(self.finish_grace_seconds)),
            *("--report-seconds", str(self.report_seconds)),
            *("--hang-seconds", str(self.hang_seconds)),
            *("--idle-seconds", str(self.idle_seconds)),
        ]


def parse(arguments: Sequence[str]) -> RunnerOptions:
    """Return the options in ``arguments``; wrong ones end the process with a message."""
    parser = argparse.ArgumentParser(prog="mcp_jobs_server.backends.local", allow_abbrev=False)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--job-command", type=_command, required=True)
    parser.add_argument("--max-running", type=int, default=RunnerOptions.max_running)
    for name in ("stop_grace", "finish_grace", "report", "hang", "idle"):
        default = getattr(RunnerOptions, f"{name}_seconds")
        parser.add_argument(f"--{name.replace('_', '-')}-seconds", type=float, default=default)
    return RunnerOptions(**vars(parser.parse_args(arguments)))


def _command(text: str) -> tuple[str, ...]:
    words = json.loads(text)
    if not words or not all(isinstance(word, str) for word in words):
        raise ValueError(text)
    return tuple(words)
