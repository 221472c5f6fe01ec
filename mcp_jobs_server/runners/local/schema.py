"""The tables of the local backend. Migrations only add."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mcp_jobs_server.errors import NewerVersion

VERSION = 1

_ADD = """INSERT INTO counts VALUES (new.owner, new.state, 1)
    ON CONFLICT DO UPDATE SET jobs = jobs + 1;"""
_TAKE = "UPDATE counts SET jobs = jobs - 1 WHERE owner = old.owner AND state = old.state;"

TABLES = (
    """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of the queue
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,                    -- the owner's folder
    key TEXT,                               -- NULL: none; NULLs are distinct
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,                  -- whole, as in request.json
    depth TEXT NOT NULL,
    source_names TEXT NOT NULL,             -- sorted JSON list
    profile TEXT NOT NULL,
    state TEXT NOT NULL,
    requested TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,     -- starts so far
    charged INTEGER NOT NULL DEFAULT 0,     -- deaths that count
    step_before INTEGER NOT NULL DEFAULT 0, -- last step when the attempt began
    outcome TEXT,
    summary TEXT NOT NULL DEFAULT '',
    error TEXT,
    active_seconds REAL,
    created_at INTEGER NOT NULL,            -- times: microseconds since 1970, UTC
    started_at INTEGER,
    ended_at INTEGER,
    fetched_at INTEGER,
    UNIQUE (owner, key)
)
""",
    "CREATE INDEX jobs_by_state ON jobs (state, seq)",
    # What people ask of their own jobs takes a few steps in one of these, however many there are.
    "CREATE INDEX jobs_newest ON jobs (owner, seq)",
    "CREATE INDEX jobs_active ON jobs (owner, seq) WHERE ended_at IS NULL",
    "CREATE INDEX jobs_ended ON jobs (owner, ended_at, id) WHERE ended_at IS NOT NULL",
    "CREATE INDEX jobs_unread ON jobs (owner, fetched_at IS NOT NULL, ended_at, id)"
    " WHERE ended_at IS NOT NULL",
    "CREATE INDEX jobs_by_id ON jobs (owner, id)",
    "CREATE INDEX jobs_by_random_part ON jobs (owner, substr(id, 10))",
    "CREATE INDEX jobs_asked ON jobs (owner, fingerprint, seq)",
    "CREATE INDEX jobs_alike ON jobs (owner, depth, source_names, ended_at)"
    " WHERE active_seconds IS NOT NULL",
    "CREATE TABLE counts (owner TEXT, state TEXT, jobs INTEGER, PRIMARY KEY (owner, state))",
    f"CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN {_ADD} END",
    f"CREATE TRIGGER jobs_gone AFTER DELETE ON jobs BEGIN {_TAKE} END",
    f"CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs BEGIN {_TAKE} {_ADD} END",
)


def refuse_newer(version: int) -> None:
    """Raise ``NewerVersion`` where ``version`` is not one that this program knows."""
    if version > VERSION:
        raise NewerVersion(
            f"The job database has version {version}; this program knows up to {VERSION}.",
            "Upgrade mcp-jobs-server, or give it another directory in MCP_JOBS_DATA_DIR.",
        )


def version_on_disk(path: Path) -> int:
    """Return the version from the file's header without opening the database; 0: none yet.

    SQLite keeps ``user_version`` big-endian at byte 60 (https://www.sqlite.org/fileformat.html).
    """
    try:
        with path.open("rb") as file:
            header = file.read(64)
    except FileNotFoundError:
        return 0
    if not header.startswith(b"SQLite format 3\0"):
        return 0
    return int.from_bytes(header[60:64], "big")


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database, inside the caller's transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
