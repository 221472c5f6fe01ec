"""Journals: numbered records in segment files. A segment is named by its first record's number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from research_contract.files import R, decode_lines, encode, read_whole
from research_contract.records import segment_name
from researcher_job.records.storage import LOCAL, SegmentFile, Storage


@dataclass(frozen=True)
class SegmentedRecords(Generic[R]):
    """All records of a journal in order, and the names of its segments.

    A complete line that is no valid record (in a folder edited by hand) is ``None`` and keeps its
    number. ``last_segment`` is the first number of the segment with the last record; 1 if there is
    no record.
    """

    records: tuple[R | None, ...]
    names: tuple[str, ...]
    last_segment: int = 1


def read_segments(root: Path, folder: str, kind: type[R]) -> SegmentedRecords[R]:
    """Read the journal ``folder`` of the job folder ``root``, segment by segment.

    An incomplete last line is ignored: the record that replaced it starts the next segment.
    """
    records: list[R | None] = []
    names: list[str] = []
    segment = 1
    while data := read_whole(root / (name := segment_name(folder, len(records) + 1))):
        lines = decode_lines(kind, data)
        names.append(name)
        if not lines:
            break
        segment = len(records) + 1
        records.extend(record for record, _ in lines)
    return SegmentedRecords(tuple(records), tuple(names), segment)


class SegmentWriter(Generic[R]):
    """The only writer of a journal. Numbers continue after the last complete line.

    ``segment`` is the first number of the segment with the last record. Each record is one line,
    written at once. A new segment starts with each writer, after ``limit`` records, when the
    storage considers a segment full, and after a failed write, so that no record follows an
    incomplete line. ``rewritable``: a storage that cannot append may rewrite a segment with more
    lines.
    """

    def __init__(
        self,
        root: Path,
        folder: str,
        kind: type[R],
        *,
        limit: int,
        storage: Storage = LOCAL,
        rewritable: bool = True,
    ) -> None:
        self._root = root
        self._storage = storage
        self._rewritable = rewritable
        self._folder = folder
        self._limit = limit
        existing = read_segments(root, folder, kind)
        self._next = len(existing.records) + 1
        self.segment = existing.last_segment
        self._file: SegmentFile | None = None
        self._first = 1
        self._room = 0

    @property
    def last(self) -> int:
        """The number of the last record; 0 if there is none."""
        return self._next - 1

    def append(self, make: Callable[[int], R]) -> R:
        """Write the record that ``make`` returns for the next number, and return it."""
        record = make(self._next)
        file = self._file
        if file is None or file.full or not self._room:
            self.close()
            # An existing file of this name has no complete line, else the number would be higher.
            path = self._root / segment_name(self._folder, self._next)
            file = self._storage.open_segment(path, rewritable=self._rewritable)
            self._file, self._first, self._room = file, self._next, self._limit
        try:
            file.append(encode(record))
        except OSError:
            self.close()
            raise
        self.segment = self._first
        self._next += 1
        self._room -= 1
        return record

    def close(self) -> None:
        """End the current segment; a further record starts a new one."""
        file, self._file = self._file, None
        if file:
            file.close()
