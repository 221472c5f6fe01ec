"""What the runner process reads and writes in the job database."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.core.models import ACTIVE_STATES, StopMode, one_line_summary
from research_contract.records import Ended, Outcome, month_of

_WORKED_ON = "state IN ('running', 'cancelling')"


@dataclass(frozen=True)
class Claim:
    """A job that a runner of its profile works on, as its row says."""

    id: str
    folder: str
    request: str
    profile: str
    attempt: int
    charged: int
    reached_before: int
    requested: StopMode | None
    boot: str = ""


class Queue:
    """The rows of all owners, seen by the runner of one profile. All calls block."""

    def __init__(self, database: Database, profile: str) -> None:
        self._database = database
        self._profile = profile

    def of(self, profile: str) -> Queue:
        """Return the same rows as the runner of another profile sees them."""
        return Queue(self._database, profile)

    def profiles(self) -> list[str]:
        """Return the profiles that have claimed jobs."""
        sql = f"SELECT DISTINCT profile FROM jobs WHERE {_WORKED_ON}"  # noqa: S608 - constants
        with self._database.read() as db:
            return [row[0] for row in db.execute(sql)]

    def has_work(self) -> bool:
        """Say whether a row of this profile has not ended."""
        sql = f"SELECT 1 FROM jobs WHERE profile = ? AND state IN {ACTIVE_STATES} LIMIT 1"  # noqa: S608
        with self._database.read() as db:
            return db.execute(sql, (self._profile,)).fetchone() is not None

    def claimed(self) -> dict[str, Claim]:
        """Return what is claimed in this profile, by job id."""
        sql = f"SELECT * FROM jobs WHERE profile = ? AND {_WORKED_ON}"  # noqa: S608 - constants
        with self._database.read() as db:
            return {row["id"]: _claim(row) for row in db.execute(sql, (self._profile,))}

    def next(self, *, max_running: int) -> Claim | None:
        """Return the queued job that is this profile's next, or ``None`` while all places are
        taken. The limit counts the jobs of all profiles."""
        sql = f"""SELECT * FROM jobs WHERE state = 'queued' AND profile = ?
            AND (SELECT count(*) FROM jobs WHERE {_WORKED_ON}) < ? ORDER BY seq LIMIT 1"""  # noqa: S608
        with self._database.read() as db:
            row = db.execute(sql, (self._profile, max_running)).fetchone()
        return _claim(row) if row else None

    def earlier(self, claim: Claim) -> set[str]:
        """Return the other profiles that have a queued job which was started before this one."""
        sql = """SELECT DISTINCT profile FROM jobs WHERE state = 'queued' AND profile != ?
            AND seq < (SELECT seq FROM jobs WHERE id = ?)"""
        with self._database.read() as db:
            return {row[0] for row in db.execute(sql, (self._profile, claim.id))}

    def claim(
        self, claim: Claim, *, max_running: int, reached: int, at: datetime, boot: str = ""
    ) -> Claim | None:
        """Commit the next attempt before it is begun; ``None``: the job or the place is gone.

        ``reached``: how far the job has come; see ``progress.py``. ``boot``: the boot of the
        machine, by which a later runner tells what a restart ended.
        """
        sql = f"""UPDATE jobs SET state = 'running', attempt = attempt + 1,
            step_before = max(step_before, ?), boot = ?,
            started_at = coalesce(started_at, ?) WHERE id = ? AND state = 'queued'
            AND (SELECT count(*) FROM jobs WHERE {_WORKED_ON}) < ? RETURNING *"""  # noqa: S608
        with self._database.write() as db:
            values = (reached, boot, to_micros(at), claim.id, max_running)
            row = db.execute(sql, values).fetchone()
        return _claim(row) if row else None

    def charge(self, claim: Claim) -> None:
        """Count a death against the job."""
        with self._database.write() as db:
            db.execute("UPDATE jobs SET charged = charged + 1 WHERE id = ?", (claim.id,))

    def requeue(self, claim: Claim, *, charge: bool) -> bool:
        """Put the job back into the queue; ``False``: it was asked to stop meanwhile."""
        sql = """UPDATE jobs SET state = 'queued', charged = charged + ?
            WHERE id = ? AND state = 'running'"""
        with self._database.write() as db:
            return db.execute(sql, (int(charge), claim.id)).rowcount == 1

    def complete(self, claim: Claim, outcome: Outcome) -> None:
        """Record the outcome; it wins over a stop."""
        sql = f"""UPDATE jobs SET state = 'completed', outcome = ?, summary = ?,
            active_seconds = ?, cost_usd = ?, ended_at = ? WHERE id = ? AND {_WORKED_ON}"""  # noqa: S608
        spent = outcome.spent
        values = (outcome.outcome, one_line_summary(outcome), spent.active_seconds, spent.cost_usd)
        with self._database.write() as db:
            db.execute(sql, (*values, to_micros(outcome.ended_at), claim.id))

    def end(self, claim: Claim, ended: Ended, *, recorded: bool = False) -> bool:
        """Record that the job failed or was cancelled; ``False``: a stop was requested meanwhile,
        so it cannot fail any more. An end that the folder has already (``recorded``) holds."""
        may_fail = ended.state == "cancelled" or recorded
        states = "('running', 'cancelling')" if may_fail else "('running')"
        sql = f"""UPDATE jobs SET state = ?, summary = ?, error = ?, ended_at = ?
            WHERE id = ? AND state IN {states}"""  # noqa: S608 - constants
        summary = ended.error.message if ended.error else "Cancelled."
        error = ended.error.model_dump_json() if ended.error else None
        values = (ended.state, summary, error, to_micros(ended.ended_at), claim.id)
        with self._database.write() as db:
            return db.execute(sql, values).rowcount == 1


def _claim(row: sqlite3.Row) -> Claim:
    return Claim(
        id=row["id"],
        folder=f"{row['owner']}/{month_of(row['id'])}/{row['id']}",
        request=row["request"],
        profile=row["profile"],
        attempt=row["attempt"],
        charged=row["charged"],
        reached_before=row["step_before"],
        requested=row["requested"],
        boot=row["boot"],
    )
