"""Removes an ended job with all files that belong to it."""

from __future__ import annotations

from mcp_jobs_server.backends.conflicts import unended_job_conflict
from mcp_jobs_server.backends.lakeflow.idempotency import IdempotencyKeys
from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.job_state import JobStates
from mcp_jobs_server.backends.lakeflow.lists import JobLists
from mcp_jobs_server.backends.lakeflow.submit import StartRecord
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import dependent_job_error
from mcp_jobs_server.core.models import Owner, job_folder
from research_contract.files import decode
from research_contract.records import JOB_ID


class Removal:
    """Removes one job at a time. An interrupted removal is finished by repeating it."""

    def __init__(
        self, folders: VolumeFolders, index: Index, states: JobStates, lists: JobLists
    ) -> None:
        self._folders = folders
        self._index = index
        self._states = states
        self._lists = lists
        self._keys = IdempotencyKeys(folders)

    async def remove(self, owner: Owner, job_id: str) -> bool:
        """Remove the job, as ``Runner.remove`` specifies.

        Keys are removed first, then the folder, and the index entries last.

        Only key files that name this job are removed; a key may name a later job by now.
        """
        if not JOB_ID.fullmatch(job_id):
            return False
        job = await self._states.job(owner, job_id)
        entry = await self._index.entry(owner, job_id)
        if job is None and (entry is None or entry.ended is None):
            return False
        if job is not None and not job.ended:
            raise unended_job_conflict()
        if dependent := await self._lists.dependent(owner, job_id):
            raise dependent_job_error(dependent)
        if entry is not None and entry.created_name:
            data = await self._index.read(owner, job_id, entry.created_name)
            start = decode(StartRecord, data)
            for name in start.keys if start else ():
                claim = await self._keys.read(owner, name)
                if claim is not None and claim.job_id == job_id:
                    await self._keys.remove(owner, name)
        await self._folders.remove(job_folder(owner, job_id))
        await self._index.remove(owner, job_id)
        return True
