"""What keeps queued jobs from being begun, said to those who look at them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job

LEAST_ROOM = 4_000_000
"""Free bytes without which no job is begun: its reserve, and as much again."""

NO_ROOM = (
    "Waits for room: the disk that holds the job folders has less than"
    f" {LEAST_ROOM // 1_000_000} MB free."
)


def has_room(root: Path) -> bool:
    """Whether a job could begin to write; without room it would only die, and be charged."""
    return shutil.disk_usage(root).free >= LEAST_ROOM


class Hindrance:
    """``trouble`` is why no runner could be launched when that was last tried."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.trouble: JobsError | None = None

    def told(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs; the queued ones with what they wait for besides their turn."""
        waiting = [job for job in jobs if job.state == "queued" and not job.summary]
        said = self._said() if waiting else ""
        return [replace(job, summary=said) if said and job in waiting else job for job in jobs]

    def _said(self) -> str:
        if not has_room(self._root):
            return NO_ROOM
        return f"Waits: {self.trouble}" if self.trouble else ""
