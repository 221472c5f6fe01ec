"""Brings the index of one source up to date with its files, in slices that can be interrupted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from researcher_job.sources.coverage import Tally
from researcher_job.sources.document import Reason
from researcher_job.sources.extraction import Extraction, Limits
from researcher_job.sources.index_writer import IndexWriter, Known, Seen
from researcher_job.sources.passages import Divided
from researcher_job.sources.readers import unread
from researcher_job.sources.reading_process import Asked, Extracted
from researcher_job.sources.walk import Found

_SLICE_SECONDS = 0.2
_DOUBT_NS = 2_000_000_000
"""The coarsest time stamps of a file system (FAT's): a later change within may not show."""


class Update:
    """Reads what is new or changed among ``files`` and drops what is gone.

    ``tally`` counts what was dealt with, ``last`` names the file dealt with last; ``opened``
    counts the files that had to be looked into.
    """

    def __init__(
        self,
        draft: Path,
        earlier: Sequence[Path],
        files: Sequence[Found],
        *,
        limits: Limits | None = None,
    ) -> None:
        self._files = files
        self._writer = IndexWriter(draft, earlier)
        self._drop_gone()
        self.tally = Tally(expected=len(files))
        self.last = ""
        self.opened = 0
        self._todo = deque(found for found in files if not self._is_settled(found))
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

    def _is_settled(self, found: Found) -> bool:
        """Whether nothing of the file need be read; it is counted then."""
        reason = found.reason or unread(found.name)
        known = self._writer.known(found.address)
        if reason is not None:
            if known is None or known.reason is not reason:
                self._writer.put(_seen(found), reason)
            self.tally.count_skipped(reason, found.name)
            return True
        if known is None or known.doubtful or known.signature != found.signature:
            return False
        self._count(found, known.reason)
        return True

    def _ask(self) -> None:
        while self._todo and self._extraction.has_room():
            found = self._todo.popleft()
            known = self._writer.known(found.address)
            sha256 = known.sha256 if known else ""
            self._extraction.ask(Asked(found.path, found.name, sha256), size=found.size)
            self._asked.append((found, known))

    def _take(self, found: Found, known: Known | None, extracted: Extracted) -> None:
        seen = _seen(found, extracted)
        self.opened += 1
        match extracted.document:
            case None:
                self._writer.keep(seen)
                self._count(found, known.reason if known else None)
            case Reason() as reason:
                self._writer.put(seen, reason)
                self._count(found, reason)
            case Divided() as document:
                self._writer.put(seen, document)
                self._count(found, None)
        self.last = found.name

    def _count(self, found: Found, reason: Reason | None) -> None:
        if reason is None:
            self.tally.count_read()
        else:
            self.tally.count_skipped(reason, found.name)


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
