"""The index of one source: an immutable SQLite file with its blocks and their words.

A document's text is its blocks, each behind the ``lead`` between it and the one before, and the
``tail`` after the last.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from research_contract.records import Coverage
from researcher_job.sources.base import ContextText
from researcher_job.sources.document import BlockKind, Context, Reason
from researcher_job.sources.embeddings.base import embedded_text
from researcher_job.sources.index.tokenizer import TOKENIZER

INDEX_VERSION = 7
"""Raised whenever the schema changes, so that indexes are built anew."""

SCHEMA = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL, title TEXT NOT NULL,
    snapshot TEXT NOT NULL, tail TEXT NOT NULL);
CREATE INDEX by_snapshot ON documents (snapshot);
CREATE TABLE files (
    address TEXT PRIMARY KEY, name TEXT NOT NULL, signature TEXT NOT NULL,
    sha256 TEXT NOT NULL, reason TEXT, document INTEGER, documents INTEGER NOT NULL,
    gaps TEXT NOT NULL, doubtful INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, kind TEXT NOT NULL, locator TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, context TEXT NOT NULL,
    title TEXT NOT NULL, heading TEXT NOT NULL, around TEXT NOT NULL, lead TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX by_document ON blocks (document);
CREATE TABLE names (
    name TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (name, block)) WITHOUT ROWID;
CREATE INDEX by_block ON names (block);
CREATE TABLE abbreviations (
    name TEXT NOT NULL, meaning TEXT NOT NULL, document INTEGER NOT NULL,
    PRIMARY KEY (name, meaning, document)) WITHOUT ROWID;
CREATE INDEX abbreviations_by_document ON abbreviations (document);
CREATE VIRTUAL TABLE words USING fts5(
    title, heading, around, body, content = 'blocks', content_rowid = 'id',
    tokenize = '{TOKENIZER}');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
"""
VIEW = """
CREATE VIEW found AS
SELECT blocks.id, address, documents.title AS document, kind, locator, snapshot, start, stop,
       context, blocks.title, heading, around, body
FROM blocks JOIN documents ON documents.id = blocks.document;
"""
_CANDIDATES = """
SELECT found.*
FROM (SELECT rowid, bm25(words, ?, ?, ?, 1.0) AS rank FROM words WHERE words MATCH ?
      ORDER BY rank, rowid LIMIT ?) AS best
JOIN found ON found.id = best.rowid
ORDER BY best.rank, found.id
"""
_AT = """
SELECT found.* FROM json_each(?) AS asked JOIN found ON found.id = asked.value
"""
_EMBEDDED = """
SELECT id, document, heading, around, body FROM found
WHERE kind NOT IN ('heading', 'head') ORDER BY id
"""
_NAMED = """
SELECT names.name, found.*
FROM json_each(?) AS asked
JOIN names ON names.name = asked.value
JOIN found ON found.id = names.block
"""
_MEANINGS = """
SELECT DISTINCT meaning FROM json_each(?) AS asked
JOIN abbreviations ON abbreviations.name = asked.value
ORDER BY meaning
"""
_BEGINNING = "SELECT term FROM vocabulary WHERE term >= ? AND term < ?"
_SNAPSHOT = """
WITH one AS (SELECT id, tail FROM documents WHERE snapshot = ? LIMIT 1)
SELECT said FROM (
    SELECT blocks.id AS place, lead || body AS said FROM one JOIN blocks ON document = one.id
    UNION ALL SELECT (SELECT max(id) + 1 FROM blocks), tail FROM one)
ORDER BY place
"""
_CONTAINING = "SELECT term, doc FROM vocabulary WHERE term IN (SELECT value FROM json_each(?))"
_FACTS = """
SELECT name, value FROM facts
UNION ALL SELECT 'words', block FROM words_data WHERE id = 1
UNION ALL SELECT 'bytes', page_count * page_size FROM pragma_page_count, pragma_page_size
"""
_UNREAD = "SELECT reason, name FROM files WHERE reason IS NOT NULL ORDER BY reason, address"
_UNREAD_AT = """
SELECT 1 FROM files WHERE reason IS NOT NULL
AND address IN (SELECT value FROM json_each(?)) LIMIT 1
"""

KEPT_SECONDS = 14 * 24 * 3600.0
"""An index that no job used for so long is removed."""

TITLE_WEIGHT = 1.0
HEADING_WEIGHT = 1.0
AROUND_WEIGHT = 1.0
DIVIDER = "\x1f"
"""Between the texts of one field; no text of a document has it."""


