"""The tables of the local backend. Migrations only add."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mcp_jobs_server.errors import NewerVersion

VERSION = 1

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
    "CREATE INDEX jobs_by_owner ON jobs (owner, state, ended_at)",
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
