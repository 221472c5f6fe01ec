"""Builds the index of one source beside its place, a file at a time, from what is known already."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from researcher_job.contract import Coverage
from researcher_job.sources.document import EXTRACTOR_VERSION, Reason
from researcher_job.sources.index import INDEX_VERSION, SCHEMA
from researcher_job.sources.names import names
from researcher_job.sources.passages import Divided
from researcher_job.words import segmented

_VERSION = f"{EXTRACTOR_VERSION}.{INDEX_VERSION}"
_COMMIT_SECONDS = 1.0
_NAMED_TOGETHER = 200
_WASTED_SHARE = 4
"""An index is packed where more than one page in so many is free."""

_FILE = "SELECT signature, sha256, reason, doubtful FROM files WHERE address = ?"


@dataclass(frozen=True)
class Seen:
    """A file as it was when its bytes were taken.

    ``signature`` changes when the file does, ``sha256`` is that of its bytes ("" for one that
    was not opened). ``doubtful``: it changed so lately that another change might not show.
    """

    address: str
    name: str
    signature: str
    sha256: str = ""
    doubtful: bool = False


@dataclass(frozen=True)
class Known:
    """What the index holds of a file: its signature, hash, and why it was not read, if so."""

    signature: str
    sha256: str
    reason: Reason | None
    doubtful: bool


class IndexWriter:
    """Brings an index up to date; it appears in its place whole, or not at all.

    What was done is committed every second and stays when the work is interrupted: the next
    writer of the same source goes on from there. One document is in memory at a time. Calls may
    come from several threads, one after the other.
    """

    def __init__(self, draft: Path, earlier: Sequence[Path] = ()) -> None:
        """Open ``draft``, or begin it as a copy of the first sound one of ``earlier``.

        Raises:
            OSError, sqlite3.Error: the disk is full or cannot be written.
        """
        self._draft = draft
        if not _is_sound(draft):
            _remove(draft)
            _copy_first(earlier, draft)
        self._database = sqlite3.connect(draft, check_same_thread=False, isolation_level=None)
        self._database.create_function("segmented", 1, segmented, deterministic=True)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA wal_autocheckpoint = 10000")
        self._database.execute("PRAGMA synchronous = NORMAL")  # whole after a power cut, too
        if not self._database.execute("SELECT 1 FROM sqlite_schema").fetchone():
            self._database.executescript(f"BEGIN; {SCHEMA}; COMMIT;")
            self._note("version", _VERSION)
        self._database.execute("BEGIN")
        self._committed = time.monotonic()
        self._unnamed: list[tuple[int, Divided]] = []

    def known(self, address: str) -> Known | None:
        """Return what the index holds of the file at ``address``, ``None`` where nothing."""
        row = self._database.execute(_FILE, (address,)).fetchone()
        if row is None:
            return None
        signature, sha256, reason, doubtful = row
        return Known(signature, sha256, Reason[reason] if reason else None, bool(doubtful))

    def keep(self, seen: Seen) -> None:
        """Note that the file is as it was; its document stays."""
        self._database.execute(
            "UPDATE files SET signature = ?, doubtful = ? WHERE address = ?",
            (seen.signature, seen.doubtful, seen.address),
        )

    def put(self, seen: Seen, document: Divided | Reason) -> None:
        """Put in what was made of a file, instead of what was there of it."""
        self.drop(seen.address)
        reason = document.name if isinstance(document, Reason) else None
        number = None if isinstance(document, Reason) else self._add(seen, document)
        self._database.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(seen.address, seen.name, seen.signature, seen.sha256),
                *(reason, number, seen.doubtful),
            ),
        )
        if time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def drop(self, address: str) -> None:
        """Remove a file and its document, where they are there."""
        row = self._database.execute(
            "DELETE FROM files WHERE address = ? RETURNING document", (address,)
        ).fetchone()
        if row is None or row[0] is None:
            return
        # The words of an external-content table are removed by giving its text once more.
        self._database.execute(
            "INSERT INTO words(words, rowid, title, heading, body)"
            " SELECT 'delete', id, segmented(title), segmented(heading), segmented(body)"
            " FROM passages WHERE document = ?",
            row,
        )
        self._database.execute(
            "DELETE FROM names WHERE passage IN (SELECT id FROM passages WHERE document = ?)", row
        )
        self._database.execute("DELETE FROM passages WHERE document = ?", row)
        self._database.execute("DELETE FROM documents WHERE id = ?", row)

    def addresses(self) -> list[str]:
        """Return the addresses of all files that the index holds."""
        return [row[0] for row in self._database.execute("SELECT address FROM files")]

    def _add(self, seen: Seen, document: Divided) -> int:
        sha256 = hashlib.sha256(document.text.encode()).hexdigest()
        title = f"{document.title} {seen.name}".strip()
        length = sum(part.length for part in document.parts)
        number = self._database.execute(
            "INSERT INTO documents(address, title, snapshot, text, length) VALUES (?, ?, ?, ?, ?)",
            (seen.address, document.title, sha256, document.text, length),
        ).lastrowid
        assert number is not None  # noqa: S101 - an insert always has one
        first = self._one("SELECT coalesce(max(id), 0) + 1 FROM passages")
        found = [
            (first + place, title, part.heading, document.text[part.start : part.end])
            for place, part in enumerate(document.parts)
        ]
        self._database.executemany(
            "INSERT INTO passages(id, document, locator, start, stop, title, heading, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (passage, number, part.locator, part.start, part.end, *words)
                for (passage, *words), part in zip(found, document.parts, strict=True)
            ),
        )
        self._database.executemany(
            "INSERT INTO words(rowid, title, heading, body) VALUES (?, ?, ?, ?)",
            ((passage, *map(segmented, words)) for passage, *words in found),
        )
        self._unnamed.append((first, replace(document, text="")))
        if len(self._unnamed) >= _NAMED_TOGETHER:
            self._add_names()
        return number

    def _add_names(self) -> None:
        found = names([document for _, document in self._unnamed])
        for (first, _), of_one in zip(self._unnamed, found, strict=True):
            self._database.executemany(
                "INSERT OR IGNORE INTO names VALUES (?, ?)",
                ((name, first + place) for name, place in of_one),
            )
        self._unnamed.clear()

    def finish(self, path: Path, coverage: Coverage) -> None:
        """Write down ``coverage`` and put the index in its place."""
        self._add_names()
        self._note("coverage", coverage.model_dump_json())
        self._note("passages", self._one("SELECT count(*) FROM passages"))
        self._note("length", self._one("SELECT coalesce(sum(length), 0) FROM documents"))
        self._note("doubtful", self._one("SELECT count(*) FROM files WHERE doubtful"))
        self._database.execute("COMMIT")
        if self._one("PRAGMA freelist_count") * _WASTED_SHARE > self._one("PRAGMA page_count"):
            self._database.execute("VACUUM")
        self._database.execute("PRAGMA journal_mode = DELETE")  # one file, fit to be moved
        self._database.close()
        with self._draft.open("rb+") as file:
            os.fsync(file.fileno())
        self._draft.replace(path)

    def close(self) -> None:
        """Keep what was done so far for the next writer; nothing after ``finish``."""
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed already
            if self._database.in_transaction:
                self._add_names()
                self._database.execute("COMMIT")
            self._database.close()

    def commit(self) -> None:
        """Let what was done so far stand, whatever happens."""
        self._add_names()
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")
        self._committed = time.monotonic()

    def _one(self, statement: str) -> int:
        return int(self._database.execute(statement).fetchone()[0])

    def _note(self, name: str, value: object) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, str(value)))


def _is_sound(path: Path) -> bool:
    """Whether ``path`` is an index of this version, finished or not."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as database:
            version = database.execute("SELECT value FROM facts WHERE name = 'version'").fetchone()
            whole = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(version == (_VERSION,) and whole == ("ok",))


def _copy_first(earlier: Sequence[Path], draft: Path) -> None:
    for path in earlier:
        with contextlib.suppress(OSError):  # it may be pruned at this moment
            shutil.copyfile(path, draft)
            if _is_sound(draft):
                return
        _remove(draft)


def _remove(draft: Path) -> None:
    for path in (draft, draft.with_name(f"{draft.name}-wal"), draft.with_name(f"{draft.name}-shm")):
        path.unlink(missing_ok=True)
