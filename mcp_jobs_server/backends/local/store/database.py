"""The SQLite file of a data directory: connections, transactions and translated errors."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store import schema
from mcp_jobs_server.core.errors import Unavailable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Return microseconds since 1970, as the database stores times."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


class Database:
    """Reads and writes of one process, from any thread.

    The first read or write opens the file, and creates it with the data directory if missing.
    Readers have a connection of their own, so they never wait for a writer.

    Every method raises ``Unavailable``, or ``NewerVersion`` if a newer program changed the tables.
    """

    def __init__(self, paths: DataPaths, *, busy_seconds: float = 5.0) -> None:
        self._paths = paths
        self._busy_seconds = busy_seconds
        self._opening = threading.Lock()
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        return self._paths.database.exists()

    @property
    def open(self) -> bool:
        """Whether a read needs no opening or creating of the file first."""
        return self._reader is not None and self._writer is not None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Read one consistent state inside the block."""
        with translate_errors(), self._reading:
            reader, _ = self._connections()
            with _transaction(reader, "BEGIN"):
                yield reader

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Change the database inside the block, as the only writer.

        All changes are committed at the end, or none if the block raises.
        """
        with translate_errors(), self._writing:
            _, writer = self._connections()
            with _transaction(writer, "BEGIN IMMEDIATE"):
                yield writer

    def check_writable(self) -> None:
        """Commit a write that changes nothing; it raises if the disk is full or read-only."""
        with self.write() as db:
            db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def data_version(self) -> int:
        """Return a number that changes when another connection has changed the database."""
        with translate_errors(), self._reading:
            reader, _ = self._connections()
            return int(reader.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the connections; a later read or write opens the file again."""
        with self._opening, self._reading, self._writing:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def _connections(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        with self._opening:
            if self._reader is None or self._writer is None:
                self._create_or_migrate()
                self._writer = self._connect()
                self._reader = self._connect()
            return self._reader, self._writer

    def _create_or_migrate(self) -> None:
        path = self._paths.database
        version = schema.version_on_disk(path)
        schema.refuse_newer(version)
        if version == schema.VERSION:
            return
        self._paths.make()
        # Switching to WAL does not wait for other processes, so only one may create the file.
        with locks.try_lock(self._paths.locks / "schema.lock", wait_seconds=10):
            if not path.exists():  # only SQLite may open an existing file; see schema.py
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
            self._paths.database,
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


_BUSY = ("The job database is busy.", "Try again in a few seconds.")
_READ_ONLY = (
    "The job database cannot be written.",
    "Check the permissions of the data directory and that its disk is not read-only, then try"
    " again.",
)
_DAMAGED = (
    "The job database is damaged.",
    "Run `mcp-jobs-server stop`, move jobs.sqlite3 in the data directory aside, and try again."
    " The reports in the job folders are kept.",
)
_ERRORS = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: (
        "The disk that holds the job database is full.",
        "Free some space and try again.",
    ),
}
_CHECK_DIRECTORY = (
    "Check that the data directory exists, is writable and has free space, then try again."
)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn errors of SQLite and the operating system into ``Unavailable``."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        message = f"The job database cannot be used ({error})."
        raise Unavailable(*_ERRORS.get(code, (message, _CHECK_DIRECTORY))) from error
    except OSError as error:
        message = f"The data directory cannot be used ({error.strerror})."
        raise Unavailable(message, _CHECK_DIRECTORY) from error
