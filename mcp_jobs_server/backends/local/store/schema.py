"""The version of the job database: found, brought up to date, refused where it is newer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mcp_jobs_server.backends.local.store.migrations import MIGRATIONS
from mcp_jobs_server.core.errors import NewerVersion

VERSION = len(MIGRATIONS)


def refuse_newer(version: int) -> None:
    """Raise ``NewerVersion`` where ``version`` is not one that this program knows."""
    if version > VERSION:
        raise NewerVersion(
            f"The job database has version {version}; this program knows up to {VERSION}.",
            "Upgrade mcp-jobs-server, or give it another directory in MCP_JOBS_DATA_DIR.",
        )


def version_on_disk(path: Path) -> int:
    """Return the version from the file's header and change nothing; 0: none yet, or not to be read.

    SQLite itself reads it: on POSIX a process that opens and closes the file by other means
    gives up the locks of all its connections to it, and whoever then leaves last deletes the
    log that these still write (https://www.sqlite.org/howtocorrupt.html, 2.2). ``immutable``
    takes no lock and makes no file beside it.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


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
