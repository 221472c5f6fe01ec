"""Which platform run may work on a job folder that has no lock, decided by run ids."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from research_contract import records
from research_contract.files import decode, read_whole
from research_contract.records import Run
from researcher_job.core.errors import LockHeld
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.storage import LOCAL

LIVE_SECONDS = 60.0
"""A run with an older status has ended, because a running one writes it every few seconds."""

APPEARS_SECONDS = 20.0
"""A file written by another machine may take this long to become visible through the mount."""

_POLL_SECONDS = 0.5


def check_run_owner(folder: JobFolder, run_id: str, now: datetime) -> None:
    """Check that the job belongs to the run ``run_id`` and that no other run works on it.

    Raises:
        LockHeld: another run owns the job or works on it.
    """
    run = decode(Run, read_whole(folder.file(records.RUN)))
    if run and run.run_id != run_id:
        raise LockHeld("This job belongs to another run, so this run does not change it.")
    status = folder.status()
    if not status or status.run_id in ("", run_id):
        return
    if abs((now - status.updated_at).total_seconds()) < LIVE_SECONDS:
        raise LockHeld("Another run works on this job; start this one again in a minute.")


def probe_requested(folder: JobFolder) -> bool:
    """Return whether the folder requests a probe instead of research.

    On a mount, wait until the request of either kind is visible.
    """
    delay = 0.0 if folder.storage is LOCAL else APPEARS_SECONDS
    deadline = time.monotonic() + delay
    while not _is_listed(folder.file(records.REQUEST)):
        if _is_listed(folder.file(records.PROBE)):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return False


def _is_listed(path: Path) -> bool:
    """Return whether the folder lists the file; a mount may cache that a single file is missing."""
    try:
        return any(entry.name == path.name for entry in path.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False
