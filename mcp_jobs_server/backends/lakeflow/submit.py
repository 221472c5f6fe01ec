"""Asks for the run of a job and writes down which run it is. Every part is harmless twice."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_names import Entry
from mcp_jobs_server.backends.lakeflow.index_records import Made
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Owner, job_folder
from research_contract.files import decode, encode
from research_contract.records import RUN, Run

log = logging.getLogger(__name__)

RUNNER = "lakeflow"


class Launching:
    """Runs of jobs whose request is in its folder."""

    def __init__(
        self, folders: VolumeFolders, index: Index, runs: Runs, clock: Callable[[], datetime]
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._clock = clock

    def token(self, owner: Owner, said: str) -> str:
        """Return the token for a start by this key or job id: the same one makes one run."""
        parts = (self._folders.root, owner.folder, said)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    async def ask(self, owner: Owner, job_id: str, token: str) -> str:
        """Return the id of the run that this token stands for, which may be an earlier one."""
        folder = self._folders.location(job_folder(owner, job_id))
        return await self._runs.start(folder, job_id, token)

    async def note(self, owner: Owner, job_id: str, run_id: str, *, attempt: int = 1) -> Run:
        """Write down which run it is. Where that fails, whoever looks next does it again."""
        run = Run(runner=RUNNER, run_id=run_id, attempt=attempt, started_at=self._clock())
        folder = job_folder(owner, job_id)
        try:
            if attempt > 1:
                await self._folders.write(folder, RUN, encode(run))
            else:
                await self._folders.create(folder, RUN, encode(run))
        except JobsError as error:
            log.warning("the run of job %s could not be written down: %s", job_id, error.message)
        return run

    async def complete(self, owner: Owner, job_id: str, entry: Entry | None) -> Run:
        """Ask again for the run of a job whose start was interrupted; the first one is returned."""
        made = None
        if entry is not None and entry.made_name:
            made = decode(Made, await self._index.read(owner.folder, job_id, entry.made_name))
        token = made.token if made else self.token(owner, job_id)
        return await self.note(owner, job_id, await self.ask(owner, job_id, token))

    async def again(self, owner: Owner, job_id: str, before: Run) -> Run:
        """Ask for one more run; whoever else does so meanwhile gets the same one."""
        run_id = await self.ask(owner, job_id, self.token(owner, f"{job_id}\0again"))
        log.info("job %s is started once more", job_id)
        return await self.note(owner, job_id, run_id, attempt=before.attempt + 1)
