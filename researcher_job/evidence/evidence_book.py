"""Quotes become evidence here, and only here: each is checked against its kept snapshot."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import Evidence
from research_contract.text.safe import one_line
from researcher_job.core.errors import InvalidQuote
from researcher_job.records.segments import SegmentWriter
from researcher_job.records.storage import LOCAL, Storage
from researcher_job.sources.base import Quote

MAX_PARAGRAPH = 1_200
"""Most characters of the paragraph kept around a quote."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def check_quote(quote: Quote, text: str) -> None:
    """Check that ``text`` is the snapshot that the quote names and that the quote stands in it.

    Raises:
        InvalidQuote: it is not so; the message says what differs.
    """
    if text_sha256(text) != quote.passage.snapshot:
        raise InvalidQuote("the snapshot is not the text that its hash names")
    if not quote.text.strip():
        raise InvalidQuote("the quote is empty")
    if not 0 <= quote.start < quote.end <= len(text):
        raise InvalidQuote("the quote lies outside of its snapshot")
    if text[quote.start : quote.end] != quote.text:
        raise InvalidQuote("the snapshot has other words at this place")


def read_snapshot(root: Path, sha256: str) -> str:
    """Return the snapshot with this hash that the job folder ``root`` keeps.

    Raises:
        InvalidQuote: it is missing, a link, no valid text, or not what its hash names.
    """
    if not _SHA256.fullmatch(sha256):
        raise InvalidQuote("names no snapshot")
    name = records.snapshot_name(sha256)
    path = root / name
    data = None if path.is_symlink() else read_whole(path)
    if data is None:
        raise InvalidQuote(f"its snapshot {name} is missing")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidQuote(f"its snapshot {name} is not valid text") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InvalidQuote(f"its snapshot {name} was changed")
    return text


def text_sha256(text: str) -> str:
    """Return the SHA-256 (hex) of ``text`` in UTF-8.

    Raises:
        InvalidQuote: the text cannot be written as UTF-8.
    """
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidQuote("the snapshot is not valid Unicode") from error


def paragraph_of(text: str, start: int, end: int, *, most: int = MAX_PARAGRAPH) -> str:
    """Return the paragraph around ``text[start:end]``, at most ``most`` characters of it.

    A longer paragraph is cut evenly on both sides; a longer quote is its own paragraph, cut.
    """
    breaks = [found.end() for found in _BLANK_LINE.finditer(text, max(0, start - most), start)]
    after = _BLANK_LINE.search(text, end, min(len(text), end + most))
    first = breaks[-1] if breaks else max(0, start - most)
    last = after.start() if after else min(len(text), end + most)
    spare = max(0, most - (end - start))
    first = max(first, start - max(spare // 2, spare - (last - end)))
    return text[first : min(last, first + most)].strip()


class EvidenceBook:
    """The one writer of a job's evidence and snapshots. Numbers go on over attempts.

    ``known`` is the evidence found by earlier attempts: a quote found again for the same
    question keeps its number.
    """

    def __init__(
        self,
        root: Path,
        known: tuple[Evidence, ...],
        *,
        limit: int,
        storage: Storage = LOCAL,
    ) -> None:
        self._root = root
        self._storage = storage
        # Not written again: what was cited once must not be lost, whatever happens.
        self._parts = SegmentWriter(
            root, records.EVIDENCE_SEGMENTS, Evidence, limit=limit, storage=storage, again=False
        )
        self._known = {_place(item): item for item in known}
        self._kept: set[str] = set()

    @property
    def last(self) -> int:
        """The number of the last evidence, 0 where there is none."""
        return self._parts.last

    def record(
        self, question: int, quote: Quote, text: str, *, carried_from: str = ""
    ) -> tuple[Evidence, bool]:
        """Check the quote against its snapshot ``text`` and keep both.

        ``carried_from`` is the job that found it before, if any. Returns the evidence and whether
        it is new.

        Raises:
            InvalidQuote: the quote does not stand there; nothing was recorded.
        """
        check_quote(quote, text)
        place = (question, quote.passage.snapshot, quote.start, quote.end)
        self._keep(quote.passage.snapshot, text)
        if known := self._known.get(place):
            return known, False
        fresh = self._parts.append(lambda n: _evidence(n, question, quote, text, carried_from))
        self._known[place] = fresh
        return fresh, True

    def flush(self) -> None:
        """Write what the storage still holds, so that a file may name what was recorded."""
        self._storage.pending_writes()()

    def close(self) -> None:
        """End the evidence part of this attempt."""
        self._parts.close()

    def _keep(self, sha256: str, text: str) -> None:
        path = self._root / records.snapshot_name(sha256)
        data = text.encode()
        if sha256 not in self._kept and read_whole(path) != data:
            self._storage.write(path, data)
        self._kept.add(sha256)


def _place(item: Evidence) -> tuple[int, str, int, int]:
    return item.question, item.snapshot, item.start, item.end


def _evidence(n: int, question: int, quote: Quote, text: str, carried_from: str) -> Evidence:
    passage = quote.passage
    return Evidence(
        n=n,
        question=question,
        quote=quote.text,
        source=passage.source,
        uri=passage.uri,
        title=one_line(passage.title, most=200),
        locator=one_line(passage.locator, most=200),
        snapshot=passage.snapshot,
        start=quote.start,
        end=quote.end,
        paragraph=paragraph_of(text, quote.start, quote.end),
        score=min(max(quote.score, 0.0), 1.0),
        carried_from=carried_from,
    )
