"""Job folders in a directory of this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from anyio import to_thread

from mcp_jobs_server.backends.folder_paths import checked, make_private, no_such_file
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Slice

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO}
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}


class DirectoryFolders:
    """``Folders`` below ``root``, which is made on the first write. New files have mode 0600.

    Reads are made at once: from a local disk they take less time than asking a thread to make
    them. Writes, which may wait for the disk, are made in a thread.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        return self._read(folder, name, start, limit)

    async def write(self, folder: str, name: str, data: bytes) -> None:
        await to_thread.run_sync(self._write, folder, name, data)

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        return await to_thread.run_sync(self._create, folder, name, data)

    def location(self, folder: str, name: str = "") -> str:
        return str(self._root / checked(folder, name))

    def _read(self, folder: str, name: str, start: int, limit: int) -> Slice | None:
        path = self._inside(folder, name)
        with _translated():
            file = _opened(path) if path else None
            if file is None:
                return None
            with file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return None
                begin = start if start >= 0 else max(0, found.st_size + start)
                file.seek(min(begin, found.st_size))
                return Slice(data=file.read(limit), start=begin, size=found.st_size)

    def _write(self, folder: str, name: str, data: bytes) -> None:
        path = self._to_write(folder, name)
        with _translated(), _fresh(path, data) as fresh:
            fresh.replace(path)

    def _create(self, folder: str, name: str, data: bytes) -> bool:
        path = self._to_write(folder, name)
        with _translated():
            if os.path.lexists(path):
                return False
            with _fresh(path, data) as fresh:
                return _claim(fresh, path, data)

    def _to_write(self, folder: str, name: str) -> Path:
        path = self._inside(folder, name)
        if path is None:
            raise no_such_file()
        return path

    def _inside(self, folder: str, name: str) -> Path | None:
        """Return the path of the file; links are followed, ``None`` where one leads out."""
        below = checked(folder, name)
        path = str(self._root)
        for part in below.parts:
            path = f"{path}{os.sep}{part}"
            if _is_link(path):
                return self._followed(below)
        return Path(path)

    def _followed(self, below: PurePosixPath) -> Path | None:
        root = os.path.realpath(self._root)
        real = os.path.realpath(self._root / below)
        return Path(real) if real.startswith(root + os.sep) else None


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False  # no such file can be there either, such as one whose name is too long


_BINARY = getattr(os, "O_BINARY", 0)


def _opened(path: Path) -> BinaryIO | None:
    try:
        return open(path, "rb", opener=_without_waiting)
    except OSError as error:
        if error.errno in _MISSING:
            return None
        raise


def _without_waiting(path: str, flags: int) -> int:
    """Open a FIFO, which someone may have put there, without holding the thread for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextlib.contextmanager
def _fresh(path: Path, data: bytes) -> Iterator[Path]:
    """Write ``data`` beside ``path`` under a name of its own, which is gone afterwards."""
    make_private(path.parent)
    fresh = path.with_name(f".{path.name[:80]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        yield fresh
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


def _claim(fresh: Path, path: Path, data: bytes) -> bool:
    """Give the whole file ``fresh`` the name ``path`` as well, unless that name is taken."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _write_exclusively(path, data)
    return True


def _write_exclusively(path: Path, data: bytes) -> bool:
    """Create the file where the file system knows no hard links (exFAT, some mounts)."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return True


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _MISSING:
            raise no_such_file() from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unavailable(
                "The disk that holds the job folders is full.", "Free some space and try again."
            ) from error
        raise Unavailable(
            f"The job folders cannot be used ({error.strerror}).",
            "Check that the data directory exists and may be written, then try again.",
        ) from error
