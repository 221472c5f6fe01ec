"""Explains to users why queued jobs do not begin."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job

MIN_FREE_BYTES = 4_000_000
"""Free disk space without which no job is begun: its reserve file, and as much again."""

NO_SPACE = (
    "Waits for disk space: the disk that holds the job folders has less than"
    f" {MIN_FREE_BYTES // 1_000_000} MB free."
)


def has_space(root: Path) -> bool:
    """Return whether a job could write. Without space it would only die, and be charged for it."""
    return shutil.disk_usage(root).free >= MIN_FREE_BYTES


def with_blockers(
    jobs: Sequence[Job], *, root: Path, launch_error: JobsError | None
) -> Sequence[Job]:
    """Return the jobs; the summary of a queued job explains why it does not begin in its turn.

    Args:
        jobs: the jobs as read from the database.
        root: the data directory.
        launch_error: why no runner process could be launched at the last attempt.
    """
    waiting = [job.state == "queued" and not job.summary for job in jobs]
    if not any(waiting):
        return jobs
    blocker = f"Waits: {launch_error}" if launch_error else ""
    if not has_space(root):
        blocker = NO_SPACE
    return [
        replace(job, summary=blocker) if waits else job
        for job, waits in zip(jobs, waiting, strict=True)
    ]
