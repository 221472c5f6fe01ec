"""Reads the step log and the evidence of a job in pages, from any cursor.

A cursor holds the segment, the byte offset in it and the record number expected there. So the cost
of a page does not depend on the length of the log, and an invented cursor is recognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.models import Slice
from research_contract import records
from research_contract.files import decode, decode_lines
from research_contract.records import Evidence, Record, Step, segment_name

R = TypeVar("R", bound=Record)

CHUNK = 64 * 1024
"""Bytes per read; a record is far smaller (its payload has at most 4 kB)."""

TAIL = 8 * 1024
"""Bytes read to find the newest records."""

TAIL_RECORDS = 8
"""Most records in the tail."""

_CURSOR = re.compile(r"([a-z2-7]{6})\.(\d{1,12})\.(\d{1,12})\.(\d{1,12})", re.ASCII)


@dataclass(frozen=True)
class Cursor:
    """A place in a log: segment (its first number), byte offset, number of the next record."""

    segment: int = 1
    offset: int = 0
    number: int = 1

    @classmethod
    def parse(cls, text: str, job_id: str) -> Cursor:
        """Return the cursor in ``text``; an empty text is the beginning.

        Raises:
            InvalidArgument: it is not a cursor, or one of another job.
        """
        if not text:
            return cls()
        found = _CURSOR.fullmatch(text)
        if not found or found[1] != job_id[-6:]:
            raise _not_issued()
        return cls(segment=int(found[2]), offset=int(found[3]), number=int(found[4]))

    def text(self, job_id: str) -> str:
        """Return the cursor as callers see it."""
        return f"{job_id[-6:]}.{self.segment}.{self.offset}.{self.number}"


@dataclass(frozen=True)
class Page(Generic[R]):
    """Records in order, the cursor behind them, and whether more records exist."""

    records: tuple[R, ...]
    cursor: Cursor
    more: bool


@dataclass(frozen=True)
class Log(Generic[R]):
    """A log of numbered records in a job folder, divided into the segments in ``folder_name``."""

    folder_name: str
    kind: type[R]
    number: Callable[[R], int]

    async def page(
        self, folders: Folders, folder: str, cursor: Cursor, limit: int, *, last: int | None = None
    ) -> Page[R]:
        """Return up to ``limit`` records, beginning at ``cursor``.

        ``last``: number of the newest record by the status; behind it no other one is looked for.

        Raises:
            InvalidArgument: this cursor was never issued for this job.
        """
        found: list[tuple[R, Cursor]] = []
        while len(found) <= limit:
            before, piece = await self._piece(folders, folder, cursor)
            behind = self._take(piece, cursor, found)
            if behind == cursor and not found:
                self._check_end(before, cursor)
            at_end = behind.offset in (cursor.offset, piece.size)
            cursor = behind
            if at_end:
                if cursor.number not in (cursor.segment, last + 1 if last else 0):
                    behind = await self._following(folders, folder, cursor)
                if behind == cursor:
                    break
                cursor = behind
        kept = tuple(record for record, _ in found[:limit])
        more = len(found) > limit
        return Page(kept, found[limit][1] if more else cursor, more=more)

    async def tail(self, folders: Folders, folder: str, segment: int) -> Page[R]:
        """Return the last few records of ``segment`` and the cursor behind them."""
        name = segment_name(self.folder_name, segment)
        piece = await folders.read(folder, name, start=-TAIL)
        if piece is None:
            return Page((), Cursor(), more=False)
        skipped = _last_lines(piece)
        lines = decode_lines(self.kind, piece.data[skipped:])
        newest = tuple(record for record, _ in lines if record is not None)
        if not newest:
            return await self.page(folders, folder, Cursor(segment, 0, segment), limit=20)
        end = piece.start + skipped + lines[-1][1]
        return Page(newest, Cursor(segment, end, self.number(newest[-1]) + 1), more=False)

    async def _following(self, folders: Folders, folder: str, cursor: Cursor) -> Cursor:
        """Return the start of the next segment once it exists; until then this one may grow."""
        name = segment_name(self.folder_name, cursor.number)
        there = await folders.read(folder, name, limit=0)
        return Cursor(cursor.number, 0, cursor.number) if there else cursor

    async def _piece(self, folders: Folders, folder: str, cursor: Cursor) -> tuple[bytes, Slice]:
        """Return some bytes before the cursor, and those from it on, in one read.

        There are none where its segment does not exist yet.
        """
        name = segment_name(self.folder_name, cursor.segment)
        start = max(0, cursor.offset - TAIL)
        limit = cursor.offset - start + CHUNK
        piece = await folders.read(folder, name, start=start, limit=limit)
        if piece is None and cursor != Cursor():
            raise _not_issued()
        if piece is not None and cursor.offset > piece.size:
            raise _not_issued()
        if piece is None:
            return b"", Slice(data=b"", start=0, size=0)
        before = piece.data[: cursor.offset - start]
        return before, replace(piece, data=piece.data[len(before) :], start=cursor.offset)

    def _check_end(self, before: bytes, cursor: Cursor) -> None:
        """Check a cursor that no record follows by the number of the record ``before`` it."""
        if not cursor.offset:
            if cursor.number != cursor.segment:
                raise _not_issued()
            return
        record = decode(self.kind, before.rstrip(b"\n").rpartition(b"\n")[2])
        if record is not None and self.number(record) + 1 != cursor.number:
            raise _not_issued()

    def _take(self, piece: Slice, cursor: Cursor, found: list[tuple[R, Cursor]]) -> Cursor:
        """Append the records of ``piece`` with their cursors to ``found``; return the next one."""
        at = cursor
        for record, end in decode_lines(self.kind, piece.data):
            if record is not None and self.number(record) != at.number:
                raise _not_issued()
            if record is not None:
                found.append((record, at))
            at = replace(at, offset=cursor.offset + end, number=at.number + 1)
        return at


def _last_lines(piece: Slice) -> int:
    """Return the offset of the last few lines; a first line that may be cut is skipped."""
    start = len(piece.data)
    for _ in range(TAIL_RECORDS + 1):
        start = piece.data.rfind(b"\n", 0, start)
        if start < 0:
            return piece.data.find(b"\n") + 1 if piece.start else 0
    return start + 1


def _not_issued() -> InvalidArgument:
    return InvalidArgument(
        "This cursor was not issued for this job.", "Leave 'cursor' out to read from the beginning."
    )


STEPS = Log(records.STEPS, Step, lambda step: step.step)
EVIDENCE = Log(records.EVIDENCE_SEGMENTS, Evidence, lambda evidence: evidence.n)
