"""The index of one source: an immutable SQLite file with its texts, passages and their words."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from researcher_job.contract import Coverage
from researcher_job.sources.document import Document, trail
from researcher_job.sources.passages import divide
from researcher_job.terms import TOKENIZER

_SCHEMA = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL, title TEXT NOT NULL,
    snapshot TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX by_snapshot ON documents (snapshot);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, locator TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL,
    title TEXT NOT NULL, heading TEXT NOT NULL, body TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(
    title, heading, body, content = 'passages', content_rowid = 'id', tokenize = '{TOKENIZER}');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
"""
_CANDIDATES = """
SELECT address, documents.title, locator, snapshot, start, stop,
       passages.title, passages.heading, passages.body
FROM (SELECT rowid, bm25(words, ?, ?, 1.0) AS rank FROM words WHERE words MATCH ?
      ORDER BY rank, rowid LIMIT ?) AS best
JOIN passages ON passages.id = best.rowid
JOIN documents ON documents.id = passages.document
ORDER BY best.rank, passages.id
"""
_FACTS = "SELECT name, value FROM facts"
_WORD = re.compile(r"\w+")

TITLE_WEIGHT = 2.0
HEADING_WEIGHT = 1.0


class IndexBroken(Exception):
    """The file is no complete index of this version, or is gone; it can be built anew."""


@dataclass(frozen=True)
class Candidate:
    """A passage that matches, with the fields it is ranked by."""

    address: str
    document: str
    locator: str
    snapshot: str
    start: int
    end: int
    title: str
    heading: str
    body: str


class Index:
    """Reads a finished index. Every call opens the file by itself, so any thread may make it."""

    def __init__(self, path: Path) -> None:
        """Look at the file.

        Raises:
            IndexBroken: it is missing, not finished or shorter than its first page says.
        """
        self.path = path
        facts = {str(name): str(value) for name, value in self._rows(_FACTS)}
        if "coverage" not in facts:
            raise IndexBroken(str(path))
        self.coverage = Coverage.model_validate_json(facts["coverage"])
        self.passages = int(facts["passages"])
        self.length = int(facts["length"])

    def containing(self, stems: Sequence[str]) -> dict[str, int]:
        """Return in how many passages each of ``stems`` occurs; those found only."""
        marks = ",".join("?" * len(stems))
        rows = self._rows(f"SELECT term, doc FROM vocabulary WHERE term IN ({marks})", *stems)  # noqa: S608 - question marks only
        return {str(term): int(str(count)) for term, count in rows}

    def candidates(self, match: str, *, limit: int) -> list[Candidate]:
        """Return the best passages for an FTS5 expression by this index's own statistics."""
        rows = self._rows(_CANDIDATES, TITLE_WEIGHT, HEADING_WEIGHT, match, limit)
        return [Candidate(*row) for row in rows]  # type: ignore[arg-type] # columns in this order

    def snapshot(self, sha256: str) -> str | None:
        """Return the text of the document with this hash, ``None`` where there is none."""
        rows = self._rows("SELECT text FROM documents WHERE snapshot = ? LIMIT 1", sha256)
        return str(rows[0][0]) if rows else None

    def _rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        address = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise IndexBroken(str(self.path)) from error


class IndexWriter:
    """Builds an index beside its place; it appears there whole, or not at all.

    One transaction, one document in memory at a time. Calls may come from several threads, one
    after the other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        self._database = sqlite3.connect(self._fresh, check_same_thread=False, isolation_level=None)
        self._database.executescript(_SCHEMA)
        self._database.execute("BEGIN")
        self._documents = self._passages = self._length = 0

    def add(self, document: Document, *, name: str, address: str) -> None:
        """Add ``document``; ``name`` is its path, whose words are found like its title's."""
        self._documents += 1
        sha256 = hashlib.sha256(document.text.encode()).hexdigest()
        self._database.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
            (self._documents, address, document.title, sha256, document.text),
        )
        title = f"{document.title} {name}".strip()
        for part in divide(document):
            self._passages += 1
            body = document.text[part.start : part.end]
            found = (title, _without(document.title, part.headings), body)
            self._length += len(_WORD.findall(body))
            self._database.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self._passages, self._documents, part.locator, part.start, part.end, *found),
            )
            self._database.execute(
                "INSERT INTO words(rowid, title, heading, body) VALUES (?, ?, ?, ?)",
                (self._passages, *found),
            )

    def finish(self, coverage: Coverage) -> None:
        """Write down ``coverage`` and put the file in its place."""
        facts = {
            "coverage": coverage.model_dump_json(),
            "passages": json.dumps(self._passages),
            "length": json.dumps(self._length),
        }
        self._database.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
        self._database.execute("COMMIT")
        self._database.close()
        with self._fresh.open("rb+") as file:
            os.fsync(file.fileno())
        self._fresh.replace(self._path)

    def discard(self) -> None:
        """Close and remove what was not finished; nothing after ``finish``."""
        self._database.close()
        self._fresh.unlink(missing_ok=True)


def _without(title: str, headings: tuple[str, ...]) -> str:
    """Return the headings' words; a first heading that is the title is weighted as that."""
    return trail(headings[1:] if headings[:1] == (title,) else headings)
