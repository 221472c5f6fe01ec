"""How a job paces itself. What a person can set comes with the request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class JobSettings:
    """Paces and bounds of one job; times in seconds.

    ``concurrency``: questions pursued at one time. ``status_seconds``: least time between two
    writes of ``status.json``; ``heartbeat_seconds``: most. ``look_seconds``: how often control
    files and limits are looked at. ``part_records``: records in one journal part.
    ``reserve_bytes``: room held back for the report. ``progress_seconds``: least time between two
    writes of ``progress.md``.
    """

    cache_dir: Path
    concurrency: int = 3
    status_seconds: float = 0.2
    heartbeat_seconds: float = 2.0
    look_seconds: float = 0.25
    part_records: int = 1_000
    reserve_bytes: int = 2_000_000
    progress_seconds: float = 0.0

    def on_mount(self) -> JobSettings:
        """Return the paces for a folder that is reached through a mount: it bears few writes.

        There is no room to hold back, since what a Volume may hold is not shared with others.
        """
        return replace(
            self,
            status_seconds=2.0,
            heartbeat_seconds=3.0,
            look_seconds=1.0,
            part_records=200,
            reserve_bytes=0,
            progress_seconds=10.0,
        )


def default_cache_dir() -> Path:
    """Return the user's cache directory for extracted and indexed documents."""
    from platformdirs import user_cache_path

    return user_cache_path("researcher-job", appauthor=False)
