"""How the files of a job folder are written: to a local directory, or through a Volume's mount.

A mount accepts only whole files, written from the beginning to the end. It cannot append, rename,
link or lock, and each write takes a fraction of a second.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import FileIO
from pathlib import Path
from threading import RLock
from typing import Protocol, TypeVar

from anyio import to_thread

from research_contract.files import make_parents, write_whole

T = TypeVar("T")

MOUNTS = Path("/Volumes")
"""Folders below this path are reached through a mount."""


class SegmentFile(Protocol):
    """A journal segment that is being written; lines are only appended."""

    @property
    def full(self) -> bool:
        """Whether the next line must go to a new segment."""
        ...

    def append(self, line: bytes) -> None:
        """Append one line.

        Raises:
            OSError: the line was not written completely; the segment must be closed.
        """
        ...

    def close(self) -> None:
        """Write buffered lines and close the file."""
        ...


class Storage(Protocol):
    """Writes the files of one job folder. Reading needs nothing but ``read_whole``."""

    def write(self, path: Path, data: bytes) -> None:
        """Replace the file at ``path`` now, and create its folder if necessary."""
        ...

    def open_segment(self, path: Path, *, rewritable: bool) -> SegmentFile:
        """Start the journal segment at ``path``, replacing a file without complete lines.

        ``rewritable``: if the segment cannot be appended to, it may be rewritten with more lines.
        A segment that is not rewritable ends with its first write, so that its lines are safe.
        """
        ...

    def pending_writes(self) -> Callable[[], None]:
        """Return a function that writes all lines that are in memory at this moment."""
        ...

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Run ``work``, which may wait for this storage, without blocking the event loop."""
        ...


def storage_of(root: Path, kind: str = "auto") -> Storage:
    """Return the storage of the job folder ``root``: by its path, or ``kind`` if not ``auto``."""
    # On macOS, /Volumes holds disks that can be written like any directory.
    by_path = root.is_relative_to(MOUNTS) and sys.platform != "darwin"
    mounted = by_path if kind == "auto" else kind == "mount"
    return MountedStorage() if mounted else LOCAL


class LocalStorage:
    """A local directory: each line is written to its file immediately."""

    write = staticmethod(write_whole)

    def open_segment(self, path: Path, *, rewritable: bool) -> SegmentFile:  # noqa: ARG002 - it can be appended to
        return _LocalSegment(path)

    def pending_writes(self) -> Callable[[], None]:
        return lambda: None

    async def run_blocking(self, work: Callable[[], T]) -> T:
        return work()


LOCAL = LocalStorage()


class _LocalSegment:
    full = False

    def __init__(self, path: Path) -> None:
        make_parents(path)
        path.unlink(missing_ok=True)
        self._file = FileIO(path, "xb")

    def append(self, line: bytes) -> None:
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, f"no room left to write {self._file.name}")

    def close(self) -> None:
        self._file.close()


SEGMENT_BYTES = 128_000
"""A segment that is rewritten has at most this many bytes plus one line."""

TRIES = 4
_FIRST_WAIT_SECONDS = 0.2
_LASTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


class MountedStorage:
    """A Volume's mount: lines are buffered in memory and written together, as whole files.

    Lines still in memory are lost if the process dies. A lock allows one write at a time.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._segments: list[_BufferedSegment] = []
        self._folders: set[Path] = set()

    def write(self, path: Path, data: bytes) -> None:
        """Write the whole file. Retry a few times, because network storage fails now and then."""
        with self._lock:
            for tries in range(1, TRIES + 1):
                try:
                    if path.parent not in self._folders:
                        path.parent.mkdir(parents=True, exist_ok=True)
                        self._folders.add(path.parent)
                    path.write_bytes(data)
                except OSError as error:
                    if error.errno in _LASTING or tries == TRIES:
                        raise
                    time.sleep(_FIRST_WAIT_SECONDS * 2**tries)
                else:
                    return

    def open_segment(self, path: Path, *, rewritable: bool) -> SegmentFile:
        segment = _BufferedSegment(path, self, rewritable=rewritable)
        self._segments.append(segment)
        return segment

    def pending_writes(self) -> Callable[[], None]:
        """Return a function that writes the current lines, first those of segments written once."""
        pending = [segment for segment in self._segments if len(segment.data) > segment.written]
        pending.sort(key=lambda segment: segment.rewritable)
        return partial(self._write_segments, [(segment, segment.take()) for segment in pending])

    async def run_blocking(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work)

    def _write_segments(self, segments: Sequence[tuple[_BufferedSegment, bytes]]) -> None:
        """Write each segment with its lines, unless a later call has already written more."""
        with self._lock:
            for segment, data in segments:
                if len(data) > segment.written:
                    self.write(segment.path, data)
                    segment.written = len(data)

    def close_segment(self, segment: _BufferedSegment) -> None:
        """Write the whole segment for the last time."""
        if segment in self._segments:
            self._segments.remove(segment)
            self._write_segments([(segment, segment.take())])


class _BufferedSegment:
    """The lines of one segment: ``data``, of which the file has the first ``written`` bytes."""

    def __init__(self, path: Path, storage: MountedStorage, *, rewritable: bool) -> None:
        self.path = path
        self.rewritable = rewritable
        self.data = b""
        self.written = 0
        self._storage = storage
        self._ended = False

    @property
    def full(self) -> bool:
        return self._ended or len(self.data) >= SEGMENT_BYTES

    def take(self) -> bytes:
        """Return all lines to write them; a segment that is not rewritable then ends."""
        self._ended = not self.rewritable
        return self.data

    def append(self, line: bytes) -> None:
        self.data += line

    def close(self) -> None:
        self._storage.close_segment(self)
