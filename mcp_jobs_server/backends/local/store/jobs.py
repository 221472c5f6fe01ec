"""The rows of jobs, as the server reads and writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import get_args

from mcp_jobs_server.backends.conflicts import key_conflict, unended_job_conflict
from mcp_jobs_server.backends.local.store.database import EPOCH, Database, from_micros, to_micros
from mcp_jobs_server.backends.local.store.rows import DAMAGED, UNREADABLE, can_run, stored_request
from mcp_jobs_server.core.errors import dependent_job_error
from mcp_jobs_server.core.models import (
    ACTIVE_STATES,
    ENDED_STATES,
    Job,
    JobState,
    Owner,
    Started,
    StartOptions,
    StopMode,
    Usage,
)
from research_contract.files import decode
from research_contract.records import JOB_ID, Failure, OutcomeKind, Request

_POSITION = """CASE WHEN state = 'queued' THEN
    (SELECT count(*) FROM jobs AS ahead WHERE ahead.state = 'queued' AND ahead.seq <= jobs.seq)
    END AS position"""
_SELECT = f"SELECT *, {_POSITION} FROM jobs"  # noqa: S608 - a constant
_ACTIVE = "ended_at IS NULL"
_ENDED = "ended_at IS NOT NULL"
_DEPENDENT = f"""SELECT id FROM jobs WHERE owner = ? AND {_ACTIVE} AND CASE WHEN json_valid(request)
    THEN ? IN (json_extract(request, '$.follow_up_of'), json_extract(request, '$.refresh_of'))
    END LIMIT 1"""  # noqa: S608
_STOP: dict[StopMode, str] = {
    "finish_now": """UPDATE jobs SET requested = 'finish_now'
        WHERE id = :id AND owner = :owner AND state IN ('queued', 'running')
        AND requested IS NULL""",
    "stop": """UPDATE jobs SET requested = 'stop',
        ended_at = CASE state WHEN 'queued' THEN :at END,
        summary = CASE state WHEN 'queued' THEN 'Cancelled.' ELSE summary END,
        state = CASE state WHEN 'queued' THEN 'cancelled' ELSE 'cancelling' END
        WHERE id = :id AND owner = :owner AND state IN ('queued', 'running')""",
}
_ID = "[0-9]" * 8 + "-" + "[a-z2-7]" * 13
_AFTER_ANY_ID = "\x7f"
"""Sorts after every character that an id may contain."""


@dataclass(eq=False)
class JobStore:
    """The jobs of all owners of one data directory, as the port ``Runner`` shows them.

    All calls block.
    """

    database: Database

    def start(
        self, request: Request, *, owner: Owner, options: StartOptions, profile: str
    ) -> Started:
        """Insert the job, or return the earlier job that the options name."""
        row = {
            "id": request.job_id,
            "owner": owner.folder,
            "key": options.key or None,
            "fingerprint": options.fingerprint,
            "request": request.model_dump_json(),
            "depth": request.depth,
            "source_names": source_names(request),
            "profile": profile,
            "state": "queued",
            "created_at": to_micros(request.created_at),
        }
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self.database.write() as db:
            earlier = _find_earlier(db, request, owner, options)
            if earlier is not None:
                return Started(job=_job(owner, earlier), created=False)
            same = _find_same(db, owner, options)
            db.execute(f"INSERT INTO jobs ({columns}) VALUES ({places})", row)  # noqa: S608 - ours
            inserted = db.execute(f"{_SELECT} WHERE id = ?", (request.job_id,)).fetchone()
        return Started(
            job=_job(owner, inserted), created=True, same=_job(owner, same) if same else None
        )

    def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        with self.database.read() as db:
            row = _find_earlier(db, request, owner, options)
        return _job(owner, row) if row else None

    def usage(self, owner: Owner, since: datetime) -> Usage:
        sql = """SELECT count(*), total(CASE WHEN cost_usd BETWEEN 0 AND 1e9 THEN cost_usd END),
            min(created_at) FROM jobs WHERE owner = ? AND created_at >= ?"""
        counts = self.counts(owner)
        with self.database.read() as db:
            starts, cost, first = db.execute(sql, (owner.folder, to_micros(since))).fetchone()
        active = sum(counts.get(state, 0) for state in ACTIVE_STATES)
        return Usage(active=active, starts=starts, cost_usd=cost, first=from_micros(first))

    def waiting(self) -> int:
        sql = "SELECT coalesce(sum(jobs), 0) FROM counts WHERE state = 'queued'"
        with self.database.read() as db:
            return int(db.execute(sql).fetchone()[0])

    def job(self, owner: Owner, job_id: str) -> Job | None:
        if not JOB_ID.fullmatch(job_id):
            return None
        jobs = self._select(owner, "id = ?", job_id)
        return jobs[0] if jobs else None

    def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        if not prefix.isascii() or "\0" in prefix or len(prefix) > 22:
            return ()
        if not prefix:
            # The name of each caller's default job, so it must be one that can be read.
            return self._select(owner, f"id GLOB '{_ID}' ORDER BY seq DESC LIMIT 3")
        where = "{0} >= ? AND {0} < ? ORDER BY {0} DESC LIMIT 3"
        matches = {
            job.id: job
            for column in ("id", "substr(id, 10)")
            for job in self._select(owner, where.format(column), prefix, prefix + _AFTER_ANY_ID)
        }
        newest_first = sorted(
            matches.values(), key=lambda job: (job.request.created_at, job.id), reverse=True
        )
        return newest_first[:3]

    def active(self, owner: Owner, *, limit: int, before: str) -> Sequence[Job]:
        older = "seq < coalesce((SELECT seq FROM jobs WHERE owner = ? AND id = ?), 9e18)"
        where = f"{_ACTIVE} AND {older} ORDER BY seq DESC LIMIT ?"
        return self._select(owner, where, owner.folder, before or None, limit)

    def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None
    ) -> Sequence[Job]:
        order = "ORDER BY ended_at DESC, id DESC LIMIT ?"
        if before is None:
            return self._select(owner, f"{_ENDED} {order}", limit)
        last = (to_micros(before[0]), before[1])
        return self._select(owner, f"{_ENDED} AND (ended_at, id) < (?, ?) {order}", *last, limit)

    def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        jobs: list[Job] = []
        for is_fetched in (0, 1):
            where = f"""{_ENDED} AND (fetched_at IS NOT NULL) = {is_fetched} AND ended_at > ?
                ORDER BY ended_at DESC, id DESC LIMIT ?"""
            jobs += self._select(owner, where, to_micros(since), limit - len(jobs))
        return jobs

    def counts(self, owner: Owner) -> dict[JobState, int]:
        sql = "SELECT state, jobs FROM counts WHERE owner = ? AND jobs > 0"
        with self.database.read() as db:
            return {row[0]: row[1] for row in db.execute(sql, (owner.folder,))}

    def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        sql = """SELECT active_seconds FROM jobs WHERE owner = ? AND depth = ?
            AND source_names = ? AND active_seconds IS NOT NULL
            AND active_seconds BETWEEN 0 AND 1e9 ORDER BY ended_at DESC LIMIT 5"""
        similar = (owner.folder, request.depth, source_names(request))
        with self.database.read() as db:
            seconds = [row[0] for row in db.execute(sql, similar)]
        return median(seconds) if seconds else None

    def stop(self, owner: Owner, job_id: str, mode: StopMode, *, at: datetime) -> Job | None:
        """Record the request; a queued job that is stopped is cancelled by this."""
        if not JOB_ID.fullmatch(job_id):
            return None
        with self.database.write() as db:
            db.execute(_STOP[mode], {"id": job_id, "owner": owner.folder, "at": to_micros(at)})
            row = db.execute(
                f"{_SELECT} WHERE owner = ? AND id = ?", (owner.folder, job_id)
            ).fetchone()
        return _job(owner, row) if row else None

    def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        if not JOB_ID.fullmatch(job_id):
            return
        sql = "UPDATE jobs SET fetched_at = ? WHERE owner = ? AND id = ? AND fetched_at IS NULL"
        with self.database.write() as db:
            db.execute(sql, (to_micros(at), owner.folder, job_id))

    def remove(self, owner: Owner, job_id: str, *, remove_folder: Callable[[Job], None]) -> bool:
        """Delete the row of an ended job after ``remove_folder``; ``False``: no such job.

        Both happen in one transaction, so no job that builds on this one can be started meanwhile.

        Raises:
            Conflict: the job has not ended, or an unended job builds on it.
        """
        if not JOB_ID.fullmatch(job_id):
            return False
        key = (owner.folder, job_id)
        with self.database.write() as db:
            row = db.execute(f"{_SELECT} WHERE owner = ? AND id = ?", key).fetchone()
            if row is None:
                return False
            job = _job(owner, row)
            if not job.ended:
                raise unended_job_conflict()
            if dependent := db.execute(_DEPENDENT, key).fetchone():
                raise dependent_job_error(dependent["id"])
            remove_folder(job)
            db.execute("DELETE FROM jobs WHERE owner = ? AND id = ?", key)
        return True

    def forget(self, job_id: str) -> None:
        """Delete the row of an ended job whose folder is removed already."""
        sql = f"DELETE FROM jobs WHERE id = ? AND {_ENDED}"  # noqa: S608 - constants
        with self.database.write() as db:
            db.execute(sql, (job_id,))

    def marks(self, job_ids: Collection[str]) -> dict[str, tuple[object, ...]]:
        """Return, by job id, the columns whose change a waiting caller must see."""
        columns = f"id, state, attempt, requested, {_POSITION}"
        places = ", ".join("?" * len(job_ids))
        sql = f"SELECT {columns} FROM jobs WHERE id IN ({places})"  # noqa: S608 - only places
        with self.database.read() as db:
            return {row["id"]: tuple(row) for row in db.execute(sql, tuple(job_ids))}

    def _select(self, owner: Owner, where: str, *values: object) -> list[Job]:
        with self.database.read() as db:
            rows = db.execute(
                f"{_SELECT} WHERE owner = ? AND {where}", (owner.folder, *values)
            ).fetchall()
        return [_job(owner, row) for row in rows]


def source_names(request: Request) -> str:
    """Return the names of the sources as the database stores them."""
    return json.dumps(sorted(source.name for source in request.sources))


def _find_earlier(
    db: sqlite3.Connection, request: Request, owner: Owner, options: StartOptions
) -> sqlite3.Row | None:
    """Return the row of the earlier job that a start must return; ``None``: a new job is made."""
    row: sqlite3.Row | None = db.execute(
        f"{_SELECT} WHERE id = ? OR (owner = ? AND key = ?)",
        (request.job_id, owner.folder, options.key or None),
    ).fetchone()
    if row is not None:
        if (row["owner"], row["fingerprint"]) != (owner.folder, options.fingerprint):
            raise key_conflict(row["id"])
        return row
    if options.reuse_after is None:
        return None
    reusable = f"created_at >= ? AND {_ACTIVE} AND state != 'cancelling'"
    return _find_same(db, owner, options, reusable, to_micros(options.reuse_after))


def _find_same(
    db: sqlite3.Connection,
    owner: Owner,
    options: StartOptions,
    condition: str = "TRUE",
    *values: int | None,
) -> sqlite3.Row | None:
    """Return the row of the last job of the same request, if a start may return one."""
    if not options.fingerprint or options.reuse_after is None:
        return None
    row: sqlite3.Row | None = db.execute(
        f"{_SELECT} WHERE owner = ? AND fingerprint = ? AND {condition} ORDER BY seq DESC LIMIT 1",
        (owner.folder, options.fingerprint, *values),
    ).fetchone()
    return row


def _job(owner: Owner, row: sqlite3.Row) -> Job:
    """Return the job of a row. What is damaged in it is left out, or fails this job."""
    job_id = str(row["id"])
    created_at = from_micros(row["created_at"]) or EPOCH
    ended_at = from_micros(row["ended_at"])
    state = row["state"]
    ended = state in ENDED_STATES and row["ended_at"] is not None
    usable = ended or can_run(row)
    return Job(
        owner=owner,
        request=stored_request(job_id, row["request"])
        or Request(job_id=job_id, question=UNREADABLE, created_at=created_at),
        state=state if usable else "failed",
        attempt=row["attempt"] if isinstance(row["attempt"], int) else 0,
        requested=row["requested"] if row["requested"] in _STOP else None,
        outcome=row["outcome"] if row["outcome"] in get_args(OutcomeKind) else None,
        summary=str(row["summary"] if usable else DAMAGED.message),
        error=_error(row["error"]) if usable else DAMAGED,
        queue_position=row["position"],
        started_at=from_micros(row["started_at"]),
        ended_at=ended_at or (None if usable and not ended else created_at),
        fetched_at=from_micros(row["fetched_at"]),
    )


def _error(text: object) -> Failure | None:
    if not text:
        return None
    failure = decode(Failure, text.encode()) if isinstance(text, str) else None
    return failure or DAMAGED
