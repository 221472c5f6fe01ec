"""The version of the job database: read, migrated, or refused if it is newer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mcp_jobs_server.backends.local.store.migrations import MIGRATIONS
from mcp_jobs_server.core.errors import NewerVersion

VERSION = len(MIGRATIONS)


def refuse_newer(version: int) -> None:
    """Raise ``NewerVersion`` if this program does not know the version."""
    if version > VERSION:
        raise NewerVersion(
            f"The job database has version {version}; this program knows up to {VERSION}.",
            "Upgrade mcp-jobs-server, or set MCP_JOBS_DATA_DIR to another directory.",
        )


def version_on_disk(path: Path) -> int:
    """Return the version of the file without changing anything; 0: no file, or not a database.

    The file is read by SQLite itself. On POSIX, a process that opens and closes the file by other
    means releases the locks of all its connections to it. The process that leaves last then deletes
    the log that these connections still write (https://www.sqlite.org/howtocorrupt.html, 2.2).
    ``immutable`` takes no lock and creates no file beside the database.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database, also an empty one, to this program's version.

    Runs in the transaction of the caller, so either all statements take effect or none.

    Raises:
        NewerVersion: a newer program has migrated it.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer(version)
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
