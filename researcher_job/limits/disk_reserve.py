"""Disk space that a job reserves for its report, and the errors that mean a full disk."""

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
    """The file ``.reserve`` of the job folder ``root``: ``size`` bytes for writing the report.

    It does not help if other programs fill the disk right after it is released.
    """

    def __init__(self, root: Path, size: int) -> None:
        self._path = root / records.RESERVE
        self._size = size

    def allocate(self) -> None:
        """Write the file, unless the size is 0 or an earlier attempt left a large enough one.

        Raises:
            OSError: there is not enough space; no part of the file remains.
        """
        with contextlib.suppress(FileNotFoundError):
            if not self._size or self._path.stat().st_size >= self._size:
                return
        try:
            # Random bytes, so that no file system saves space by compressing them.
            self._path.write_bytes(secrets.token_bytes(self._size))
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Remove the file, before the report is written or at the end of the job."""
        with contextlib.suppress(OSError):
            self._path.unlink()


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether ``error`` or its cause, or any error of a group, means a full disk.

    A disk that cannot be written (read-only, or over its quota) counts as full.
    """
    if error is None:
        return False
    if isinstance(error, BaseExceptionGroup):
        return any(is_disk_full(member) for member in error.exceptions)
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return True
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE:
        return True
    return is_disk_full(error.__cause__)
