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
from research_contract.descent import open_below

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
            if real is None or real == self.root.joinpath(*parts):
                raise
            root = os.path.realpath(self.root)
            return open_below(root, real.relative_to(root).parts, _READ)

    def _write(self, folder: str, name: str, data: bytes, *, overwrite: bool) -> bool:
        """Write the file; return whether it was written."""
        path = self._resolve(checked_path(folder, name).parts)
        if path is None:
            raise no_such_file()
        with _translate_errors():
            if not overwrite and os.path.lexists(path):
                return False
            with _temporary_file(path, data, self.root) as temporary:
                if not overwrite:
                    return _rename_exclusively(temporary, path, data)
                temporary.replace(path)
                return True

    def _resolve(self, parts: Sequence[str]) -> Path | None:
        """Return the path of the file; ``None``: it has a link that leads out of the root."""
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
                return Path(real) if real.startswith(root + os.sep) else None
        return self.root.joinpath(*parts)


@contextlib.contextmanager
def _temporary_file(path: Path, data: bytes, root: Path) -> Iterator[Path]:
    """Write ``data`` to a new file beside ``path``, and remove that file after the block."""
    make_private_directory(path.parent, within=root.parent)
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(temporary, _CREATE, 0o600), "wb") as file:
            file.write(data)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _rename_exclusively(temporary: Path, path: Path, data: bytes) -> bool:
    """Give the file the name ``path`` unless that exists; return whether it got the name.

    A file system without hard links (exFAT, some mounts) gets a new file with the same data.
    """
    try:
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            with os.fdopen(os.open(path, _CREATE, 0o600), "wb") as file:
                file.write(data)
    except FileExistsError:
        return False
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
