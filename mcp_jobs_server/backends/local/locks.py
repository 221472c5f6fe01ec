"""Locks of the operating system, which tell whether a process is alive.

A lock is released when its process ends. A reused process id cannot fake that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def try_lock(path: Path, *, wait_seconds: float = 0) -> Iterator[bool]:
    """Hold the lock at ``path`` inside the block; yield whether it could be acquired.

    It could not if another process holds it for longer than ``wait_seconds``. A process that must
    have the lock waits a second for it: ``is_held`` and ``reserve`` of other processes keep it for
    a moment.

    Raises:
        FileNotFoundError: the directory of the lock is gone; it is not made anew.
    """
    from filelock import FileLock, Timeout

    path.parent.stat()
    lock = FileLock(path, timeout=wait_seconds, mode=0o600, thread_local=False)
    acquired = True
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout:
        acquired = False
    try:
        yield acquired
    finally:
        if acquired:
            lock.release()


def is_held(path: Path) -> bool:
    """Return whether some process holds the lock at ``path``.

    On POSIX this tries a shared lock, of the kind (flock) that ``try_lock`` takes exclusively. Any
    number of processes may look at the same moment, and none takes another for a holder.

    Windows cannot look at a lock without taking it. Another process that looks at the same moment
    has released the lock soon, so this tries for 0.1 s.
    """
    held = False
    if sys.platform == "win32":
        if path.exists():
            with try_lock(path, wait_seconds=0.1) as acquired:
                held = not acquired
    else:
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                held = True
    return held


@contextmanager
def reserve(path: Path) -> Iterator[bool]:
    """Keep other processes from acquiring the lock inside the block; yield whether it was free.

    On POSIX ``is_held`` does not take this process for a holder; on Windows it does.
    """
    if sys.platform == "win32":
        with try_lock(path) as acquired:
            yield acquired
    else:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                was_free = False
            else:
                was_free = True
            yield was_free
