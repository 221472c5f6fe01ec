"""How the files of a job folder are written: in a local directory, or through a Volume's mount.

A mount takes a whole file, written from its beginning to its end, and nothing else: it cannot
append, rename, link or lock, and each write costs a fraction of a second.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from anyio import to_thread

from research_contract.files import write_whole

T = TypeVar("T")

MOUNTS = Path("/Volumes")
"""What lies below is reached through a mount."""


class SegmentFile(Protocol):
    """A journal part that is being written: it only grows."""

    @property
    def full(self) -> bool:
        """Whether what follows belongs into a part of its own."""
        ...

    def append(self, line: bytes) -> None:
        """Add one line.

        Raises:
            OSError: it could not be written whole; the part must be closed.
        """
        ...

    def close(self) -> None:
        """Write what is not written yet, and let go of the file."""
        ...


class Storage(Protocol):
    """Writes the files of one job folder. Reading needs no more than ``read_whole``."""

    def write(self, path: Path, data: bytes) -> None:
        """Replace the file at ``path`` now; its folder is made where there is none."""
        ...

    def open_segment(self, path: Path, *, again: bool) -> SegmentFile:
        """Begin the journal part at ``path``, which holds nothing worth keeping.

        ``again``: where the part cannot be appended to, it may be written again, longer. A part
        that may not is ended once it is written, so that what stands in it is safe.
        """
        ...

    def pending_writes(self) -> Callable[[], None]:
        """Return what writes all lines that are held in memory at this moment."""
        ...

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Do what may wait for this storage, so that nothing else waits for it."""
        ...


def storage_of(root: Path, kind: str = "auto") -> Storage:
    """Return how the job folder ``root`` is written: by its place, or as ``kind`` says."""
    # macOS mounts its disks there; they can be written like any directory.
    by_place = root.is_relative_to(MOUNTS) and sys.platform != "darwin"
    mounted = by_place if kind == "auto" else kind == "mount"
    return MountedStorage() if mounted else LOCAL


class LocalStorage:
    """A local directory: what is written stands there at once, line by line."""

    def write(self, path: Path, data: bytes) -> None:
        write_whole(path, data)

    def open_segment(self, path: Path, *, again: bool) -> SegmentFile:  # noqa: ARG002 - it can be appended to
        return _LocalSegment(path)

    def pending_writes(self) -> Callable[[], None]:
        return _nothing

    async def run_blocking(self, work: Callable[[], T]) -> T:
        return work()


LOCAL = LocalStorage()


def _nothing() -> None:
    """Hold nothing, so there is nothing to write."""


class _LocalSegment:
    full = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._file = FileIO(path, "xb")

    def append(self, line: bytes) -> None:
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, f"no room left to write {self._file.name}")

    def close(self) -> None:
        self._file.close()


PART_BYTES = 128_000
"""A part that is written again and again is no larger than this, and one line."""

TRIES = 4
_FIRST_WAIT_SECONDS = 0.2
_LASTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


class MountedStorage:
    """A Volume's mount: lines are held in memory and written together, whole files only.

    The lines held when the process dies are lost. All is written from one thread at a time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: list[_BufferedSegment] = []
        self._folders: set[Path] = set()

    def write(self, path: Path, data: bytes) -> None:
        with self._lock:
            self._write(path, data)

    def open_segment(self, path: Path, *, again: bool) -> SegmentFile:
        part = _BufferedSegment(path, self, again=again)
        self._parts.append(part)
        return part

    def pending_writes(self) -> Callable[[], None]:
        """Return what writes the lines of this moment: first what is not written again."""
        parts = sorted((part for part in self._parts if part.waits), key=lambda part: part.again)
        return partial(self._write_parts, [(part, part.take()) for part in parts])

    async def run_blocking(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work)

    def end(self, part: _BufferedSegment) -> None:
        """Write the part whole, for the last time."""
        if part in self._parts:
            self._parts.remove(part)
            self._write_parts([(part, part.take())])

    def _write_parts(self, parts: Sequence[tuple[_BufferedSegment, bytes]]) -> None:
        with self._lock:
            for part, data in parts:
                if len(data) > part.written:  # else it was written meanwhile, and longer
                    self._write(part.path, data)
                    part.written = len(data)

    def _write(self, path: Path, data: bytes) -> None:
        """Write the file whole; a storage behind a network fails now and then, so try again."""
        for tries in range(1, TRIES + 1):
            try:
                return self._put(path, data)
            except OSError as error:
                if error.errno in _LASTING or tries == TRIES:
                    raise
                time.sleep(_FIRST_WAIT_SECONDS * 2**tries)
        return None

    def _put(self, path: Path, data: bytes) -> None:
        if path.parent not in self._folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        path.write_bytes(data)


class _BufferedSegment:
    """The lines of one part. ``written`` bytes of them stand in the file."""

    def __init__(self, path: Path, storage: MountedStorage, *, again: bool) -> None:
        self.path = path
        self.again = again
        self.written = 0
        self._storage = storage
        self._data = b""
        self._ended = False

    @property
    def full(self) -> bool:
        return self._ended or len(self._data) >= PART_BYTES

    @property
    def waits(self) -> bool:
        return len(self._data) > self.written

    def take(self) -> bytes:
        """Return all lines, to be written; one that is written once takes no more."""
        self._ended = not self.again
        return self._data

    def append(self, line: bytes) -> None:
        self._data += line

    def close(self) -> None:
        self._storage.end(self)
