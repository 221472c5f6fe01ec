"""How a job is getting on, seen from outside: its heartbeat, its active time, its last step."""

from __future__ import annotations

from pathlib import Path

from researcher_job.contract import STATUS, NewerFormat, Status, decode, read_whole


class Progress:
    """Follows ``status.json`` of one attempt. Seconds are those that the runner was awake."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATUS
        self._seen: tuple[int, int] | None = None
        self._reported = 0.0
        self._watched = 0.0
        self.quiet_seconds = 0.0
        self.last_step = 0
        self.look(0)
        self._before = self._reported

    @property
    def active_seconds(self) -> float:
        """Active seconds over all attempts: what the job counted, or what was seen if more."""
        return max(self._reported, self._before + self._watched)

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

    def _read(self) -> None:
        try:
            status = decode(Status, read_whole(self._path))
        except (OSError, NewerFormat):
            return
        if status is not None:
            self._reported = status.spent.active_seconds
            self.last_step = status.last_step
