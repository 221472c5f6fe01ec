"""The options of a runner process, and its command line."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.core.settings import Settings

JOB_COMMAND = (sys.executable, "-m", "researcher_job")


@dataclass(frozen=True)
class RunnerOptions:
    """Options of a runner process. Times are in seconds.

    Attributes:
        data_dir: the data directory.
        profile: id of the profile whose jobs it runs.
        job_command: the program that runs a job and its first arguments; ``attempt.py`` lists the
            arguments that are added.
        config: path of ``research.toml``, whose sources are read again when a job begins.
        max_running: jobs at the same time, including those of other profiles.
        stop_grace_seconds: time for a job to obey a stop before it is killed.
        finish_grace_seconds: time for a job to obey ``finish_now``.
        report_seconds: time for writing a report.
        hang_seconds: time without a new ``status.json`` after which a job counts as hanging.
        idle_seconds: time without work after which the runner exits.
    """

    data_dir: Path
    profile: str
    job_command: tuple[str, ...]
    config: Path | None = None
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
            *(("--config", str(self.config)) if self.config else ()),
            *("--max-running", str(self.max_running)),
            *("--stop-grace-seconds", str(self.stop_grace_seconds)),
            *("--finish-grace-seconds", str(self.finish_grace_seconds)),
            *("--report-seconds", str(self.report_seconds)),
            *("--hang-seconds", str(self.hang_seconds)),
            *("--idle-seconds", str(self.idle_seconds)),
        ]

    def researcher_settings(self) -> list[str]:
        """Return the arguments that give the bundled researcher its table ``[researcher]``."""
        if self.config is None or self.job_command != JOB_COMMAND:
            return []
        return ["--settings", str(self.config)]


def parse(arguments: Sequence[str]) -> RunnerOptions:
    """Return the options in ``arguments``. Invalid ones end the process with a message."""
    parser = argparse.ArgumentParser(prog="mcp_jobs_server.backends.local", allow_abbrev=False)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--job-command", type=json.loads, required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--max-running", type=int, default=RunnerOptions.max_running)
    for name in ("stop_grace", "finish_grace", "report", "hang", "idle"):
        default = getattr(RunnerOptions, f"{name}_seconds")
        parser.add_argument(f"--{name.replace('_', '-')}-seconds", type=float, default=default)
    values = vars(parser.parse_args(arguments))
    words = values["job_command"]
    if not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        parser.error("argument --job-command: not a JSON list of words")
    return RunnerOptions(**{**values, "job_command": tuple(words)})


def runner_options(
    settings: Settings,
    job_command: Sequence[str] = JOB_COMMAND,
    *,
    hang_seconds: float = RunnerOptions.hang_seconds,
) -> RunnerOptions:
    """Return the options of the runner processes for ``settings``.

    Another ``job_command`` is another profile.
    """
    command, profile = tuple(job_command), settings.profile
    if command != JOB_COMMAND:
        profile = hashlib.sha256("\0".join((profile, *command)).encode()).hexdigest()[:12]
    return RunnerOptions(
        data_dir=settings.data_dir,
        profile=profile,
        job_command=command,
        config=settings.config,
        max_running=settings.max_running,
        stop_grace_seconds=settings.stop_grace_seconds,
        finish_grace_seconds=settings.finish_grace_seconds,
        report_seconds=settings.report_seconds,
        hang_seconds=hang_seconds,
    )
