"""A profile: the surroundings in which a server's jobs run, and who may stand in for whom."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server import __version__
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.core.settings import Settings

_TOLD = ("max_running", "stop_grace_seconds", "finish_grace_seconds", "report_seconds")


@dataclass(frozen=True)
class Profile:
    """``id`` differs where anything differs that a job can notice: interpreter, version,
    configuration, settings, environment. ``secrets`` are names of variables, never values.
    ``settings`` is a JSON object."""

    id: str
    interpreter: str
    version: str
    configuration: str
    job_command: tuple[str, ...]
    settings: str
    secrets: tuple[str, ...]

    @property
    def gone(self) -> bool:
        """Whether what ran its jobs is not there any more."""
        return not Path(self.interpreter).exists()

    def can_run_jobs_of(self, other: Profile) -> bool:
        """Whether a job of ``other`` means the same here: the same configuration and program,
        this version or an earlier one, and every secret there, by its name."""
        return (
            self.configuration == other.configuration
            and self._program == other._program
            and _ordered(self.version) >= _ordered(other.version)
            and set(other.secrets) <= set(self.secrets)
        )

    @property
    def _program(self) -> tuple[str, ...]:
        """The job's command, apart from the interpreter where that is the profile's own."""
        own = self.job_command[0] == self.interpreter
        return ("", *self.job_command[1:]) if own else self.job_command


def profile_of(settings: Settings, options: RunnerOptions) -> Profile:
    """Return the profile of this process."""
    return Profile(
        id=options.profile,
        interpreter=sys.executable,
        version=__version__,
        configuration=str(settings.config or ""),
        job_command=options.job_command,
        settings=json.dumps({name: getattr(options, name) for name in _TOLD}),
        secrets=settings.secret_names,
    )


class Profiles:
    """The profiles that stand in the database. All calls block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, profile: Profile) -> None:
        """Write the profile down, before the first of its jobs."""
        values = (
            *(profile.id, profile.interpreter, profile.version, profile.configuration),
            *(json.dumps(profile.job_command), profile.settings, json.dumps(profile.secrets)),
        )
        with self._database.write() as db:
            db.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def with_work(self, *, but: str) -> dict[str, Profile | None]:
        """Return the profiles other than ``but`` that have unended jobs, by their ids; ``None``
        for one that nothing is known of, as of jobs of the first version."""
        sql = """SELECT DISTINCT jobs.profile AS name, profiles.* FROM jobs
            LEFT JOIN profiles ON profiles.id = jobs.profile
            WHERE state IN ('queued', 'running', 'cancelling') AND jobs.profile != ?"""
        with self._database.read() as db:
            return {row["name"]: _profile(row) for row in db.execute(sql, (but,))}


def _profile(row: sqlite3.Row) -> Profile | None:
    if row["id"] is None:
        return None
    return Profile(
        id=row["id"],
        interpreter=row["interpreter"],
        version=row["version"],
        configuration=row["configuration"],
        job_command=tuple(json.loads(row["job_command"])),
        settings=row["settings"],
        secrets=tuple(json.loads(row["secrets"])),
    )


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
