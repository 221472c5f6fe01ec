"""The evidence of a job. Each quote is checked against its snapshot before it is recorded."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import ContextSpan, Evidence
from research_contract.text.safe import one_line
from researcher_job.core.errors import InvalidQuote
from researcher_job.records.segments import SegmentWriter
from researcher_job.records.storage import LOCAL, Storage
from researcher_job.sources.base import Quote

MAX_PARAGRAPH = 1_200
"""Most characters of the paragraph that is stored with a quote."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def check_quote(quote: Quote, text: str) -> None:
    """Check that ``text`` is the snapshot of the quote and contains it, and its context, in place.

    Raises:
        InvalidQuote: the quote or its snapshot does not match; the message says what differs.
    """
    try:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidQuote("the snapshot is not valid Unicode") from error
    if sha256 != quote.passage.snapshot:
        raise InvalidQuote("the snapshot does not match its hash")
    if not quote.text.strip():
        raise InvalidQuote("the quote is empty")
    if not 0 <= quote.start < quote.end <= len(text):
        raise InvalidQuote("the quote is outside its snapshot")
    if text[quote.start : quote.end] != quote.text:
        raise InvalidQuote("the snapshot has different words at this position")
    if not all(in_place(one.text, one.start, one.end, text) for one in quote.passage.context):
        raise InvalidQuote("the snapshot has different words at the position of its context")


def in_place(words: str, start: int, end: int, text: str) -> bool:
    """Return whether ``words``, which are not empty, are ``text[start:end]``."""
    return bool(words) and 0 <= start < end and text[start:end] == words


def read_snapshot(root: Path, sha256: str) -> str:
    """Return the snapshot with this hash from the job folder ``root``.

    Raises:
        InvalidQuote: the snapshot is missing, a link, not valid text, or does not match its hash.
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


def paragraph_of(text: str, start: int, end: int, *, most: int = MAX_PARAGRAPH) -> str:
    """Return the paragraph around ``text[start:end]``, at most ``most`` characters of it.

    A longer paragraph is cut evenly on both sides. If the quote itself is longer, the result is
    the beginning of the quote.
    """
    breaks = [found.end() for found in _BLANK_LINE.finditer(text, max(0, start - most), start)]
    after = _BLANK_LINE.search(text, end, min(len(text), end + most))
    first = breaks[-1] if breaks else max(0, start - most)
    last = after.start() if after else min(len(text), end + most)
    spare = max(0, most - (end - start))
    first = max(first, start - max(spare // 2, spare - (last - end)))
    return text[first : min(last, first + most)].strip()


class EvidenceBook:
    """The only writer of a job's evidence and snapshots. Numbers continue across attempts.

    ``known`` is the evidence of earlier attempts: a quote that is found again for the same
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
        # Never rewritten: evidence that was cited once must not be lost if a write fails.
        self._segments = SegmentWriter(
            root,
            records.EVIDENCE_SEGMENTS,
            Evidence,
            limit=limit,
            storage=storage,
            rewritable=False,
        )
        self._known = {
            (item.question, item.snapshot, item.start, item.end, item.nearest): item
            for item in known
        }
        self._written_snapshots: set[str] = set()

    @property
    def last(self) -> int:
        """The number of the last evidence; 0 if there is none."""
        return self._segments.last

    def record(
        self,
        question: int,
        quote: Quote,
        text: str,
        *,
        carried_from: str = "",
        nearest: bool = False,
        task: str = "",
    ) -> tuple[Evidence, bool]:
        """Check the quote against its snapshot ``text`` and store both.

        ``carried_from`` is the job that found the quote, if another job did; ``nearest`` is set
        for a passage that is no evidence. Returns the record and whether it is new.

        Raises:
            InvalidQuote: the quote does not match its snapshot; nothing was recorded.
        """
        check_quote(quote, text)
        passage = quote.passage
        place = (question, passage.snapshot, quote.start, quote.end, nearest)
        if known := self._known.get(place):
            return known, False
        self.keep_snapshot(passage.snapshot, text)
        evidence = self._segments.append(
            lambda n: Evidence(
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
                kind=passage.kind,
                context=tuple(ContextSpan(**one._asdict()) for one in passage.context),
                score=min(max(quote.score, 0.0), 1.0),
                paragraph=paragraph_of(text, quote.start, quote.end),
                carried_from=carried_from,
                nearest=nearest,
                task=task,
            )
        )
        self._known[place] = evidence
        return evidence, True

    def flush(self) -> None:
        """Write buffered lines, so that other files may refer to the recorded evidence."""
        self._storage.pending_writes()()

    def close(self) -> None:
        """End the evidence segment of this attempt."""
        self._segments.close()

    def keep_snapshot(self, sha256: str, text: str) -> None:
        """Store the text of a document that evidence points into, or that a model was shown."""
        path = self._root / records.snapshot_name(sha256)
        data = text.encode()
        if sha256 not in self._written_snapshots and read_whole(path) != data:
            self._storage.write(path, data)
        self._written_snapshots.add(sha256)
