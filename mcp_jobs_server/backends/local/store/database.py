"""The SQLite file of a data directory: connections, transactions, and errors in our words."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.store import schema
from mcp_jobs_server.core.errors import JobsError, NewerVersion, Unavailable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


class Database:
    """Reads and writes of one process, from any thread.

    It is opened (and made, with the data directory) by the first read or write. Readers have a
    connection of their own, so they never wait for a writer. ``read`` and ``write`` raise
    ``Unavailable`` and, where a newer program has changed the tables, ``NewerVersion``.
    """

    def __init__(self, layout: Layout, *, busy_seconds: float = 5.0) -> None:
        self._layout = layout
        self._busy_seconds = busy_seconds
        self._opening = threading.Lock()
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        return self._layout.database.exists()

    @property
    def open(self) -> bool:
        """Whether a read can be made at once, without opening or making the file first."""
        return self._reader is not None and self._writer is not None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Look at one consistent state."""
        with translated(), self._reading:
            reader, _ = self._connections()
            with _transaction(reader, "BEGIN"):
                yield reader

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Change the database, alone; all of it is committed at the end, or nothing."""
        with translated(), self._writing:
            _, writer = self._connections()
            with _transaction(writer, "BEGIN IMMEDIATE"):
                yield writer

    def prove_writable(self) -> None:
        """Commit something that changes nothing, which finds out a full or read-only disk."""
        with self.write() as db:
            db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def data_version(self) -> int:
        """Return a number that changes when another connection has changed the database."""
        with translated(), self._reading:
            reader, _ = self._connections()
            return int(reader.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close what is open; a later read or write opens it again."""
        with self._opening, self._reading, self._writing:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def _connections(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        with self._opening:
            if self._reader is None or self._writer is None:
                self._prepare()
                self._writer = self._connect()
                self._reader = self._connect()
            return self._reader, self._writer

    def _prepare(self) -> None:
        path = self._layout.database
        schema.refuse_newer(schema.version_on_disk(path))
        if schema.version_on_disk(path) == schema.VERSION:
            return
        self._layout.make()
        # Switching to WAL does not wait for others, so whoever makes the file does it alone.
        with locks.taken(self._layout.locks / "schema.lock", wait_seconds=10):
            if not path.exists():  # one that is there is opened by SQLite alone; see schema.py
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            connection = self._connect()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                schema.migrate(connection)
                connection.execute("COMMIT")
            finally:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._layout.database,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        schema.refuse_newer(connection.execute("PRAGMA user_version").fetchone()[0])
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of SQLite and the operating system into ours."""
    try:
        yield
    except (JobsError, NewerVersion):
        raise
    except sqlite3.Error as error:
        raise _explained(error) from error
    except OSError as error:
        raise Unavailable(
            f"The data directory cannot be used ({error.strerror}).",
            "Check that it exists, may be written and has room, then try again.",
        ) from error


_READ_ONLY = (
    "The job database may not be written.",
    "Check the permissions of the data directory, and that its disk is not read-only, then try"
    " again.",
)
_WORDS = {
    sqlite3.SQLITE_BUSY: ("The job database is busy.", "Try again in a few seconds."),
    sqlite3.SQLITE_LOCKED: ("The job database is busy.", "Try again in a few seconds."),
    sqlite3.SQLITE_FULL: (
        "The disk that holds the job database is full.",
        "Free some space and try again.",
    ),
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
}
_DAMAGED = (
    "The job database is damaged.",
    "Run `mcp-jobs-server stop`, move jobs.sqlite3 in the data directory aside, and try again;"
    " the reports in the job folders stay.",
)


def _explained(error: sqlite3.Error) -> Unavailable:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Unavailable(*_DAMAGED)
    if code in _WORDS:
        return Unavailable(*_WORDS[code])
    return Unavailable(
        f"The job database cannot be used ({error}).",
        "Check that the data directory exists, may be written and has room, then try again.",
    )
