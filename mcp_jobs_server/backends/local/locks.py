"""Alive means that an operating system lock is held: no reused process id can fake that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def take(path: Path, *, wait_seconds: float = 0) -> BaseFileLock | None:
    """Take the lock at ``path``, or return ``None`` where another process keeps it.

    Who must have a lock waits a second for it: ``held`` stands in the way for microseconds.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait_seconds, mode=0o600, thread_local=False)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        return None
    return lock


@contextmanager
def taken(path: Path, *, wait_seconds: float = 0) -> Iterator[bool]:
    """Hold the lock inside the block; the value says whether it could be taken."""
    lock = take(path, wait_seconds=wait_seconds)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


if sys.platform == "win32":

    def held(path: Path) -> bool:
        """Say whether some process holds the lock at ``path``.

        Windows has no look that does not take: another that looks at the same moment is told
        from a holder by its being gone soon.
        """
        if not path.exists():
            return False
        lock = take(path, wait_seconds=0.1)
        if lock is None:
            return True
        lock.release()
        return False

    @contextmanager
    def barred(path: Path) -> Iterator[bool]:
        """Keep others from taking the lock inside the block; the value says whether it was
        free. Here ``held`` takes this for a holder."""
        with taken(path) as free:
            yield free

else:
    import fcntl

    def held(path: Path) -> bool:
        """Say whether some process holds the lock at ``path``.

        A shared lock is tried, of the kind that ``take`` takes exclusively (flock), so that any
        number may look at one moment and none takes another for a holder.
        """
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def barred(path: Path) -> Iterator[bool]:
        """Keep others from taking the lock inside the block; the value says whether it was
        free. ``held`` does not take this for a holder."""
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                free = False
            else:
                free = True
            yield free
