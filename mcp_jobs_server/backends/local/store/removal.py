"""Removes jobs: the folder goes to the trash in one step, then the row, then what is in the trash.

Whatever interrupts that, what lies in the trash is removed for good by the next start.
"""

from __future__ import annotations

import contextlib
import shutil

from mcp_jobs_server.backends.folder_paths import make_private
from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.store.jobs import Store
from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import Job, Owner
from research_contract.records import JOB_ID


class Removal:
    """Removes ended jobs of one data directory. All calls block."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self._store = store
        self._layout = layout

    def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove the job with its folder; ``False``: the owner has no such job.

        Raises:
            Conflict: it has not ended, a job that has not ended builds on it, or a process
                reads or writes its folder. Nothing is changed then.
        """
        if not self._store.remove(owner, job_id, take=self._to_trash):
            return False
        self._empty(job_id)
        return True

    def finish(self) -> None:
        """Finish the removals that were interrupted."""
        if not self._layout.trash.is_dir():
            return
        for path in self._layout.trash.iterdir():
            if JOB_ID.fullmatch(path.name):
                self._store.forget(path.name)
                self._empty(path.name)

    def _to_trash(self, job: Job) -> None:
        with locks.taken(self._layout.job_lock(job.id)) as free:
            if not free:
                raise Conflict(
                    "Something reads or writes the job's folder.", "Try again in a moment."
                )
            make_private(self._layout.trash)
            with contextlib.suppress(FileNotFoundError):
                (self._layout.jobs / job.folder).replace(self._layout.trash / job.id)

    def _empty(self, job_id: str) -> None:
        shutil.rmtree(self._layout.trash / job_id, ignore_errors=True)
        self._layout.job_lock(job_id).unlink(missing_ok=True)
