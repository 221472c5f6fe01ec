"""Job folders in a local directory."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import to_thread

from mcp_jobs_server.backends.folder_paths import (
    checked_path,
    make_private_directory,
    no_such_file,
)
from mcp_jobs_server.core.errors import NotFound, Unavailable
from mcp_jobs_server.core.models import Slice
from research_contract.descent import open_below, writable

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}
_LINK = {errno.ELOOP, errno.ENOTDIR}
"""Errors of opening a path without following links in it."""

# Non-blocking: a FIFO that someone put there would wait for a writer.
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(eq=False)
class DirectoryFolders:
    """``Folders`` below ``root``, which is created by the first write. New files have mode 0600.

    The directory that holds ``root`` must exist: one that was moved is not made anew.

    Reads block: a read from a local disk takes less time than passing it to a thread. Writes,
    which may wait for the disk, run in a thread.
    """

    distant = False

    root: Path

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        return self._read(folder, name, start, limit)

    async def write(self, folder: str, name: str, data: bytes) -> None:
        await to_thread.run_sync(partial(self._write, folder, name, data, overwrite=True))

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        return await to_thread.run_sync(partial(self._write, folder, name, data, overwrite=False))

    def location(self, folder: str, name: str = "") -> str:
        return str(self.root / checked_path(folder, name))

    def _read(self, folder: str, name: str, start: int, limit: int) -> Slice | None:
        parts = checked_path(folder, name).parts
        try:
            with _translate_errors(), os.fdopen(self._open(parts), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return None
                begin = start if start >= 0 else max(0, found.st_size + start)
                file.seek(min(begin, found.st_size))
                return Slice(data=file.read(limit), start=begin, size=found.st_size)
        except NotFound:
            return None

    def _open(self, parts: Sequence[str]) -> int:
        """Return a descriptor of the file; a link is followed only to what is in the root."""
        try:
            return open_below(str(self.root), parts, _READ)
        except OSError as error:
            if error.errno not in _LINK:
                raise
            real = self._resolve(parts)
            if real is None or real == (str(self.root), parts):
                raise
            return open_below(*real, _READ)

    def _write(self, folder: str, name: str, data: bytes, *, overwrite: bool) -> bool:
        """Write the file; return whether it was written.

        Links are resolved first. A folder that becomes one meanwhile is not followed.
        """
        real = self._resolve(checked_path(folder, name).parts)
        if real is None:
            raise no_such_file()
        root, (*folders, file_name) = real
        with _translate_errors():
            make_private_directory(self.root, within=self.root.parent)
            with writable(root, folders) as place:
                return _write_whole(place, file_name, data, overwrite=overwrite)

    def _resolve(self, parts: Sequence[str]) -> tuple[str, Sequence[str]] | None:
        """Return root and parts of the file without links in the parts.

        ``None``: it has a link that leads out of the root.
        """
        path = str(self.root)
        for part in parts:
            path = f"{path}{os.sep}{part}"
            try:
                is_link = stat.S_ISLNK(os.lstat(path).st_mode)
            except OSError:
                break  # there is no such file, so there is none below it
            if is_link:
                try:
                    root = os.path.realpath(self.root)
                    real = os.path.realpath(self.root.joinpath(*parts))
                except OSError:  # it is being replaced
                    return None
                if not real.startswith(root + os.sep):
                    return None
                return root, Path(real).relative_to(root).parts
        return str(self.root), parts


def _write_whole(place: tuple[int | None, str], name: str, data: bytes, *, overwrite: bool) -> bool:
    """Write a new file in the folder ``place`` and give it the name; return whether it got it.

    A file that exists keeps its name unless ``overwrite``. A file system without hard links (exFAT,
    some mounts) gets a second new file with the same data instead.
    """
    at, before = place
    temporary = f"{before}.{name[:80]}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    name = before + name

    def make(new: str) -> None:
        with os.fdopen(os.open(new, _CREATE, 0o600, dir_fd=at), "wb") as file:
            file.write(data)

    try:
        make(temporary)
        if overwrite:
            os.replace(temporary, name, src_dir_fd=at, dst_dir_fd=at)
            return True
        try:
            os.link(temporary, name, src_dir_fd=at, dst_dir_fd=at)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            make(name)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=at)
    return True


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
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
            "Check that the data directory exists and is writable, then try again.",
        ) from error
