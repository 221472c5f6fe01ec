"""Removes job folders: out of sight first, then for good."""

from __future__ import annotations

import contextlib
import shutil

from mcp_jobs_server.errors import Conflict
from mcp_jobs_server.folders.paths import make_private
from mcp_jobs_server.models import Job
from mcp_jobs_server.runners.local import locks
from mcp_jobs_server.runners.local.layout import Layout


def remove_folder(layout: Layout, job: Job) -> None:
    """Move the folder of an ended job to the trash in one step and delete it there.

    Raises:
        Conflict: the job has not ended, or something works in its folder.
    """
    if not job.ended:
        raise Conflict("The job has not ended.", "Cancel it first, then remove it.")
    with locks.taken(layout.job_lock(job.id)) as free:
        if not free:
            raise Conflict("Something works on the job's folder.", "Try again when it has ended.")
        make_private(layout.trash)
        trashed = layout.trash / job.id
        shutil.rmtree(trashed, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            (layout.jobs / job.folder).replace(trashed)
    shutil.rmtree(trashed, ignore_errors=True)
    layout.job_lock(job.id).unlink(missing_ok=True)
