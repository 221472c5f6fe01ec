"""Takes over the jobs of profiles that have no runner, so that none waits for ever unexplained."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from pathlib import Path

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.damage import write_failure
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.backends.local.store.profiles import Profile, Profiles
from research_contract.records import Failure

GRACE_SECONDS = 30.0
"""How long jobs without a runner are left to servers of their own profile, which look for such
jobs every ten seconds."""

PROFILE_AWAY = "Waits for the program that started it; open that again, or cancel the job."
PROFILE_GONE = Failure(
    code="profile_gone",
    message="The installation of mcp-jobs-server that this job was started with is gone.",
    hint="Start the research again.",
    retryable=True,
)


@dataclass(eq=False)
class Takeover:
    """Handles the jobs of other profiles for the server of ``profile``.

    The jobs of a profile without a runner are taken over if this profile can run them: at once if
    their interpreter is gone, else after ``grace_seconds``. If it cannot run them, the queued jobs
    of a profile whose interpreter is gone fail. The summary of other queued jobs explains why they
    wait.
    """

    database: Database
    paths: DataPaths
    profile: Profile
    _: KW_ONLY
    grace_seconds: float = GRACE_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _without_runner_since: dict[str, float] = field(default_factory=dict, init=False)

    def check(self, at: datetime) -> None:
        """Handle the jobs of all other profiles once; ``at`` is the time of an end."""
        now = self.monotonic()
        without_runner = {
            profile_id: profile
            for profile_id, profile in Profiles(self.database)
            .with_work(excluding=self.profile.id)
            .items()
            if not locks.is_held(self.paths.runner_lock(profile_id))
        }
        before = self._without_runner_since
        self._without_runner_since = {name: before.get(name, now) for name in without_runner}
        for profile_id, profile in without_runner.items():
            gone = profile is not None and not Path(profile.interpreter).exists()
            if gone or now - self._without_runner_since[profile_id] >= self.grace_seconds:
                self._handle(profile_id, profile, at, gone=gone)

    def _handle(
        self, profile_id: str, profile: Profile | None, at: datetime, *, gone: bool
    ) -> None:
        """Take over, fail or explain the jobs of a profile.

        A job that still runs is taken over as well; its runner then follows it by its lock.
        """
        if profile is None or self.profile.can_run_jobs_of(profile):
            sql = """UPDATE jobs SET profile = ?, summary = '' WHERE profile = ?
                AND state IN ('queued', 'running', 'cancelling')"""
            with self.database.write() as db:
                db.execute(sql, (self.profile.id, profile_id))
            return
        if not gone:
            sql = """UPDATE jobs SET summary = ? WHERE profile = ? AND state = 'queued'
                AND summary != ?"""
            with self.database.write() as db:
                db.execute(sql, (PROFILE_AWAY, profile_id, PROFILE_AWAY))
            return
        sql = """UPDATE jobs SET state = 'failed', summary = ?, error = ?, ended_at = ?
            WHERE profile = ? AND state = 'queued' RETURNING owner, id, attempt"""
        error = PROFILE_GONE.model_dump_json()
        with self.database.write() as db:
            values = (PROFILE_GONE.message, error, to_micros(at), profile_id)
            failed = db.execute(sql, values).fetchall()
        for owner, job_id, attempts in failed:
            write_failure(self.paths, owner, job_id, PROFILE_GONE, at, attempts=attempts)
