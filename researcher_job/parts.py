"""Numbered records in journal parts: a part is named by its first record and only grows."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Generic

from researcher_job.contract import part_name
from researcher_job.contract_files import R, decode_lines, encode, read_whole


@dataclass(frozen=True)
class PartsRead(Generic[R]):
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


def read_parts(root: Path, folder: str, kind: type[R]) -> PartsRead[R]:
    """Read the journal ``folder`` of the job folder ``root``, part after part.

    A torn last line is not there; what follows it stands in the next part.
    """
    records: list[R | None] = []
    names: list[str] = []
    part = 1
    while data := read_whole(root / (name := part_name(folder, len(records) + 1))):
        lines = decode_lines(kind, data)
        names.append(name)
        if not lines:
            break
        part = len(records) + 1
        records.extend(record for record, _ in lines)
    return PartsRead(tuple(records), tuple(names), part)


class Parts(Generic[R]):
    """The one writer of a journal. Numbers go on where the last complete line ended.

    ``part`` is the first number of the part that holds the last record. Each record is one line
    in one write. A new part begins with each writer, after ``limit``
    records, and after a write that failed half way, so that nothing follows a torn line.
    """

    def __init__(self, root: Path, folder: str, kind: type[R], *, limit: int) -> None:
        self._root = root
        self._folder = folder
        self._limit = limit
        found = read_parts(root, folder, kind)
        self._next = found.next
        self.part = found.part
        self._file: FileIO | None = None
        self._first = 1
        self._room = 0

    @property
    def last(self) -> int:
        """The number of the last record, 0 where there is none."""
        return self._next - 1

    def append(self, make: Callable[[int], R]) -> R:
        """Write the record that ``make`` returns for the next number, and return it."""
        record = make(self._next)
        file = self._file if self._file and self._room else self._begin()
        line = encode(record)
        try:
            complete = file.write(line) == len(line)
        except OSError:
            self.close()
            raise
        if not complete:
            self.close()
            raise OSError(errno.ENOSPC, f"no room left to write {self._folder}")
        self.part = self._first
        self._next += 1
        self._room -= 1
        return record

    def close(self) -> None:
        """End the current part; a further record begins a new one."""
        if self._file:
            self._file.close()
        self._file = None

    def _begin(self) -> FileIO:
        self.close()
        path = self._root / part_name(self._folder, self._next)
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # holds no complete line, else the next number would be greater
        self._file = FileIO(path, "xb")
        self._first = self._next
        self._room = self._limit
        return self._file
