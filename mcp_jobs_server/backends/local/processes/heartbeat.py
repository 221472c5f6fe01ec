"""How a job is getting on, seen from outside: heartbeat, active time, and what it has reached."""

from __future__ import annotations

from pathlib import Path

from research_contract.files import NewerFormat, decode, read_whole
from research_contract.records import STATUS, Status


class Progress:
    """Follows ``status.json`` of one attempt. Seconds are those that the runner was awake."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATUS
        self._seen: tuple[int, int] | None = None
        self._reported = 0.0
        self._watched = 0.0
        self._most = (0, 0, 0)
        self.quiet_seconds = 0.0
        self.look(0)
        self._before = self._reported

    @property
    def active_seconds(self) -> float:
        """Active seconds over all attempts: what the job counted, or what was seen if more."""
        return max(self._reported, self._before + self._watched)

    @property
    def reached(self) -> int:
        """How far the job has come: finished questions, pieces of evidence and files read, each
        at its highest. An attempt that repeats what an earlier one did comes no further, and
        the number of steps, which grows with every start, does not count."""
        return sum(self._most)

    def look(self, seconds: float) -> None:
        """Look again, ``seconds`` after the last time."""
        self._watched += seconds
        self.quiet_seconds += seconds
        try:
            found = self._path.stat()
        except OSError:
            return
        if self._seen != (found.st_mtime_ns, found.st_size):
            self._seen = (found.st_mtime_ns, found.st_size)
            self.quiet_seconds = 0.0
            self._read()

    def suspended(self) -> None:
        """Forget the time in which the job could not work, since it was suspended."""
        self.quiet_seconds = 0.0
        self._watched = 0.0
        self._before = self._reported

    def _read(self) -> None:
        try:
            status = decode(Status, read_whole(self._path))
        except (OSError, NewerFormat):
            return
        if status is not None:
            self._reported = status.spent.active_seconds
            read = status.coverage.read if status.coverage else 0
            done, evidence, files = self._most
            self._most = (
                max(done, status.done),
                max(evidence, status.last_evidence),
                max(files, read),
            )
