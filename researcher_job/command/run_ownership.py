"""Whose turn it is at a job folder that has no lock: told by the ids of runs."""

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
"""A run whose status is older than this works no more: it writes one every few seconds."""

APPEARS_SECONDS = 20.0
"""A file that was written from elsewhere may become visible through the mount so late."""

_LOOK_SECONDS = 0.5


def check_run_owner(folder: JobFolder, run_id: str, now: datetime) -> None:
    """Refuse the folder where another run than ``run_id`` has the job or works on it.

    Raises:
        LockHeld: it is so.
    """
    run = decode(Run, read_whole(folder.file(records.RUN)))
    if run and run.run_id != run_id:
        raise LockHeld("This job belongs to another run, so this one leaves it alone.")
    status = folder.status()
    if not status or status.run_id in ("", run_id):
        return
    if abs((now - status.updated_at).total_seconds()) < LIVE_SECONDS:
        raise LockHeld("Another run works on this job; start this one again in a minute.")


def probe_requested(folder: JobFolder) -> bool:
    """Say whether a probe is asked for here, not research; on a mount wait for one or the other."""
    late = 0.0 if folder.storage is LOCAL else APPEARS_SECONDS
    until = time.monotonic() + late
    probe = folder.file(records.PROBE)
    while not _listed(folder.file(records.REQUEST)):
        if _listed(probe):
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_SECONDS)
    return False


def _listed(path: Path) -> bool:
    """Look for a file by listing its folder, since a mount may remember that it was missing."""
    try:
        return any(one.name == path.name for one in path.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False
