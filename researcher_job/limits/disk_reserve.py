"""Room on the disk that a job holds back for its report, and what says that there is none left."""

from __future__ import annotations

import contextlib
import errno
import secrets
import sqlite3
from pathlib import Path

from research_contract import records

DISK_FULL = "The disk is full or cannot be written, so the work ended here."

_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_SQLITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY})


class DiskReserve:
    """The file ``.reserve`` of the job folder ``root``: ``size`` bytes that nothing else can take.

    Where other programs fill the disk in the moment it is given up, it cannot help.
    """

    def __init__(self, root: Path, size: int) -> None:
        self._path = root / records.RESERVE
        self._size = size

    def allocate(self) -> None:
        """Make the file, unless an earlier attempt left it or none is wanted.

        Raises:
            OSError: there is no room for it; nothing of it stays.
        """
        with contextlib.suppress(FileNotFoundError):
            if not self._size or self._path.stat().st_size >= self._size:
                return
        try:
            # Random, so that no file system saves room by compressing it.
            self._path.write_bytes(secrets.token_bytes(self._size))
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Remove the file, for good or to write the report in its place."""
        with contextlib.suppress(OSError):
            self._path.unlink()


def is_disk_full(error: BaseException | None) -> bool:
    """Say whether ``error``, or one that it stands for, means that nothing can be written."""
    if error is None:
        return False
    if isinstance(error, BaseExceptionGroup):
        return any(is_disk_full(one) for one in error.exceptions)
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE:
        return True
    return is_disk_full(error.__cause__)
