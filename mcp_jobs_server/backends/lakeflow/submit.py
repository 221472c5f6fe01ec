"""Submits the run of a job and records its id. Every step may be repeated without harm."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from mcp_jobs_server.backends.lakeflow.index import Index, IndexEntry
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Owner, job_folder
from research_contract.files import decode, encode
from research_contract.records import RUN, Record, Run

log = logging.getLogger(__name__)

RUNNER = "lakeflow"


class StartRecord(Record):
    """Content of the index entry of a job's creation.

    ``token`` is the idempotency token of its run, ``keys`` the files in ``keys`` that name the job.
    """

    token: str
    keys: tuple[str, ...] = ()


class Submitter:
    """Submits runs of jobs whose folder has a request."""

    def __init__(
        self, folders: VolumeFolders, index: Index, runs: Runs, clock: Callable[[], datetime]
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._clock = clock

    def token(self, owner: Owner, text: str) -> str:
        """Return the idempotency token for a key or job id: the same token makes one run."""
        parts = (self._folders.root, owner.folder, text)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    async def submit(self, owner: Owner, job_id: str, token: str) -> str:
        """Return the id of the run for this token, which may be an earlier run."""
        folder = self._folders.location(job_folder(owner, job_id))
        return await self._runs.start(folder, job_id, token)

    async def record_run(self, owner: Owner, job_id: str, run_id: str, *, attempt: int = 1) -> Run:
        """Write ``run.json``. If this fails, the next call that reads the job repeats it."""
        run = Run(runner=RUNNER, run_id=run_id, attempt=attempt, started_at=self._clock())
        folder = job_folder(owner, job_id)
        try:
            created = attempt == 1 and await self._folders.create(folder, RUN, encode(run))
            # An unreadable file would hide for ever how the run ended.
            if not created and (attempt > 1 or not await self._folders.record(Run, folder, RUN)):
                await self._folders.write(folder, RUN, encode(run))
        except JobsError as error:
            log.warning("run.json of job %s could not be written: %s", job_id, error.message)
        return run

    async def complete_start(self, owner: Owner, job_id: str, entry: IndexEntry | None) -> Run:
        """Submit the run of a job whose start was interrupted; an earlier run is returned."""
        start = None
        if entry is not None and entry.created_name:
            data = await self._index.read(owner, job_id, entry.created_name)
            start = decode(StartRecord, data)
        token = start.token if start else self.token(owner, job_id)
        return await self.record_run(owner, job_id, await self.submit(owner, job_id, token))

    async def run_again(self, owner: Owner, job_id: str, before: Run) -> Run:
        """Submit one more run; other servers that do so meanwhile get the same run."""
        run_id = await self.submit(owner, job_id, self.token(owner, f"{job_id}\0again"))
        log.info("job %s is started once more", job_id)
        return await self.record_run(owner, job_id, run_id, attempt=before.attempt + 1)
