"""Rows of the database with bad bytes and bad values, one column at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local

VALUES = {
    "bytes": b"\xff\xfe",
    "torn text": "CAST(X'ff80' AS TEXT)",
    "another word": "nonsense",
    "a path": "../../x\0y",
    "nothing": "",
    "NULL": None,
    "a huge number": 10**18,
    "a negative number": -(10**18),
    "infinite": float("inf"),
}
JOBS = (
    *("id", "owner", "key", "fingerprint", "request", "depth", "source_names", "profile"),
    *("state", "requested", "attempt", "charged", "step_before", "outcome", "summary", "error"),
    *("active_seconds", "created_at", "started_at", "ended_at", "fetched_at", "boot", "cost_usd"),
)
PROFILES = ("id", "interpreter", "version", "configuration", "job_command", "settings", "secrets")


@contextmanager
def database(settings: Settings) -> Iterator[sqlite3.Connection]:
    path = DataPaths(settings.data_dir).database
    with closing(sqlite3.connect(path, timeout=10)) as opened:
        yield opened
        opened.commit()


def damage(settings: Settings, table: str, column: str, key: str, job_id: str) -> int:
    """Put each bad value into a copy of the row whose ``key`` is ``job_id``.

    Returns how many of them the table let in.
    """
    damaged = 0
    with database(settings) as db:
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
        copied = [name for name in names if name not in (key, "key")]
        for number, value in enumerate(VALUES.values()):
            literal = value if isinstance(value, str) and value.startswith("CAST(") else "?"
            new = local.request(at=datetime.now(UTC) + timedelta(microseconds=number)).job_id
            place = f"INSERT INTO {table} ({key}, {', '.join(copied)}) SELECT ?,"
            where = f"FROM {table} WHERE {key} = ?"
            db.execute(f"{place} {', '.join(copied)} {where}", (new, job_id))
            given = () if literal != "?" else (value,)
            try:
                change = f"UPDATE {table} SET {column} = {literal} WHERE {key} = ?"  # noqa: S608
                db.execute(change, (*given, new))
                damaged += 1
            except sqlite3.IntegrityError:
                db.execute(f"DELETE FROM {table} WHERE {key} = ?", (new,))  # noqa: S608
    return damaged
