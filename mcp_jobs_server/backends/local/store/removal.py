"""Removes jobs with their folders.

The folder moves to the trash in one step, then the row is deleted, then the trash is emptied. A
removal that is interrupted is finished when the next runner is opened.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass

from mcp_jobs_server.backends.folder_paths import make_private_directory
from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.database import translate_errors
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import Job, Owner
from research_contract.records import JOB_ID


@dataclass(eq=False)
class Removal:
    """Removes ended jobs of one data directory. All calls block."""

    store: JobStore
    paths: DataPaths

    def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove the job with its folder; ``False``: the owner has no such job.

        Raises:
            Conflict: the job has not ended, an unended job builds on it, or a process reads or
                writes its folder. Nothing is changed.
            Unavailable: the data directory cannot be used.
        """
        with translate_errors():
            if not self.store.remove(owner, job_id, remove_folder=self._move_to_trash):
                return False
            self._delete(job_id)
            return True

    def finish(self) -> None:
        """Finish interrupted removals.

        Raises:
            Unavailable: the data directory cannot be used.
        """
        with translate_errors():
            if not (self.paths.database.exists() and self.paths.trash.is_dir()):
                return
            for path in self.paths.trash.iterdir():
                if JOB_ID.fullmatch(path.name):
                    self.store.forget(path.name)
                    self._delete(path.name)

    def _move_to_trash(self, job: Job) -> None:
        with locks.try_lock(self.paths.job_lock(job.id)) as acquired:
            if not acquired:
                raise Conflict(
                    "Something reads or writes the job's folder.", "Try again in a moment."
                )
            make_private_directory(self.paths.trash)
            with contextlib.suppress(FileNotFoundError):
                (self.paths.jobs / job.folder).replace(self.paths.trash / job.id)

    def _delete(self, job_id: str) -> None:
        shutil.rmtree(self.paths.trash / job_id, ignore_errors=True)
        self.paths.job_lock(job_id).unlink(missing_ok=True)
