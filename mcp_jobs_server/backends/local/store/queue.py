"""The rows of jobs, as a runner process reads and writes them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.backends.local.store.rows import can_run, is_profile
from mcp_jobs_server.core.models import ACTIVE_STATES, StopMode, job_folder_of, one_line_summary
from research_contract.records import Ended, Outcome

_CLAIMED = "state IN ('running', 'cancelling')"


@dataclass(frozen=True)
class Claim:
    """A job that a runner of its profile has claimed, or is about to claim.

    Attributes:
        id: the job id.
        folder: path of the job folder below the root.
        request: the request as JSON.
        profile: the profile whose runner runs the job.
        attempt: starts so far.
        charged: deaths charged so far.
        progress_before: highest progress of the earlier attempts; see ``heartbeat.py``.
        requested: the stop or finish that was requested.
        boot: id of the boot of the machine in which the job was claimed.
    """

    id: str
    folder: str
    request: str
    profile: str
    attempt: int
    charged: int
    progress_before: int
    requested: StopMode | None
    boot: str = ""


@dataclass(frozen=True)
class Queue:
    """The jobs of all owners, for the runner of one profile. All calls block."""

    database: Database
    profile: str

    def claimed_profiles(self) -> list[str]:
        """Return the profiles that have claimed jobs."""
        sql = f"SELECT DISTINCT profile FROM jobs WHERE {_CLAIMED}"  # noqa: S608 - constants
        with self.database.read() as db:
            return [row[0] for row in db.execute(sql) if is_profile(row[0])]

    def has_work(self) -> bool:
        """Return whether this profile has an unended job."""
        sql = f"SELECT 1 FROM jobs WHERE profile = ? AND state IN {ACTIVE_STATES} LIMIT 1"  # noqa: S608
        with self.database.read() as db:
            return db.execute(sql, (self.profile,)).fetchone() is not None

    def claimed(self) -> dict[str, Claim]:
        """Return the claimed jobs of this profile, by job id."""
        sql = f"SELECT * FROM jobs WHERE profile = ? AND {_CLAIMED}"  # noqa: S608 - constants
        with self.database.read() as db:
            rows = db.execute(sql, (self.profile,))
            return {row["id"]: _claim(row) for row in rows if can_run(row)}

    def next(self, *, max_running: int) -> Claim | None:
        """Return the next queued job of this profile; ``None``: none, or the limit is reached.

        The limit counts the jobs of all profiles.
        """
        sql = f"""SELECT * FROM jobs WHERE state = 'queued' AND profile = ?
            AND (SELECT count(*) FROM jobs WHERE {_CLAIMED}) < ? ORDER BY seq LIMIT 1"""  # noqa: S608
        with self.database.read() as db:
            row = db.execute(sql, (self.profile, max_running)).fetchone()
        return _claim(row) if row else None

    def profiles_ahead(self, claim: Claim) -> set[str]:
        """Return the other profiles that have a queued job which was started before this one."""
        sql = """SELECT DISTINCT profile FROM jobs WHERE state = 'queued' AND profile != ?
            AND seq < (SELECT seq FROM jobs WHERE id = ?)"""
        with self.database.read() as db:
            rows = db.execute(sql, (self.profile, claim.id))
            return {row[0] for row in rows if is_profile(row[0])}

    def claim(
        self, claim: Claim, *, max_running: int, progress: int, at: datetime, boot: str = ""
    ) -> Claim | None:
        """Commit the next attempt, before its process starts.

        ``None``: another runner claimed the job, or the limit is reached.

        Args:
            claim: the queued job.
            max_running: see ``next``.
            progress: how far the job has come; see ``heartbeat.py``.
            at: the time.
            boot: id of the boot of the machine, so that a later runner knows of a restart.
        """
        sql = f"""UPDATE jobs SET state = 'running', attempt = attempt + 1,
            step_before = max(step_before, ?), boot = ?,
            started_at = coalesce(started_at, ?) WHERE id = ? AND state = 'queued'
            AND (SELECT count(*) FROM jobs WHERE {_CLAIMED}) < ? RETURNING *"""  # noqa: S608
        with self.database.write() as db:
            values = (progress, boot, to_micros(at), claim.id, max_running)
            row = db.execute(sql, values).fetchone()
        return _claim(row) if row else None

    def charge(self, claim: Claim) -> None:
        """Count a death against the job."""
        with self.database.write() as db:
            db.execute("UPDATE jobs SET charged = charged + 1 WHERE id = ?", (claim.id,))

    def requeue(self, claim: Claim, *, charge: bool) -> bool:
        """Put the job back into the queue; ``False``: a stop was requested meanwhile."""
        sql = """UPDATE jobs SET state = 'queued', charged = charged + ?
            WHERE id = ? AND state = 'running'"""
        with self.database.write() as db:
            return db.execute(sql, (int(charge), claim.id)).rowcount == 1

    def complete(self, claim: Claim, outcome: Outcome) -> None:
        """Record the outcome; it wins over a stop."""
        sql = f"""UPDATE jobs SET state = 'completed', outcome = ?, summary = ?,
            active_seconds = ?, cost_usd = ?, ended_at = ? WHERE id = ? AND {_CLAIMED}"""  # noqa: S608
        spent = outcome.spent
        values = (outcome.outcome, one_line_summary(outcome), spent.active_seconds, spent.cost_usd)
        with self.database.write() as db:
            db.execute(sql, (*values, to_micros(outcome.ended_at), claim.id))

    def end(self, claim: Claim, ended: Ended, *, recorded: bool = False) -> bool:
        """Record that the job failed or was cancelled.

        Returns ``False`` if a stop was requested meanwhile, so that the job cannot fail any more.
        ``recorded``: the folder has this end already, so it holds even after a stop.
        """
        may_follow_stop = ended.state == "cancelled" or recorded
        states = "('running', 'cancelling')" if may_follow_stop else "('running')"
        sql = f"""UPDATE jobs SET state = ?, summary = ?, error = ?, ended_at = ?
            WHERE id = ? AND state IN {states}"""  # noqa: S608 - constants
        summary = ended.error.message if ended.error else "Cancelled."
        error = ended.error.model_dump_json() if ended.error else None
        values = (ended.state, summary, error, to_micros(ended.ended_at), claim.id)
        with self.database.write() as db:
            return db.execute(sql, values).rowcount == 1


def _claim(row: sqlite3.Row) -> Claim:
    return Claim(
        id=row["id"],
        folder=job_folder_of(row["owner"], row["id"]),
        request=row["request"],
        profile=row["profile"],
        attempt=row["attempt"],
        charged=row["charged"],
        progress_before=row["step_before"],
        requested=row["requested"],
        boot=row["boot"],
    )
