"""Numbered records in journal parts: a part is named by its first record and only grows."""

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
    """All records of a journal in order, and the names of the parts they stand in.

    A record is ``None`` where a complete line is no such record (a folder edited by hand): it
    keeps its number. ``next`` is the number that follows; ``part`` the first number of the part
    that holds the last record (1 where there is none).
    """

    records: tuple[R | None, ...]
    names: tuple[str, ...]
    part: int = 1

    @property
    def next(self) -> int:
        return len(self.records) + 1


def read_segments(root: Path, folder: str, kind: type[R]) -> SegmentedRecords[R]:
    """Read the journal ``folder`` of the job folder ``root``, part after part.

    A torn last line is not there; what follows it stands in the next part.
    """
    records: list[R | None] = []
    names: list[str] = []
    part = 1
    while data := read_whole(root / (name := segment_name(folder, len(records) + 1))):
        lines = decode_lines(kind, data)
        names.append(name)
        if not lines:
            break
        part = len(records) + 1
        records.extend(record for record, _ in lines)
    return SegmentedRecords(tuple(records), tuple(names), part)


class SegmentWriter(Generic[R]):
    """The one writer of a journal. Numbers go on where the last complete line ended.

    ``part`` is the first number of the part that holds the last record. Each record is one line
    in one write. A new part begins with each writer, after ``limit`` records, where the storage
    wants one, and after a write that failed half way, so that nothing follows a torn line.
    ``again``: where lines cannot be appended, a part may be written again, longer.
    """

    def __init__(
        self,
        root: Path,
        folder: str,
        kind: type[R],
        *,
        limit: int,
        storage: Storage = LOCAL,
        again: bool = True,
    ) -> None:
        self._root = root
        self._storage = storage
        self._again = again
        self._folder = folder
        self._limit = limit
        found = read_segments(root, folder, kind)
        self._next = found.next
        self.part = found.part
        self._file: SegmentFile | None = None
        self._first = 1
        self._room = 0

    @property
    def last(self) -> int:
        """The number of the last record, 0 where there is none."""
        return self._next - 1

    def append(self, make: Callable[[int], R]) -> R:
        """Write the record that ``make`` returns for the next number, and return it."""
        record = make(self._next)
        file = self._file
        if file is None or file.full or not self._room:
            file = self._begin()
        try:
            file.append(encode(record))
        except OSError:
            self.close()
            raise
        self.part = self._first
        self._next += 1
        self._room -= 1
        return record

    def close(self) -> None:
        """End the current part; a further record begins a new one."""
        file, self._file = self._file, None
        if file:
            file.close()

    def _begin(self) -> SegmentFile:
        self.close()
        # What is there holds no complete line, else the next number would be greater.
        path = self._root / segment_name(self._folder, self._next)
        self._file = self._storage.open_segment(path, again=self._again)
        self._first = self._next
        self._room = self._limit
        return self._file
