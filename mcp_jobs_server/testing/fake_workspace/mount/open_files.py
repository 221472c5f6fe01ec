"""``open`` and its relatives below ``/Volumes``: files are written completely or not at all."""

from __future__ import annotations

import builtins
import errno
import functools
import io
import os
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from .delayed_changes import API
from .volumes import STAGING, MountedVolumes, os_error

_WRITING = frozenset("wax+")

_os_open, _replace = os.open, os.replace
_isdir, _lexists, _dirname = os.path.isdir, os.path.lexists, os.path.dirname


def patch_open(volumes: MountedVolumes) -> None:
    """Replace ``open``, ``io.open``, ``io.FileIO`` and ``os.open`` in this process."""
    patched: Callable[..., Any] = functools.partial(_open, volumes, io.open)
    os.open = functools.partial(_open_descriptor, volumes)
    io.FileIO = _file_io(volumes, io.FileIO)  # type: ignore[misc]
    builtins.open = patched
    io.open = patched


class Upload(io.FileIO):
    """A file opened for writing that appears at its path when it is closed.

    Raises:
        PermissionError: the identity may not write there.
        OSError: the mode appends or changes in place (``ESPIPE``).
        IsADirectoryError: the path is a directory.
        FileExistsError: the mode is exclusive and the path exists.
        FileNotFoundError: the directory does not exist.
    """

    def __init__(self, volumes: MountedVolumes, path: Any, mode: str) -> None:
        if "a" in mode or "+" in mode:
            raise os_error(errno.ESPIPE, path)
        self._real = volumes.for_writing(volumes.real_path(path) or "", path)
        if _isdir(self._real):
            raise os_error(errno.EISDIR, path)
        if "x" in mode and _lexists(self._real):
            raise os_error(errno.EEXIST, path)
        if not _isdir(_dirname(self._real)):
            raise os_error(errno.ENOENT, path)
        self._volumes = volumes
        staging = f"{volumes.root}/{STAGING}"
        os.makedirs(staging, exist_ok=True)  # noqa: PTH103 - below pathlib
        self._staged = f"{staging}/{token_hex(8)}"
        super().__init__(_os_open(self._staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w")
        self.name = os.fspath(path)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._volumes.delayed.keep_previous(self._real, API)
            _replace(self._staged, self._real)


def _open(
    volumes: MountedVolumes,
    original: Callable[..., Any],
    file: Any,
    mode: str = "r",
    *rest: Any,
    **options: Any,
) -> Any:
    if volumes.real_path(file) is None:
        return original(file, mode, *rest, **options)
    if not set(mode) & _WRITING:
        options.setdefault("opener", _opener)
        return original(file, mode, *rest, **options)
    names = ("buffering", "encoding", "errors", "newline")
    options |= dict(zip(names, rest, strict=False))
    raw = Upload(volumes, file, mode)
    if "b" in mode:
        return raw if options.get("buffering") == 0 else io.BufferedWriter(raw)
    encoding = options.get("encoding") or "utf-8"
    errors, newline = options.get("errors"), options.get("newline")
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, newline)


def _opener(path: str, flags: int) -> int:
    """Open with the replaced ``os.open``, which the original ``open`` would not call."""
    return os.open(path, flags)


def _file_io(volumes: MountedVolumes, original: type[io.FileIO]) -> type[io.FileIO]:
    class FileIO(original):  # type: ignore[misc, valid-type]
        def __new__(cls, file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            if volumes.real_path(file) is None:
                return original(file, mode, *rest, **options)
            if set(mode) & _WRITING:
                return Upload(volumes, file, mode)
            return original(file, mode, *rest, **{"opener": _opener, **options})

    return FileIO


def _open_descriptor(
    volumes: MountedVolumes, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
) -> int:
    """``os.open``: a descriptor changes its file in place, so only new or emptied files are
    opened for writing."""
    real = volumes.real_path(volumes.absolute(path, dir_fd))
    if real is None:
        return _os_open(path, flags, mode, dir_fd=dir_fd)
    if not flags & (os.O_WRONLY | os.O_RDWR):
        real = volumes.for_reading(real, path)
    else:
        if flags & os.O_APPEND or (flags & os.O_RDWR and not flags & (os.O_TRUNC | os.O_EXCL)):
            raise os_error(errno.ESPIPE, path)
        real = volumes.for_writing(real, path)
        volumes.delayed.keep_previous(real, API)
    try:
        return _os_open(real, flags, mode)
    except OSError as error:
        raise os_error(error.errno or errno.EIO, path) from None
