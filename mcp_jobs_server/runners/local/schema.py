"""The version of the job database: found, brought up to date, refused where it is newer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mcp_jobs_server.errors import NewerVersion
from mcp_jobs_server.runners.local.migrations import MIGRATIONS

VERSION = len(MIGRATIONS)


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


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to this program's version, an empty one too, inside the caller's
    transaction: all of it or nothing.

    Raises:
        NewerVersion: a newer program was here first.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer(version)
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
