"""How a job paces itself. What a person can set comes with the request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobSettings:
    """Paces and bounds of one job; times in seconds.

    ``concurrency``: questions pursued at one time. ``status_seconds``: least time between two
    writes of ``status.json``; ``heartbeat_seconds``: most. ``look_seconds``: how often control
    files and limits are looked at. ``part_records``: records in one journal part.
    ``reserve_bytes``: room held back for the report.
    """

    cache_dir: Path
    concurrency: int = 3
    status_seconds: float = 0.2
    heartbeat_seconds: float = 2.0
    look_seconds: float = 0.25
    part_records: int = 1_000
    reserve_bytes: int = 2_000_000


def default_cache_dir() -> Path:
    """Return the user's cache directory for extracted and indexed documents."""
    from platformdirs import user_cache_path

    return user_cache_path("researcher-job", appauthor=False)
