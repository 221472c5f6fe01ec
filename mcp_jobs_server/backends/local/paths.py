"""What lies where in the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.backends.folder_paths import make_private

LARGEST_LOG = 1_000_000
"""Bytes after which the log is set aside; one older log is kept."""


@dataclass(frozen=True)
class Layout:
    """The paths below one data directory."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "jobs.sqlite3"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def index(self) -> Path:
        """Cache of what was read from sources; given to jobs."""
        return self.root / "index"

    @property
    def trash(self) -> Path:
        return self.root / "trash"

    @property
    def log(self) -> Path:
        return self.root / "log" / "runner.log"

    def job_lock(self, job_id: str) -> Path:
        """Lock that the job's own process holds while it works."""
        return self.locks / f"{job_id}.lock"

    def runner_lock(self, profile: str) -> Path:
        """Lock that the runner process of a profile holds while it looks after jobs."""
        return self.locks / f"runner-{profile}.lock"

    def came_up(self, profile: str) -> Path:
        """File that a runner process touches each time it has taken its lock."""
        return self.locks / f"runner-{profile}.up"

    def make(self) -> None:
        """Make the directories, the owner's alone."""
        for path in (self.jobs, self.locks, self.index, self.log.parent):
            make_private(path)

    def rotate_log(self) -> None:
        """Set the log aside once it is large."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
