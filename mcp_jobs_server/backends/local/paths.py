"""The paths in the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.backends.folder_paths import make_private_directory

MAX_LOG_BYTES = 1_000_000
"""Size at which the log is rotated; one older log is kept."""

FileId = tuple[int, int]
"""Device and number of a file. No other file has them while some process has it open."""


def file_id(path: Path) -> FileId | None:
    """Return the identity of the file at ``path``; ``None``: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@dataclass(frozen=True)
class DataPaths:
    """The paths below one data directory."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "jobs.sqlite3"

    @property
    def jobs(self) -> Path:
        """The root of the job folders."""
        return self.root / "jobs"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def index(self) -> Path:
        """Cache of text extracted from sources, which jobs share."""
        return self.root / "index"

    @property
    def trash(self) -> Path:
        """Job folders that are being removed."""
        return self.root / "trash"

    @property
    def log(self) -> Path:
        return self.root / "log" / "runner.log"

    def job_lock(self, job_id: str) -> Path:
        """Lock that the process of a job holds while it works."""
        return self.locks / f"{job_id}.lock"

    def runner_lock(self, profile: str) -> Path:
        """Lock that the runner process of a profile holds while it runs jobs."""
        return self.locks / f"runner-{profile}.lock"

    def runner_started(self, profile: str) -> Path:
        """File that a runner process writes each time it has acquired its lock."""
        return self.locks / f"runner-{profile}.up"

    def make(self) -> None:
        """Create the data directory and those in it, for their owner only."""
        make_private_directory(self.root)
        self.make_inside()

    def make_inside(self) -> None:
        """Create the directories inside the data directory, for their owner only.

        Raises:
            FileNotFoundError: the data directory is gone. It is not made anew.
        """
        for path in (self.jobs, self.locks, self.index, self.log.parent):
            make_private_directory(path, within=self.root)

    def rotate_log(self) -> None:
        """Rename the log if it is large."""
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
