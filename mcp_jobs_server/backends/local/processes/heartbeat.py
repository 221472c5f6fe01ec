"""Follows a job from outside: its heartbeat, its active time and its progress."""

from __future__ import annotations

from pathlib import Path

from research_contract.files import NewerFormat, decode, read_whole
from research_contract.records import STATUS, Status


class Heartbeat:
    """Follows ``status.json`` during one attempt. Times are seconds in which the runner was awake.

    Attributes:
        quiet_seconds: time since ``status.json`` last changed.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATUS
        self._version: tuple[int, int] | None = None
        self._reported_seconds = 0.0
        self._watched_seconds = 0.0
        self._highest = (0, 0, 0)
        self.quiet_seconds = 0.0
        self.look(0)
        self._seconds_before = self._reported_seconds

    @property
    def active_seconds(self) -> float:
        """Active seconds over all attempts: as the job counted them, or as watched, if more."""
        return max(self._reported_seconds, self._seconds_before + self._watched_seconds)

    @property
    def progress(self) -> int:
        """Finished questions, pieces of evidence and files read, each at its highest.

        An attempt that repeats the work of an earlier one makes no progress. The number of steps
        grows with every start, so it does not count.
        """
        return sum(self._highest)

    def look(self, seconds: float) -> None:
        """Look again, ``seconds`` after the last time."""
        self._watched_seconds += seconds
        self.quiet_seconds += seconds
        try:
            found = self._path.stat()
        except OSError:
            return
        if self._version == (found.st_mtime_ns, found.st_size):
            return
        self._version = (found.st_mtime_ns, found.st_size)
        self.quiet_seconds = 0.0
        try:
            status = decode(Status, read_whole(self._path))
        except (OSError, NewerFormat):
            return
        if status is not None:
            self._reported_seconds = status.spent.active_seconds
            files_read = status.coverage.read if status.coverage else 0
            current = (status.done, status.last_evidence, files_read)
            done, evidence, files = map(max, self._highest, current)
            self._highest = (done, evidence, files)

    def forget_suspended_time(self) -> None:
        """Do not count the time in which the job was suspended and could not work."""
        self.quiet_seconds = 0.0
        self._watched_seconds = 0.0
        self._seconds_before = self._reported_seconds
