"""A small disk of its own for tests that fill one or make it read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from researcher_job.limits.disk_reserve import is_disk_full


class SmallDisk:
    """A tmpfs at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    @property
    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, *, but: int = 0) -> None:
        """Leave ``but`` bytes free, roughly; with 0 there is no room for a single one."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while (room := self.free - but) > 0 or not but:
                    file.write(b"x" * min(max(room, 1), 1_000_000))
            except OSError as error:
                if but or not is_disk_full(error):
                    raise

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink()

    def make(self, mode: str) -> None:
        """Make the disk ``ro`` or ``rw``; nothing may write to it in that moment."""
        _run("mount", "-o", f"remount,{mode}", str(self.path))


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount it inside the block; skips the test where that is not allowed."""
    path.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk can be mounted by root only, and not everywhere")
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
