"""Lets a process see ``/Volumes`` as a serverless task does: as a mount with its limits.

What Python opens below ``/Volumes`` is opened below another directory. As on such a mount nothing
can be appended, renamed, linked or locked there, and a file is seen by others once it is closed,
whole. Libraries that open files in C (SQLite) do not see it; a job keeps such files on its own
disk. This file is loaded by itself, before anything else of the process: it imports the standard
library only.
"""

from __future__ import annotations

import builtins
import errno
import functools
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

VOLUMES = "/Volumes"


class Mount:
    """Maps paths below ``/Volumes`` to ``root``; ``staging`` holds files until they are closed."""

    def __init__(self, root: str, staging: str) -> None:
        self.root = root
        self._staging = staging
        self.replace = os.replace
        self.open = os.open
        self.lexists = os.path.lexists

    def holds(self, path: Any) -> bool:
        """Say whether the path (text, bytes or path-like) lies below ``/Volumes``."""
        try:
            text = os.fsdecode(path)
        except TypeError:
            return False  # an open descriptor
        return text == VOLUMES or text.startswith(VOLUMES + "/")

    def real(self, path: Any) -> Any:
        """Return where the path really is; other paths as they are."""
        return self.root + os.fsdecode(path)[len(VOLUMES) :] if self.holds(path) else path

    def staged(self) -> str:
        """Return a fresh path on this machine's disk."""
        return f"{self._staging}/{token_hex(8)}"


class _Upload(io.FileIO):
    """A file that takes its place when it is closed."""

    def __init__(self, mount: Mount, target: str, *, exclusive: bool) -> None:
        if os.path.isdir(target):  # noqa: PTH112 - below pathlib
            raise IsADirectoryError(errno.EISDIR, "Is a directory", target)
        if exclusive and mount.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists", target)
        if not os.path.isdir(os.path.dirname(target)):  # noqa: PTH112, PTH120 - below pathlib
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", target)
        self._mount = mount
        self._target = target
        self._fresh = mount.staged()
        super().__init__(mount.open(self._fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w")

    def close(self) -> None:
        if not self.closed:
            super().close()
            _move(self._mount, self._fresh, self._target)


def _move(mount: Mount, fresh: str, target: str) -> None:
    """Put a whole file in its place; the staging directory may be on another disk."""
    import shutil

    beside = f"{os.path.dirname(target)}/.{token_hex(8)}.put"  # noqa: PTH120 - below pathlib
    shutil.copyfile(fresh, beside)
    mount.replace(beside, target)
    os.unlink(fresh)  # noqa: PTH108 - below pathlib


class _Entry:
    """What ``os.scandir`` tells of a file, under the path that was asked for."""

    def __init__(self, entry: os.DirEntry[str], folder: str) -> None:
        self._entry = entry
        self.name = entry.name
        self.path = f"{folder.rstrip('/')}/{entry.name}"

    def __fspath__(self) -> str:
        return self.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)


class _Scan:
    def __init__(self, found: Any, folder: str) -> None:
        self._found = found
        self._folder = folder

    def __iter__(self) -> Iterator[_Entry]:
        return (_Entry(entry, self._folder) for entry in self._found)

    def __next__(self) -> _Entry:
        return _Entry(next(self._found), self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._found.close()


_BY_PATH = (
    *("stat", "lstat", "listdir", "mkdir", "unlink", "remove", "rmdir", "access", "utime"),
    *("chmod", "readlink", "statvfs"),
)
_WRITING = frozenset("wax+")
_REFUSED = ("rename", "replace", "link", "symlink")


def attach(root: str) -> None:
    """Let this process see ``root`` as ``/Volumes`` from now on."""
    mount = Mount(os.path.realpath(root), tempfile.mkdtemp(prefix="volume-"))
    for name in _BY_PATH:
        setattr(os, name, _mapped(mount, getattr(os, name)))
    for name in _REFUSED:
        setattr(os, name, _refusing(mount, getattr(os, name)))
    _attach_opening(mount)
    _attach_listing(mount)
    _attach_locks(mount)


def _mapped(mount: Mount, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def mapped(path: Any = ".", *rest: Any, **options: Any) -> Any:
        return original(mount.real(path), *rest, **options)

    return mapped


def _refusing(mount: Mount, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def refusing(source: Any, target: Any, *rest: Any, **options: Any) -> Any:
        if mount.holds(source) or mount.holds(target):
            raise OSError(errno.ENOSYS, "Function not implemented")
        return original(source, target, *rest, **options)

    return refusing


def _attach_opening(mount: Mount) -> None:
    opening = _opening(mount, io.open)
    os.open = _opening_descriptors(mount, os.open)
    io.FileIO = _files(mount, io.FileIO)  # type: ignore[misc]
    builtins.open = opening
    io.open = opening


def _opening(mount: Mount, original: Callable[..., Any]) -> Callable[..., Any]:
    def opening(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if not mount.holds(file) or not set(mode) & _WRITING:
            return original(mount.real(file), mode, *rest, **options)
        raw = _uploading(mount, file, mode)
        if "b" in mode:
            return raw if rest[:1] == (0,) else io.BufferedWriter(raw)
        kept = {key: options[key] for key in ("encoding", "errors", "newline") if key in options}
        return io.TextIOWrapper(io.BufferedWriter(raw), **kept)

    return opening


def _files(mount: Mount, original: type[io.FileIO]) -> type[io.FileIO]:
    class Opened(original):  # type: ignore[misc, valid-type]
        def __new__(cls, file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            if mount.holds(file) and set(mode) & _WRITING:
                return _uploading(mount, file, mode)
            return original(mount.real(file), mode, *rest, **options)

    return Opened


def _opening_descriptors(mount: Mount, original: Callable[..., int]) -> Callable[..., int]:
    def opening(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        if mount.holds(path) and flags & os.O_APPEND:
            raise OSError(errno.ESPIPE, "Illegal seek")
        if mount.holds(path) and flags & os.O_EXCL and mount.lexists(mount.real(path)):
            raise FileExistsError(errno.EEXIST, "File exists", path)
        return original(mount.real(path), flags, *rest, **options)

    return opening


def _uploading(mount: Mount, file: Any, mode: str) -> _Upload:
    if "a" in mode or "+" in mode:
        raise OSError(errno.ESPIPE, "Illegal seek")
    return _Upload(mount, mount.real(file), exclusive="x" in mode)


def _attach_listing(mount: Mount) -> None:
    scan = os.scandir

    def scanning(path: Any = ".") -> Any:
        if mount.holds(path):
            return _Scan(scan(mount.real(path)), os.fsdecode(path))
        return scan(path)

    os.scandir = scanning


def _attach_locks(mount: Mount) -> None:
    import fcntl

    flock, lockf = fcntl.flock, fcntl.lockf

    def refused(original: Callable[..., Any]) -> Callable[..., Any]:
        def locking(descriptor: Any, *rest: Any) -> Any:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            if os.path.realpath(f"/proc/self/fd/{number}").startswith(mount.root + "/"):
                raise OSError(errno.ENOSYS, "Function not implemented")
            return original(descriptor, *rest)

        return locking

    fcntl.flock, fcntl.lockf = refused(flock), refused(lockf)
