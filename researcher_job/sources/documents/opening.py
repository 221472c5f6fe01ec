"""Opens files and folders by their recorded paths, which lead through no link.

A path is recorded without links. If one of its parts is a link now, it was swapped later and leads
to what nobody granted, so nothing is opened.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePath

from research_contract.descent import listable, open_below, stat_below
from researcher_job.sources.document import Reason, Unreadable

MAX_BYTES = 50_000_000
"""Larger files are recorded, never opened."""

_MORE = 65_536
"""Bytes to ask for at a time of a file that holds more than it said."""

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_SAFELY = getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for a writer
_LONGEST = 4_095
"""Bytes of a path that the system opens; deeper folders are named as such, not read."""

_MOUNTED = re.compile(r"/Volumes/[^/]+/[^/]+/[^/]+")
"""A volume on Databricks. How the platform mounts it is its own business; below it, links count."""


@dataclass(frozen=True)
class Opened:
    """What stood in a file, and its state at that moment."""

    data: bytes
    signature: str
    changed_ns: int


def read(path: str) -> Opened:
    """Return what stands in the file; it is looked at again, now that it is open.

    Raises:
        Unreadable: it may not be opened, is gone, is no regular file any more or grew too large.
    """
    try:
        descriptor = open_file(path)
    except PermissionError as error:
        raise Unreadable(Reason.FORBIDDEN) from error
    except (OSError, ValueError) as error:
        raise Unreadable(Reason.GONE) from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable(Reason.SPECIAL)
        data = _content(descriptor, about.st_size)
    except OSError as error:
        raise Unreadable(Reason.FORBIDDEN) from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise Unreadable(Reason.TOO_LARGE)
    return Opened(data, signature(about), changed_ns(about))


def open_file(path: str) -> int:
    """Return a descriptor for reading the file at ``path``.

    Raises:
        OSError: it cannot be opened, or a part of the path is a link.
    """
    return open_below(*_split(path), os.O_RDONLY | _BINARY | _SAFELY)


def folder(path: str) -> AbstractContextManager[int | str]:
    """Return a context that yields what ``os.scandir`` takes for the folder at ``path``.

    Raises:
        OSError: on entering it: the folder cannot be opened, or a part of the path is a link.
    """
    if len(os.fsencode(path)) > _LONGEST:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return listable(*_split(path))


def look(path: str) -> os.stat_result:
    """Return what ``os.lstat`` says, but follow no link on the way to ``path``.

    Raises:
        OSError: there is nothing, or the path leads through a link.
    """
    return stat_below(*_split(path))


def _split(path: str) -> tuple[str, Sequence[str]]:
    """Return where to begin, and the names to open one after the other from there."""
    mounted = _MOUNTED.match(path) if sys.platform == "linux" else None
    start = mounted[0] if mounted else PurePath(path).anchor
    return start, PurePath(path[len(start) :].lstrip(os.sep)).parts


def _content(descriptor: int, size: int) -> bytes:
    """Return all bytes, one more than ``MAX_BYTES`` at most; ``size`` is what is expected."""
    parts: list[bytes] = []
    room, next_part = MAX_BYTES + 1, size + 1
    while room > 0 and (part := os.read(descriptor, min(next_part, room))):
        parts.append(part)
        room, next_part = room - len(part), _MORE
    return b"".join(parts)


def signature(about: os.stat_result) -> str:
    """Return what changes when the file does: size, times, and which file it is."""
    return f"{about.st_size}.{about.st_mtime_ns}.{about.st_ctime_ns}.{about.st_ino}"


def changed_ns(about: os.stat_result) -> int:
    """Return when the file changed last, in nanoseconds since 1970."""
    return max(about.st_mtime_ns, about.st_ctime_ns)
