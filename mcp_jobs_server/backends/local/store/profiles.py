"""Profiles: the environment in which the jobs of a server run."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from dataclasses import dataclass

from mcp_jobs_server import __version__
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.rows import is_profile
from mcp_jobs_server.core.settings import Settings

_STORED_SETTINGS = ("max_running", "stop_grace_seconds", "finish_grace_seconds", "report_seconds")


@dataclass(frozen=True)
class Profile:
    """All that a job can notice of the server that started it.

    Attributes:
        id: differs if interpreter, version, configuration, settings or environment differ.
        interpreter: path of the Python that runs its jobs.
        version: version of mcp-jobs-server.
        configuration: path of ``research.toml``, "" for none.
        job_command: the program that runs a job.
        settings: JSON object of settings of its runner processes.
        secrets: names of environment variables, never their values.
    """

    id: str
    interpreter: str
    version: str
    configuration: str
    job_command: tuple[str, ...]
    settings: str
    secrets: tuple[str, ...]

    def can_run_jobs_of(self, other: Profile) -> bool:
        """Return whether a job of ``other`` would give the same result here.

        That needs the same configuration and program, the same version or an earlier one of
        ``other``, and all its secrets, compared by name.
        """
        return (
            self.configuration == other.configuration
            and self._program == other._program
            and _version_numbers(self.version) >= _version_numbers(other.version)
            and set(other.secrets) <= set(self.secrets)
        )

    @property
    def _program(self) -> tuple[str, ...]:
        """The job command, without the interpreter if it is the profile's own."""
        own = self.job_command[0] == self.interpreter
        return ("", *self.job_command[1:]) if own else self.job_command


def _version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def profile_of(settings: Settings, options: RunnerOptions) -> Profile:
    """Return the profile of this process."""
    return Profile(
        id=options.profile,
        interpreter=sys.executable,
        version=__version__,
        configuration=str(settings.config or ""),
        job_command=options.job_command,
        settings=json.dumps({name: getattr(options, name) for name in _STORED_SETTINGS}),
        secrets=settings.secret_names,
    )


@dataclass(eq=False)
class Profiles:
    """The profiles in the database. All calls block."""

    database: Database

    def record(self, profile: Profile) -> None:
        """Store the profile; done before its first job."""
        values = (
            *(profile.id, profile.interpreter, profile.version, profile.configuration),
            *(json.dumps(profile.job_command), profile.settings, json.dumps(profile.secrets)),
        )
        with self.database.write() as db:
            db.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def with_work(self, *, excluding: str) -> dict[str, Profile | None]:
        """Return the other profiles that have unended jobs, by id.

        ``None``: the profile was not stored, as for jobs of the first version, or is damaged.
        """
        sql = """SELECT DISTINCT jobs.profile AS name, profiles.* FROM jobs
            LEFT JOIN profiles ON profiles.id = jobs.profile
            WHERE state IN ('queued', 'running', 'cancelling') AND jobs.profile != ?"""
        profiles: dict[str, Profile | None] = {}
        with self.database.read() as db:
            for row in db.execute(sql, (excluding,)):
                if is_profile(row["name"]):
                    profiles[row["name"]] = _profile(row)
        return profiles


def _profile(row: sqlite3.Row) -> Profile | None:
    """Return the profile of a row; ``None``: it was not stored, or the row is damaged."""
    names = ("id", "interpreter", "version", "configuration", "settings")
    try:
        job_command, secrets = json.loads(row["job_command"]), json.loads(row["secrets"])
    except (TypeError, ValueError):
        return None
    if not (isinstance(job_command, list) and job_command and isinstance(secrets, list)):
        return None
    if not all(
        isinstance(text, str) for text in (*job_command, *secrets, *map(row.__getitem__, names))
    ):
        return None
    return Profile(
        **{name: row[name] for name in names},
        job_command=tuple(job_command),
        secrets=tuple(secrets),
    )
