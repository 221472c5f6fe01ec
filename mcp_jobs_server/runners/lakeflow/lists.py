"""Lists of an owner's jobs, from the index and the list of active runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from statistics import median

from mcp_jobs_server.databricks.run_state import parameters_of
from mcp_jobs_server.folders.volume import VolumeFolders
from mcp_jobs_server.models import Job, JobState, Owner, Usage, job_folder
from mcp_jobs_server.runners.lakeflow.entries import Entry, kind_of, milliseconds
from mcp_jobs_server.runners.lakeflow.index import Index
from mcp_jobs_server.runners.lakeflow.looking import Looking
from mcp_jobs_server.runners.lakeflow.runs import Run, Runs
from mcp_jobs_server.together import each
from researcher_job.contract import Request
from researcher_job.contract_files import NewerFormat

log = logging.getLogger(__name__)

MOST_LOOKS = 20
"""Jobs without an active run that one call looks at, the newest first; the next call goes on."""

LAST_LIKE = 5


class Lists:
    """What an owner has, by standing. Jobs that ended unseen are settled on the way."""

    def __init__(self, folders: VolumeFolders, index: Index, runs: Runs, looking: Looking) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._looking = looking

    async def active(self, owner: Owner, *, limit: int, before: str) -> Sequence[Job]:
        entries = _after([e for e in await self._entries(owner) if e.ended is None], before)
        jobs = await self._unended(owner, entries[: limit + MOST_LOOKS])
        return jobs[:limit]

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None
    ) -> Sequence[Job]:
        entries = await self._settled(owner)
        if before is not None:
            seen = (milliseconds(before[0]), before[1])
            entries = [entry for entry in entries if _end(entry) < seen]
        return await self._shown(owner, sorted(entries, key=_end, reverse=True)[:limit])

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        after = milliseconds(since)
        found = [entry for entry in await self._settled(owner) if _end(entry)[0] > after]
        found.sort(key=_end, reverse=True)
        found.sort(key=lambda entry: entry.fetched is not None)
        return await self._shown(owner, found[:limit])

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        ended = [entry.ended.state for entry in await self._settled(owner) if entry.ended]
        entries = [entry for entry in await self._entries(owner) if entry.ended is None]
        unended = [job.state for job in await self._unended(owner, entries)]
        return Counter([*ended, *unended])

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        fitting = [
            entry
            for entry in await self._entries(owner)
            if entry.job_id.startswith(prefix) or entry.job_id[9:].startswith(prefix)
        ]
        found: list[Job] = []
        while fitting and len(found) < 3:
            some, fitting = fitting[:3], fitting[3:]
            jobs = await each(partial(self._job, owner, entry) for entry in some)
            found += [job for job in jobs if job is not None]
        return found[:3]

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        kind = kind_of(request)
        entries = await self._entries(owner)
        ends = [e.ended for e in entries if e.ended and e.ended.state == "completed"]
        alike = sorted((end for end in ends if end.kind == kind), key=lambda end: end.at)
        return median(end.active_seconds for end in alike[-LAST_LIKE:]) if alike else None

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        entries = await self._entries(owner)
        after = milliseconds(since)
        made = [entry for entry in entries if entry.made >= after]
        first = await self._job(owner, made[-1]) if made else None
        unended = await self._unended(owner, [entry for entry in entries if entry.ended is None])
        return Usage(
            active=len(unended),
            starts=len(made),
            cost_usd=sum(entry.ended.cost_usd for entry in made if entry.ended),
            first=first.request.created_at if first else None,
        )

    async def building_on(self, owner: Owner, job_id: str) -> str:
        """Return an unended job that follows this one up or repeats it; "": none."""
        entries = [entry for entry in await self._entries(owner) if entry.ended is None]
        for job in await self._unended(owner, entries):
            if job_id in (job.request.follow_up_of, job.request.refresh_of):
                return job.id
        return ""

    async def _entries(self, owner: Owner) -> list[Entry]:
        return await self._index.entries(owner.folder)

    async def _unended(self, owner: Owner, entries: Sequence[Entry]) -> list[Job]:
        """Return those of the jobs that have not ended, in the order of their entries."""
        if not entries:
            return []
        active = await self._active_runs()
        asks = []
        looks = 0
        for entry in entries:
            run = active.get(self._folders.location(job_folder(owner, entry.job_id)))
            if run is not None:
                asks.append(partial(self._job, owner, entry, run))
            elif looks < MOST_LOOKS:
                looks += 1
                asks.append(partial(self._job, owner, entry))
        jobs = await each(asks)
        return [job for job in jobs if job is not None and not job.ended]

    async def _job(self, owner: Owner, entry: Entry, run: Run | None = None) -> Job | None:
        """Return the job; one whose folder a newer version wrote is left out of lists."""
        try:
            if run is not None:
                return await self._looking.listed(owner, entry, run)
            return await self._looking.job(owner, entry.job_id)
        except NewerFormat as error:
            log.warning("job %s is left out: %s", entry.job_id, error)
            return None

    async def _settled(self, owner: Owner) -> list[Entry]:
        """Return the entries of ended jobs, once those that ended unseen were looked at."""
        entries = await self._entries(owner)
        unended = [entry for entry in entries if entry.ended is None]
        if unended:
            await self._unended(owner, unended)
            entries = await self._entries(owner)
        return [entry for entry in entries if entry.ended is not None]

    async def _active_runs(self) -> dict[str, Run]:
        """Return the active runs by their job folder; of two of a folder the newer one."""
        runs = await self._runs.active()
        return {parameters_of(run).get("job_folder", ""): run for run in reversed(runs)}

    async def _shown(self, owner: Owner, entries: Sequence[Entry]) -> list[Job]:
        asks = [partial(self._looking.shown, owner, entry) for entry in entries]
        return [job for job in await each(asks) if job is not None]


def _after(entries: list[Entry], before: str) -> list[Entry]:
    seen = next((at + 1 for at, entry in enumerate(entries) if entry.job_id == before), 0)
    return entries[seen:]


def _end(entry: Entry) -> tuple[int, str]:
    return (entry.ended.at if entry.ended else 0, entry.job_id)
