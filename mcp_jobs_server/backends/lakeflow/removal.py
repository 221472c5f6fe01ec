"""Removes an ended job with all that leads to it."""

from __future__ import annotations

from mcp_jobs_server.backends.lakeflow.idempotency import Keys
from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_records import Made
from mcp_jobs_server.backends.lakeflow.job_state import Looking
from mcp_jobs_server.backends.lakeflow.lists import Lists
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import Conflict, dependent_job_error
from mcp_jobs_server.core.models import Owner, job_folder
from research_contract.files import decode
from research_contract.records import JOB_ID


class Removal:
    """One job at a time. An interrupted removal is finished by the next one of the same job."""

    def __init__(
        self, folders: VolumeFolders, index: Index, looking: Looking, lists: Lists
    ) -> None:
        self._folders = folders
        self._index = index
        self._looking = looking
        self._lists = lists
        self._keys = Keys(folders)

    async def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove the job as the port says: keys, folder, and the entries last."""
        if not JOB_ID.fullmatch(job_id):
            return False
        job = await self._looking.job(owner, job_id)
        entry = await self._index.entry(owner.folder, job_id)
        if job is None and (entry is None or entry.ended is None):
            return False
        if job is not None and not job.ended:
            raise Conflict("The job has not ended.", "Cancel it first, then remove it.")
        if user := await self._lists.building_on(owner, job_id):
            raise dependent_job_error(user)
        if entry is not None and entry.made_name:
            await self._forget_keys(owner, job_id, entry.made_name)
        await self._folders.remove(job_folder(owner, job_id))
        await self._index.remove(owner.folder, job_id)
        return True

    async def _forget_keys(self, owner: Owner, job_id: str, entry: str) -> None:
        """Remove the files that lead to this job and no later one."""
        made = decode(Made, await self._index.read(owner.folder, job_id, entry))
        for name in made.keys if made else ():
            claim = await self._keys.read(owner, name)
            if claim is not None and claim.job_id == job_id:
                await self._keys.remove(owner, name)
