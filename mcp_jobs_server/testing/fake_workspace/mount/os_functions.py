"""The path functions of ``os`` and the locks of ``fcntl`` as they behave below ``/Volumes``."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from .delayed_changes import API, DIRECTORY, MOUNT
from .volumes import STAGING, MountedVolumes, os_error, path_of

Function = Callable[..., Any]

_READING = ("stat", "lstat", "access", "readlink", "statvfs", "chdir")
_WRITING = ("mkdir", "rmdir", "unlink", "remove", "utime", "chmod")
_REFUSED = ("rename", "replace", "link", "symlink", "truncate")


def patch_os(volumes: MountedVolumes) -> None:
    """Replace the functions in this process."""
    for name in _READING:
        _patch(name, volumes, _read)
    for name in _WRITING:
        _patch(name, volumes, _write)
    for name in _REFUSED:
        _patch(name, volumes, _refuse)
    _patch("listdir", volumes, _listdir)
    _patch("scandir", volumes, _scandir)
    _patch("getcwd", volumes, lambda volumes, original: volumes.volume_path(original()))
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock = functools.partial(_lock, volumes, fcntl.flock)
    fcntl.lockf = functools.partial(_lock, volumes, fcntl.lockf)


def _patch(name: str, volumes: MountedVolumes, function: Function) -> None:
    """Replace ``os.NAME`` by a function that gets the volumes and the original first."""
    original = getattr(os, name, None)
    if original is None:
        return  # not on this system
    patched = functools.wraps(original)(functools.partial(function, volumes, original))
    setattr(os, name, patched)
    for supported in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
        if original in supported:
            supported.add(patched)


def _read(
    volumes: MountedVolumes, original: Function, path: Any, *rest: Any, **options: Any
) -> Any:
    real = volumes.real_path(volumes.absolute(path, options.get("dir_fd")))
    if real is None or isinstance(path, int):
        return original(path, *rest, **options)
    options.pop("dir_fd", None)
    return _call(original, volumes.for_reading(real, path), path, *rest, **options)


def _write(
    volumes: MountedVolumes, original: Function, path: Any, *rest: Any, **options: Any
) -> Any:
    real = volumes.real_path(volumes.absolute(path, options.get("dir_fd")))
    if real is None or isinstance(path, int):
        return original(path, *rest, **options)
    options.pop("dir_fd", None)
    real = volumes.for_writing(real, path)
    if original.__name__ in ("unlink", "remove"):
        volumes.delayed.keep_previous(real, API)
    return _call(original, real, path, *rest, **options)


def _refuse(
    volumes: MountedVolumes, original: Function, path: Any, *rest: Any, **options: Any
) -> Any:
    for argument in (path, *rest, *options.values()):
        if volumes.real_path(argument) is not None:
            raise os_error(errno.ENOSYS, path)
    return original(path, *rest, **options)


def _call(original: Function, real: str, path: Any, *rest: Any, **options: Any) -> Any:
    """Call a function with the real path; an error names the path of the caller."""
    try:
        return original(real, *rest, **options)
    except OSError as error:
        raise os_error(error.errno or errno.EIO, path) from None


# --- listings ---------------------------------------------------------------------------------


@dataclass(eq=False)
class _Entry:
    """An ``os.DirEntry`` whose path is below ``/Volumes``."""

    entry: os.DirEntry[str]
    path: str

    def __fspath__(self) -> str:
        return self.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)


@dataclass(eq=False)
class _Scan(Iterator[Any], AbstractContextManager["_Scan"]):
    """The result of ``os.scandir``: an iterator over entries that can be closed."""

    entries: Iterator[Any]

    def __next__(self) -> Any:
        return next(self.entries)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: the directory was read before."""


def _listdir(volumes: MountedVolumes, original: Function, path: Any = ".") -> Any:
    real = volumes.real_path(volumes.absolute(path))
    if real is None:
        return original(path)
    names = (
        original(path)
        if isinstance(path, int)
        else _call(original, volumes.for_reading(real, path), path)
    )
    return [name for name in names if _is_visible(volumes, real, name)]


def _scandir(volumes: MountedVolumes, original: Function, path: Any = ".") -> Any:
    real = volumes.real_path(volumes.absolute(path))
    if real is None:
        return original(path)
    if isinstance(path, int):
        with original(path) as entries:
            return _Scan(iter([one for one in entries if _is_visible(volumes, real, one.name)]))
    with _call(original, volumes.for_reading(real, path), path) as entries:
        visible = [entry for entry in entries if _is_visible(volumes, real, entry.name)]
    parent = os.fsdecode(path).rstrip("/")
    return _Scan(_Entry(entry, f"{parent}/{entry.name}") for entry in visible)


def _is_visible(volumes: MountedVolumes, real: str, name: str) -> bool:
    if real == volumes.root and name in (STAGING, DIRECTORY):
        return False
    return volumes.delayed.visible(f"{real}/{name}", MOUNT) is not None


# --- locks ------------------------------------------------------------------------------------


def _lock(volumes: MountedVolumes, original: Function, file: Any, *rest: Any) -> Any:
    path = path_of(file if isinstance(file, int) else file.fileno())
    if volumes.volume_path(path) != path:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return original(file, *rest)
