"""The functions of ``os`` and ``fcntl`` that take paths, as they behave below ``/Volumes``."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Self

from .lateness import KEPT, MOUNT
from .places import STAGING, Places, refusal

Function = Callable[..., Any]

_READING = ("stat", "lstat", "access", "readlink", "statvfs", "chdir")
_CHANGING = ("mkdir", "rmdir", "unlink", "remove", "utime", "chmod")
_REFUSED = ("rename", "replace", "link", "symlink", "truncate")


def attach_paths(places: Places) -> None:
    """Take over the functions of this process."""
    for name in _READING:
        _take(name, _mapped(places, writes=False))
    for name in _CHANGING:
        _take(name, _mapped(places, writes=True))
    for name in _REFUSED:
        _take(name, _refusing(places))
    _take("listdir", _listing(places))
    _take("scandir", _scanning(places))
    _take("getcwd", lambda original: lambda: places.shown(original()))
    _attach_locks(places)


def _take(name: str, wrap: Callable[[Function], Function]) -> None:
    original = getattr(os, name, None)
    if original is None:
        return  # not on this system
    wrapped = functools.wraps(original)(wrap(original))
    setattr(os, name, wrapped)
    for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
        if original in able:
            able.add(wrapped)


def _mapped(places: Places, *, writes: bool) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        def mapped(path: Any, *rest: Any, **options: Any) -> Any:
            real = places.behind(path)
            if real is None:
                return original(path, *rest, **options)
            if writes:
                real = places.for_writing(real, path)
                _changing(places, original.__name__, real)
            else:
                real = places.for_reading(real, path)
            return _called(original, real, path, *rest, **options)

        return mapped

    return wrap


def _changing(places: Places, name: str, real: str) -> None:
    if name in ("unlink", "remove"):
        places.changes(real)


def _called(original: Function, real: str, given: Any, *rest: Any, **options: Any) -> Any:
    """Call it with the real path; errors name the path that the caller gave."""
    try:
        return original(real, *rest, **options)
    except OSError as error:
        raise refusal(error.errno or errno.EIO, given) from None


def _refusing(places: Places) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        def refusing(path: Any, *rest: Any, **options: Any) -> Any:
            for one in (path, *rest, *options.values()):
                if places.behind(one) is not None:
                    raise refusal(errno.ENOSYS, path)
            return original(path, *rest, **options)

        return refusing

    return wrap


# --- listings ---------------------------------------------------------------------------------


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
    """What ``os.scandir`` returns: an iterator that can be closed."""

    def __init__(self, entries: Iterator[_Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Entry:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the listing."""


def _listing(places: Places) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        def listing(path: Any = ".") -> Any:
            real = places.behind(path)
            if real is None:
                return original(path)
            names = _called(original, places.for_reading(real, path), path)
            return [name for name in names if _is_seen(places, real, name)]

        return listing

    return wrap


def _scanning(places: Places) -> Callable[[Function], Function]:
    def wrap(original: Function) -> Function:
        def scanning(path: Any = ".") -> Any:
            real = places.behind(path)
            if real is None:
                return original(path)
            with _called(original, places.for_reading(real, path), path) as found:
                seen = [entry for entry in found if _is_seen(places, real, entry.name)]
            return _Scan(_Entry(entry, os.fsdecode(path)) for entry in seen)

        return scanning

    return wrap


def _is_seen(places: Places, real: str, name: str) -> bool:
    if real == places.root and name in (STAGING, KEPT):
        return False
    return places.lateness.seen(f"{real}/{name}", MOUNT) is not None


# --- locks ------------------------------------------------------------------------------------


def _attach_locks(places: Places) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has none
        return

    def refused(original: Function) -> Function:
        def locking(file: Any, *rest: Any) -> Any:
            descriptor = file if isinstance(file, int) else file.fileno()
            if _is_inside(places, descriptor):
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            return original(file, *rest)

        return locking

    fcntl.flock, fcntl.lockf = refused(fcntl.flock), refused(fcntl.lockf)


def _is_inside(places: Places, descriptor: int) -> bool:
    """Say whether the descriptor is of a file of the mount."""
    if sys.platform == "darwin":
        import fcntl

        path = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()
    else:
        path = os.path.realpath(f"/proc/self/fd/{descriptor}")
    return places.shown(path) != path