class IndexBroken(Exception):
    """The file at ``path`` is no complete index of this version, or is gone: build it anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True)
class Candidate:
    """A block that matches, with the fields it is ranked by."""

    id: int
    address: str
    document: str
    kind: BlockKind
    locator: str
    snapshot: str
    start: int
    end: int
    context: str
    title: str
    heading: str
    around: str
    body: str

    @property
    def spans(self) -> tuple[ContextText, ...]:
        """The context with its text."""
        contexts = [Context(*one) for one in json.loads(self.context)]
        heading, around = iter(self.heading.split(DIVIDER)), iter(self.around.split(DIVIDER))
        return tuple(
            ContextText(next(heading if one.kind == "heading" else around), *one)
            for one in contexts
        )


class Index:
    """Reads a finished index. Every call opens the file by itself, so any thread may make it."""

    def __init__(self, path: Path) -> None:
        """Look at the file.

        Raises:
            IndexBroken: it is missing, not finished or not as long as its first page says.
        """
        self.path = path
        facts = {str(name): value for name, value in self._rows(_FACTS)}
        if "coverage" not in facts or facts["bytes"] != _size(path):
            raise IndexBroken(path)
        self.coverage = Coverage.model_validate_json(str(facts["coverage"]))
        record = facts["words"]
        numbers, number = [], 0
        for byte in record if isinstance(record, bytes) else b"":
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                numbers.append(number)
                number = 0
        self.blocks, *_, self.length = numbers or [0, 0]
        self.doubtful = facts["doubtful"] != "0"

    def containing(self, stems: Sequence[str]) -> dict[str, int]:
        """Return in how many blocks each of ``stems`` occurs; those found only."""
        rows = self._rows(_CONTAINING, json.dumps(list(stems)))
        return {str(term): int(str(count)) for term, count in rows}

    def candidates(self, match: str, *, limit: int) -> list[Candidate]:
        """Return the best blocks for an FTS5 expression by this index's own statistics."""
        rows = self._rows(_CANDIDATES, TITLE_WEIGHT, HEADING_WEIGHT, AROUND_WEIGHT, match, limit)
        return [Candidate(*row) for row in rows]  # type: ignore[arg-type] # columns in this order

    def at(self, ids: Sequence[int]) -> list[Candidate]:
        """Return the blocks with these ids."""
        rows = self._rows(_AT, json.dumps(list(ids)))
        return [Candidate(*row) for row in rows]  # type: ignore[arg-type] # columns in this order

    def embedded_texts(self) -> Iterator[tuple[int, str]]:
        """Yield id and text to embed of each block that may be quoted, in the order of ids."""
        with self._opened() as connection:
            for number, title, heading, around, body in connection.execute(_EMBEDDED):
                headings = heading.replace(DIVIDER, " > ")
                yield number, embedded_text(title, headings, around.replace(DIVIDER, " "), body)

    def named(self, names: Sequence[str]) -> list[tuple[str, Candidate]]:
        """Return the blocks that begin what is titled by one of ``names`` (stems, spaced)."""
        rows = self._rows(_NAMED, json.dumps(list(names)))
        return [(str(name), Candidate(*row)) for name, *row in rows]  # type: ignore[arg-type] # columns in this order

    def meanings(self, names: Sequence[str]) -> list[str]:
        """Return what the documents define ``names`` to be: words for an abbreviation, or it."""
        return [str(meaning) for (meaning,) in self._rows(_MEANINGS, json.dumps(list(names)))]

    def beginning_with(self, prefix: str) -> list[str]:
        """Return the words of the index that begin with ``prefix``."""
        return [str(term) for (term,) in self._rows(_BEGINNING, prefix, f"{prefix}\U0010ffff")]

    def snapshot(self, sha256: str) -> str | None:
        """Return the text of the document with this hash, ``None`` where there is none."""
        rows = self._rows(_SNAPSHOT, sha256)
        return "".join(str(said) for (said,) in rows) if rows else None

    def unread(self) -> Iterator[tuple[Reason, str]]:
        """Yield reason and name of each file that was not read."""
        yield from ((Reason[str(reason)], str(name)) for reason, name in self._rows(_UNREAD))

    def holds_unread(self, address: str) -> bool:
        """Return whether the file at ``address``, or a folder above it, was not read."""
        parts = address.split("/")
        places = ["", *("/".join(parts[: n + 1]) for n in range(len(parts)))]
        return bool(self._rows(_UNREAD_AT, json.dumps(places)))

    def _rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self._opened() as connection:
            return connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(as_read_only(self.path), uri=True)) as connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise IndexBroken(self.path) from error


def as_read_only(path: Path) -> str:
    """Return the address by which SQLite opens a finished index, which nobody changes any more."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is gone
        return -1


def remove_unused(cache_dir: Path, *, kept_seconds: float = KEPT_SECONDS) -> None:
    """Remove indexes, and unfinished ones, that no job used for ``kept_seconds``.

    Each job sets the time of what it uses. One that uses an index for longer finds it gone, and
    its next attempt builds it anew.
    """
    for path in (*cache_dir.glob("*.sqlite"), *cache_dir.glob("*.draft*")):
        with contextlib.suppress(OSError):  # another job removes it as well, or it may not be
            if time.time() - path.stat().st_mtime > kept_seconds:
                path.unlink()
