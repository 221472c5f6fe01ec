"""How long jobs take, also where somebody sets the clock of the machine meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mcp_jobs_server.core.models import Job

MOST_JOBS = 10_000
"""Jobs whose first look is remembered."""


def seconds_since_boot() -> float:
    """Return seconds that nobody can set; where the system allows, they count while it sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(eq=False)
class ElapsedTime:
    """The seconds since jobs were made.

    From the first look at a job on, this counts by ``steady``: setting the clock has no effect.

    Args:
        clock: returns the time, in UTC.
        steady: returns seconds; only differences count.
    """

    clock: Callable[[], datetime]
    steady: Callable[[], float]
    _first_looks: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)

    def seconds(self, job: Job, active_seconds: float = 0.0) -> int:
        """Return the seconds until now, or until the job ended.

        ``active_seconds`` is how long it worked, as its process counted: it took no less.
        """
        now = self.steady()
        by_clock = ((job.ended_at or self.clock()) - job.request.created_at).total_seconds()
        if len(self._first_looks) >= MOST_JOBS:
            self._first_looks.pop(next(iter(self._first_looks)))
        looked, elapsed = self._first_looks.setdefault(job.id, (now, max(0.0, by_clock)))
        counted = elapsed + now - looked
        return round(max(active_seconds, min(by_clock, counted) if job.ended else counted))
