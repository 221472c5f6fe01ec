"""Builds the index of one source beside its place, a file at a time, from what is known already."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from research_contract.records import Coverage
from researcher_job.sources.document import Document, Reason
from researcher_job.sources.index.abbreviations import abbreviations
from researcher_job.sources.index.draft import VERSION, begin
from researcher_job.sources.index.index import DIVIDER, SCHEMA, VIEW
from researcher_job.sources.index.titles import names, titles
from researcher_job.sources.index.tokenizer import segmented, stems

_COMMIT_SECONDS = 1.0
_HELD_CHARACTERS = 1_000_000
_WASTED_SHARE = 4
"""An index is packed where more than one page in so many is free."""

_PRAGMAS = """
PRAGMA page_size = 16384;
PRAGMA cache_size = -16384;
PRAGMA journal_mode = DELETE;
PRAGMA synchronous = NORMAL;
"""
"""New pages need no journal, so each is written once; whole after a kill and a power cut."""

_LARGE_LEAVES = """
INSERT INTO words(words, rank) VALUES ('hashsize', 4194304);
INSERT INTO words(words, rank) VALUES ('pgsz', 16000);
"""
_FILE = "SELECT signature, sha256, reason, doubtful, gaps FROM files WHERE address = ?"


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
    """What the index holds of a file: its signature, hash, and what of it was not read, and why."""

    signature: str
    sha256: str
    reason: Reason | None
    doubtful: bool
    gaps: tuple[str, ...] = ()


@dataclass
class _Held:
    """Rows that wait to be inserted together."""

    files: list[tuple[object, ...]] = field(default_factory=list)
    documents: list[tuple[object, ...]] = field(default_factory=list)
    blocks: list[tuple[object, ...]] = field(default_factory=list)
    words: list[tuple[object, ...]] = field(default_factory=list)
    titles: list[tuple[str, int]] = field(default_factory=list)
    abbreviations: list[tuple[str, str, int]] = field(default_factory=list)
    characters: int = 0


class IndexWriter:
    """Brings an index up to date; it appears in its place whole, or not at all.

    What was done is committed every second and stays when the work is interrupted: the next
    writer of the same source goes on from there. Little more than one document is in memory at
    a time. Calls may come from several threads, one after the other.
    """

    def __init__(self, draft: Path, earlier: Sequence[Path] = ()) -> None:
        """Open ``draft``, or begin it as a copy of the first sound one of ``earlier``.

        Raises:
            OSError, sqlite3.Error: the disk is full or cannot be written.
        """
        self._draft = draft
        begin(draft, earlier)
        self._database = sqlite3.connect(draft, check_same_thread=False, isolation_level=None)
        self._database.create_function("segmented", 1, segmented, deterministic=True)
        self._database.executescript(_PRAGMAS)
        self._database.execute("BEGIN")
        if not self._database.execute("SELECT 1 FROM sqlite_schema").fetchone():
            for statement in (*SCHEMA.split(";"), VIEW, *_LARGE_LEAVES.split(";")):
                self._database.execute(statement)
            self._note("version", VERSION)
        self._committed = time.monotonic()
        self._held = _Held()
        self._is_new = not self._one("SELECT EXISTS (SELECT 1 FROM files)")
        self._document = self._one("SELECT coalesce(max(id), 0) FROM documents")
        self._block = self._one("SELECT coalesce(max(id), 0) FROM blocks")

    def known(self, address: str) -> Known | None:
        """Return what the index held of the file at ``address``, ``None`` where nothing."""
        if self._is_new:
            return None
        row = self._database.execute(_FILE, (address,)).fetchone()
        if row is None:
            return None
        signature, sha256, reason, doubtful, gaps = row
        why = Reason[reason] if reason else None
        return Known(signature, sha256, why, bool(doubtful), tuple(json.loads(gaps)))

    def keep(self, seen: Seen) -> None:
        """Note that the file is as it was; its document stays."""
        self._database.execute(
            "UPDATE files SET signature = ?, doubtful = ? WHERE address = ?",
            (seen.signature, seen.doubtful, seen.address),
        )

    def put(self, seen: Seen, document: Document | Reason) -> None:
        """Put in what was made of a file of which the index holds nothing."""
        reason = document.name if isinstance(document, Reason) else None
        gaps: tuple[str, ...] = ()
        first = self._document + 1
        if isinstance(document, Document):
            gaps = document.gaps
            if document.blocks:
                self._add(seen.address, seen.name, document)
            for name, inner in document.inside:
                self._add(f"{seen.address}#{quote(name)}", f"{seen.name}/{name}", inner)
        self._held.files.append(
            (
                *(seen.address, seen.name, seen.signature, seen.sha256, reason),
                *(first, self._document + 1 - first, json.dumps(gaps), seen.doubtful),
            )
        )
        if self._held.characters > _HELD_CHARACTERS:
            self._flush()
        if time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def drop(self, address: str) -> None:
        """Remove a file and its documents, where they are there."""
        self._flush()
        row = self._database.execute(
            "DELETE FROM files WHERE address = ? RETURNING document, document + documents - 1",
            (address,),
        ).fetchone()
        if row is None:
            return
        # The words of an external-content table are removed by giving its text once more.
        self._database.execute(
            "INSERT INTO words(words, rowid, title, heading, around, body)"
            " SELECT 'delete', id, segmented(title), segmented(heading), segmented(around),"
            " segmented(body) FROM blocks WHERE document BETWEEN ? AND ?",
            row,
        )
        self._database.execute(
            "DELETE FROM names WHERE block IN"
            " (SELECT id FROM blocks WHERE document BETWEEN ? AND ?)",
            row,
        )
        self._database.execute("DELETE FROM abbreviations WHERE document BETWEEN ? AND ?", row)
        self._database.execute("DELETE FROM blocks WHERE document BETWEEN ? AND ?", row)
        self._database.execute("DELETE FROM documents WHERE id BETWEEN ? AND ?", row)

    def addresses(self) -> list[str]:
        """Return the addresses of all files that the index holds."""
        self._flush()
        return [row[0] for row in self._database.execute("SELECT address FROM files")]

    def _add(self, address: str, name: str, document: Document) -> None:
        """Hold the rows of a document. Its text stands in its blocks and what is between them."""
        self._document += 1
        held, text, done = self._held, document.text, 0
        title = f"{document.title} {name}".strip()
        title_words = segmented(title)
        held.titles += titles(document, self._block + 1)
        held.abbreviations += ((*pair, self._document) for pair in abbreviations(text))
        for block in document.blocks:
            self._block += 1
            body = text[block.start : block.end]
            texts: tuple[list[str], list[str]] = ([], [])
            for kind, start, end, _ in block.context:
                texts[kind != "heading"].append(document.text[start:end])
            heading, around = DIVIDER.join(texts[0]), DIVIDER.join(texts[1])
            held.blocks.append(
                (
                    *(self._block, self._document, block.kind, block.locator),
                    *(block.start, block.end, json.dumps(block.context)),
                    *(title, heading, around, text[done : block.start], body),
                )
            )
            words = (segmented(heading), segmented(around), segmented(body))
            held.words.append((self._block, title_words, *words))
            done = block.end
        held.documents.append(
            (self._document, address, document.title, document.snapshot, text[done:])
        )
        held.characters += len(text)

    def _flush(self) -> None:
        """Insert what was held, all or nothing of what is not committed yet."""
        held, self._held = self._held, _Held()
        if not held.files:
            return
        try:
            insert = self._database.executemany
            insert("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", held.documents)
            insert("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", held.blocks)
            insert(
                "INSERT INTO words(rowid, title, heading, around, body) VALUES (?, ?, ?, ?, ?)",
                held.words,
            )
            insert("INSERT OR IGNORE INTO names VALUES (?, ?)", names(held.titles))
            insert(
                "INSERT OR IGNORE INTO abbreviations VALUES (?, ?, ?)",
                _both_ways(held.abbreviations),
            )
            insert("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", held.files)
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def finish(self, path: Path, coverage: Coverage) -> None:
        """Write down ``coverage`` and put the index in its place."""
        self._flush()
        self._note("coverage", coverage.model_dump_json())
        self._note("doubtful", self._one("SELECT count(*) FROM files WHERE doubtful"))
        self._database.execute("COMMIT")
        if self._one("PRAGMA freelist_count") * _WASTED_SHARE > self._one("PRAGMA page_count"):
            self._database.execute("VACUUM")
        self._database.close()  # the commit has brought it to the disk
        self._draft.replace(path)

    def close(self) -> None:
        """Keep what was done so far for the next writer; nothing after ``finish``."""
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed already
            if self._database.in_transaction:
                self._flush()
                self._database.execute("COMMIT")
            self._database.close()

    def commit(self) -> None:
        """Let what was done so far stand, whatever happens."""
        self._flush()
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")
        self._committed = time.monotonic()

    def _one(self, statement: str) -> int:
        return int(self._database.execute(statement).fetchone()[0])

    def _note(self, name: str, value: object) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, str(value)))


def _both_ways(found: Sequence[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    """Yield each abbreviation in lower case with its meaning, and the meaning's stems with it."""
    known = stems([meaning for _, meaning, _ in found])
    for (short, meaning, document), words in zip(found, known, strict=True):
        yield short.lower(), meaning, document
        yield " ".join(words), short, document
