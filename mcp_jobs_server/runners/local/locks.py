"""Alive means that an operating system lock is held: no reused process id can fake that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def take(path: Path, *, wait_seconds: float = 0) -> BaseFileLock | None:
    """Take the lock at ``path``, or return ``None`` where another process keeps it.

    Who must have a lock waits a second for it: ``held`` takes it for some microseconds.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait_seconds, mode=0o600, thread_local=False)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        return None
    return lock


def held(path: Path) -> bool:
    """Say whether some process holds the lock at ``path``."""
    if not path.exists():
        return False
    lock = take(path)
    if lock is None:
        return True
    lock.release()
    return False


@contextmanager
def taken(path: Path, *, wait_seconds: float = 0) -> Iterator[bool]:
    """Hold the lock inside the block; the value says whether it could be taken."""
    lock = take(path, wait_seconds=wait_seconds)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()
