"""Brings the index of one source up to date with its files, in slices that can be interrupted."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from researcher_job.sources.coverage import Tally
from researcher_job.sources.document import Document, Reason
from researcher_job.sources.documents.extraction import Extraction, Limits
from researcher_job.sources.documents.reader_process import Asked, Extracted
from researcher_job.sources.documents.walk import Found
from researcher_job.sources.index.held import Held, Wanted, wanted_by
from researcher_job.sources.index.writer import IndexWriter, Known, Seen
from researcher_job.sources.readers import unread

_SLICE_SECONDS = 0.2
_FEW_ASKED = 192
"""With more than so many files asked for, no others are."""

_PAGE_SOURCES = "_sources/"
_MARKUP_SUFFIX = re.compile(r"\.(?:rst|md|ipynb|txt)(?:\.txt)?\Z")
_DOUBT_NS = 2_000_000_000
"""The coarsest time stamps of a file system (FAT's): a later change within may not show."""


class Update:
    """Reads what is new or changed among ``files`` and drops what is gone.

    ``tally`` counts what was dealt with, ``last`` names the file dealt with last; ``opened``
    counts the files that had to be looked into, ``read`` those of them that were read. What one of
    ``others``, indexes of other sources, holds of the same content is taken from there.
    """

    def __init__(
        self,
        draft: Path,
        earlier: Sequence[Path],
        files: Sequence[Found],
        *,
        others: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> None:
        self._files = files
        self._names = {found.name for found in files}
        self._contents: dict[str, str] = {}
        self._writer = IndexWriter(draft, earlier)
        self._drop_gone()
        self.tally = Tally(expected=len(files))
        self.last = ""
        self.opened = self.read = 0
        self._todo = deque(self._unsettled(files))
        self._held = Held(others, (_wanted(found) for found, known in self._todo if not known))
        self._asked: deque[tuple[Found, Known | None]] = deque()
        self._extraction = Extraction(expected=len(self._todo), limits=limits)

    def go_on(self) -> bool:
        """Work for a moment; return whether all is done."""
        until = time.monotonic() + _SLICE_SECONDS
        while (left := until - time.monotonic()) > 0:
            self._ask()
            if not self._asked:
                return True
            extracted = self._extraction.answer(left)
            if extracted is not None:
                self._take(*self._asked.popleft(), extracted)
        return False

    def commit(self) -> None:
        """Put down what was done so far; it happens by itself every second."""
        self._writer.commit()

    def finish(self, path: Path) -> None:
        """Put the index in its place, with what it covers."""
        self._writer.finish(path, self.tally.coverage)

    def close(self) -> None:
        """Let go of everything; what was done stays for the next update."""
        self._extraction.close()
        self._writer.close()

    def _drop_gone(self) -> None:
        here = {found.address for found in self._files}
        for address in self._writer.addresses():
            if address not in here:
                self._writer.drop(address)

    def _unsettled(self, files: Sequence[Found]) -> Iterator[tuple[Found, Known | None]]:
        """Yield the files that must be read, with what is known of them; count the others."""
        for found in files:
            reason = found.reason or unread(found.name) or self._twin(found)
            known = self._writer.known(found.address)
            if reason is not None:
                if known is None or known.reason is not reason:
                    self._put(_seen(found), reason, known)
                self.tally.count_skipped(reason, found.name)
            elif known is None or known.doubtful or known.signature != found.signature:
                yield found, known
            elif known.reason is Reason.COPY:  # what it is a copy of may be gone
                yield found, replace(known, sha256="")
            else:
                if known.reason is None:
                    self._contents.setdefault(known.sha256, found.address)
                self._count(found, known.reason, known.gaps)

    def _twin(self, found: Found) -> Reason | None:
        """Return ``COPY`` for the text from which a page beside it was made, as Sphinx keeps it."""
        page = _MARKUP_SUFFIX.sub(".html", found.name)
        is_source = f"/{found.name}".count(f"/{_PAGE_SOURCES}") == 1
        is_twin = is_source and page.replace(_PAGE_SOURCES, "") in self._names
        return Reason.COPY if is_twin else None

    def _ask(self) -> None:
        """Ask for more files, several at a time, since each call costs the process a look."""
        if len(self._asked) > _FEW_ASKED:
            return
        while self._todo and self._extraction.has_room():
            found, known = self._todo.popleft()
            hashes = [known.sha256] if known else self._held.hashes(_wanted(found))
            self._extraction.ask(Asked(found.path, found.name, hashes), size=found.size)
            self._asked.append((found, known))

    def _take(self, found: Found, known: Known | None, extracted: Extracted) -> None:
        seen = _seen(found, extracted)
        self.opened += 1
        document = extracted.document
        self.read += document is not None
        if document is None and known is None:
            document = self._held.take(_wanted(found), extracted.sha256)
            if document is None:  # the other index is gone by now
                self._todo.append((found, None))
                return
        match document:
            case None if known is not None:
                if known.reason is None:
                    self._contents.setdefault(known.sha256, found.address)
                self._writer.keep(seen)
                self._count(found, known.reason, known.gaps)
            case Reason() as reason:
                self._put(seen, reason, known)
                self._count(found, reason)
            case Document():
                first = self._contents.setdefault(extracted.sha256, found.address)
                copy = Reason.COPY if first != found.address else None
                self._put(seen, copy or document, known)
                self._count(found, copy, document.gaps)
        self.last = found.name

    def _put(self, seen: Seen, document: Document | Reason, known: Known | None) -> None:
        if known is not None:
            self._writer.drop(seen.address)
        self._writer.put(seen, document)

    def _count(self, found: Found, reason: Reason | None, gaps: Sequence[str] = ()) -> None:
        if reason is None:
            self.tally.count_read(found.name, gaps)
        else:
            self.tally.count_skipped(reason, found.name)


def _wanted(found: Found) -> Wanted:
    return wanted_by(found.address or quote(found.name), found.size)


def _seen(found: Found, extracted: Extracted | None = None) -> Seen:
    """Note a file as it was when it was read, not as it was when it was found before."""
    if extracted is None or not extracted.signature:
        return Seen(found.address, found.name, found.signature)
    lately = time.time_ns() - extracted.changed_ns < _DOUBT_NS
    coarse = extracted.changed_ns % 1_000_000 == 0
    return Seen(
        found.address,
        found.name,
        extracted.signature,
        extracted.sha256,
        doubtful=lately and coarse,
    )
