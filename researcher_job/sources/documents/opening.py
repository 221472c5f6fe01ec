"""Opens a file that was found, and nothing but that."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from researcher_job.sources.document import Reason, Unreadable

MAX_BYTES = 50_000_000
"""Larger files are recorded, never opened."""

_MORE = 65_536
"""Bytes to ask for at a time of a file that holds more than it said."""

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither link nor fifo


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
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _SAFELY)
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
