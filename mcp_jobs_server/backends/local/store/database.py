"""The SQLite file of a data directory: connections, transactions and translated errors."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths, FileId, file_id
from mcp_jobs_server.backends.local.store import schema
from mcp_jobs_server.core.errors import Unavailable

log = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Return microseconds since 1970, as the database stores times."""
    return (at - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: object) -> datetime | None:
    """Return the time; ``None`` for NULL and for what is no time, as in a damaged row."""
    try:
        return EPOCH + timedelta(microseconds=micros) if isinstance(micros, int) else None
    except OverflowError:
        return None


class Database:
    """Reads and writes of one process, from any thread.

    The first read or write opens the file, and creates it with the data directory if missing.
    Readers have a connection of their own, so they never wait for a writer.

    The file may be moved, deleted or replaced meanwhile. Nothing is read or written in a file that
    is not at its path any more: another file there is opened instead. A directory that is gone is
    not made anew, so that it can be moved back.

    Every method raises ``Unavailable``, or ``NewerVersion`` if a newer program changed the tables.
    """

    def __init__(self, paths: DataPaths, *, busy_seconds: float = 5.0) -> None:
        self._paths = paths
        self._busy_seconds = busy_seconds
        self._opening = threading.Lock()
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._opened: dict[str, tuple[sqlite3.Connection, FileId]] = {}
        self._was_there = paths.root.is_dir()

    @property
    def exists(self) -> bool:
        """Whether there is a file to open; raises ``Unavailable`` if the directory is gone."""
        self.require_directory()
        return self._paths.database.exists()

    @property
    def open(self) -> bool:
        """Whether a read needs no opening or creating of the file first."""
        file = self.file
        return file is not None and all(
            kind in self._opened and self._opened[kind][1] == file for kind in ("read", "write")
        )

    @property
    def file(self) -> FileId | None:
        """Identity of the file at the path of the database; ``None``: there is none."""
        return file_id(self._paths.database)

    def require_directory(self) -> None:
        """Raise ``Unavailable`` if the data directory was there before and is gone."""
        if self._was_there and not self._paths.root.is_dir():
            raise Unavailable(*_MOVED)

    def make_directories(self) -> None:
        """Create the directories; the data directory itself only where it never was.

        Raises:
            Unavailable, OSError: it was there before and is gone.
        """
        self.require_directory()
        if self._was_there:
            self._paths.make_inside()
        else:
            self._paths.make()
            self._was_there = True

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Read one consistent state inside the block."""
        with translate_errors(), self._reading:
            reader = self._connection("read")
            with self._in_place("read"), _transaction(reader, "BEGIN"):
                yield reader

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Change the database inside the block, as the only writer.

        All changes are committed at the end, or none if the block raises. If the file was moved
        meanwhile, this raises, and whether they were committed is unknown.
        """
        with translate_errors(), self._writing:
            writer = self._connection("write")
            with self._in_place("write"), _transaction(writer, "BEGIN IMMEDIATE"):
                yield writer

    def check_writable(self) -> None:
        """Commit a write that changes nothing; it raises if the disk is full or read-only."""
        with self.write() as db:
            db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def data_version(self) -> tuple[FileId, int]:
        """Return what changes when another connection has changed the database, or another file
        took its place."""
        with translate_errors(), self._reading:
            reader = self._connection("read")
            with self._in_place("read"):
                version = int(reader.execute("PRAGMA data_version").fetchone()[0])
            return self._opened["read"][1], version

    def close(self) -> None:
        """Close the connections; a later read or write opens the file again."""
        with self._reading, self._writing:
            for connection, _ in self._opened.values():
                connection.close()
            self._opened.clear()

    def _connection(self, kind: str) -> sqlite3.Connection:
        """Return a connection to the file that is at the path now, opened if it is another one.

        The caller holds the lock of this kind. The connection to a file that was moved is closed;
        SQLite then leaves the log of the file that took its place alone
        (``databaseIsUnmoved`` in https://sqlite.org/src/file/src/pager.c).
        """
        self.require_directory()
        opened = self._opened.get(kind)
        if opened is not None and opened[1] == self.file:
            return opened[0]
        if opened is not None:
            del self._opened[kind]
            opened[0].close()
            log.warning("The job database was replaced; the new one is used from now on.")
        with self._opening:
            self._create_or_migrate()
            file = self.file
            connection = self._connect()
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # opens the log as well
            if file is None or file != self.file:
                connection.close()
                raise Unavailable(*_MOVED)
            self._opened[kind] = (connection, file)
        return connection

    @contextmanager
    def _in_place(self, kind: str) -> Iterator[None]:
        """Raise ``Unavailable`` if the file of the connection is not at its path after the block.

        What was read is then not what the directory has, and what was written may be lost.
        """
        moved = False
        try:
            yield
        except sqlite3.Error:
            moved = self._opened[kind][1] != self.file
            if not moved:
                raise
        if moved or self._opened[kind][1] != self.file:
            raise Unavailable(*_MOVED)

    def _create_or_migrate(self) -> None:
        path = self._paths.database
        version = schema.version_on_disk(path)
        schema.refuse_newer(version)
        if version == schema.VERSION:
            return
        self.make_directories()
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
            f"{self._paths.database.absolute().as_uri()}?mode=rw",  # never creates another file
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        # Text that is no UTF-8 must not fail the reading of all other rows.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
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


_MOVED = (
    "The data directory was removed or moved while it was in use.",
    "Move it back, or create it anew as an empty directory, and try again.",
)
_BUSY = ("The job database is busy.", "Try again in a few seconds.")
_READ_ONLY = (
    "The job database cannot be written.",
    "Check the permissions of the data directory and that its disk is not read-only, then try"
    " again.",
)
_DAMAGED = (
    "The job database is damaged.",
    "Run `mcp-jobs-server stop`, move jobs.sqlite3 in the data directory aside, and try again."
    " The job folders are kept; `mcp-jobs-server jobs rebuild` lists their jobs again.",
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
