"""Lists of an owner's jobs, from the index and the list of active runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from functools import partial
from statistics import median

from mcp_jobs_server.backends.lakeflow.index import FRESH_SECONDS, Index
from mcp_jobs_server.backends.lakeflow.index_names import Entry, kind_of, milliseconds
from mcp_jobs_server.backends.lakeflow.job_state import Looking
from mcp_jobs_server.backends.lakeflow.runs import Run, Runs
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.models import ACTIVE_STATES, Job, JobState, Owner, Usage, job_folder
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.run_state import job_parameters, run_state
from research_contract.files import NewerFormat
from research_contract.records import Request

log = logging.getLogger(__name__)

MOST_LOOKS = 5
"""Jobs without an active run that are looked at together, the newest first; later calls go on.

Each takes three requests where it has an outcome, and a list may make 25 in all. A start and a
removal must know all, and look at so many at a time."""

LAST_LIKE = 5


class Lists:
    """What an owner has, by standing. Jobs that ended unseen are settled on the way."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        looking: Looking,
        *,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._looks: SingleFlightCache[Owner, Sequence[Job]] = SingleFlightCache(most=2_000)
        self._fresh_seconds = fresh_seconds
        self._folders = folders
        self._index = index
        self._runs = runs
        self._looking = looking

    async def active(self, owner: Owner, *, limit: int, before: str) -> Sequence[Job]:
        entries = _after(await self._going(owner), before)
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
        seen = await self._unseen(owner) if await self._going(owner) else []
        return Counter([*ended, *await self._states(owner, seen)])

    async def _states(self, owner: Owner, seen: Sequence[Job]) -> list[JobState]:
        """Return the states of unended jobs: those ``seen``, others as their runs tell."""
        entries = await self._going(owner)
        runs = await self._active_runs() if entries else {}
        known = {job.id for job in seen}
        others = [entry for entry in entries if entry.job_id not in known]
        at_work = [run for entry in others if (run := runs.get(self._place(owner, entry)))]
        return [*(job.state for job in seen if not job.ended), *map(_state, at_work)]

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        fitting = [
            entry
            for entry in await self._entries(owner)
            if entry.job_id.startswith(prefix) or entry.job_id[9:].startswith(prefix)
        ]
        found: list[Job] = []
        while fitting and len(found) < 3:
            some, fitting = fitting[:3], fitting[3:]
            jobs = await gather(partial(self._job, owner, entry) for entry in some)
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
        return Usage(
            active=len(await self._states(owner, await self._look(owner, most=None))),
            starts=len(made),
            cost_usd=sum(entry.ended.cost_usd for entry in made if entry.ended),
            first=first.request.created_at if first else None,
        )

    async def building_on(self, owner: Owner, job_id: str) -> str:
        """Return an unended job that follows this one up or repeats it; "": none."""
        seen = await self._look(owner, most=None)
        for job in await self._unended(owner, await self._going(owner), seen):
            if job_id in (job.request.follow_up_of, job.request.refresh_of):
                return job.id
        return ""

    def forget(self, owner: Owner) -> None:
        """Look again at the next call: a job was made that nobody looked at."""
        self._looks.drop(owner)

    async def _entries(self, owner: Owner) -> list[Entry]:
        return await self._index.entries(owner.folder)

    async def _going(self, owner: Owner) -> list[Entry]:
        """Return the entries of jobs that are not known to have ended."""
        return [entry for entry in await self._entries(owner) if entry.ended is None]

    async def _unended(
        self, owner: Owner, entries: Sequence[Entry], seen: Sequence[Job] | None = None
    ) -> list[Job]:
        """Return those of the jobs that have not ended, in the order of their entries.

        ``seen`` are jobs without an active run that were looked at; some are looked at without.
        """
        if not entries:
            return []
        seen = await self._unseen(owner) if seen is None else seen
        unseen = {job.id: job for job in seen}
        runs = await self._active_runs()
        asks = [
            partial(self._listed, owner, entry, run)
            for entry in entries
            if (run := runs.get(self._place(owner, entry))) and entry.job_id not in unseen
        ]
        listed = {job.id: job for job in await gather(asks) if job is not None}
        jobs = [(unseen | listed).get(entry.job_id) for entry in entries]
        return [job for job in jobs if job is not None and not job.ended]

    async def _unseen(self, owner: Owner) -> Sequence[Job]:
        """Look at jobs that no active run works on, and settle them; return all that were seen.

        They are looked at once for all who ask within two seconds.
        """
        return await self._looks.get(
            owner, self._fresh_seconds, lambda: self._look(owner, most=MOST_LOOKS)
        )

    async def _look(self, owner: Owner, *, most: int | None) -> Sequence[Job]:
        """Look at jobs that no active run works on, the newest first; ``None``: at all of them."""
        entries = await self._going(owner)
        runs = await self._active_runs() if entries else {}
        left = [entry for entry in entries if self._place(owner, entry) not in runs][:most]
        found: list[Job | None] = []
        while left:
            some, left = left[:MOST_LOOKS], left[MOST_LOOKS:]
            found += await gather(partial(self._alone, owner, entry) for entry in some)
        return [job for job in found if job is not None]

    def _place(self, owner: Owner, entry: Entry) -> str:
        return self._folders.location(job_folder(owner, entry.job_id))

    async def _listed(self, owner: Owner, entry: Entry, run: Run) -> Job | None:
        return await _readable(entry, self._looking.listed(owner, entry, run))

    async def _alone(self, owner: Owner, entry: Entry) -> Job | None:
        return await _readable(entry, self._looking.unseen(owner, entry.job_id))

    async def _job(self, owner: Owner, entry: Entry) -> Job | None:
        return await _readable(entry, self._looking.job(owner, entry.job_id))

    async def _settled(self, owner: Owner) -> list[Entry]:
        """Return the entries of ended jobs, once those that ended unseen were looked at."""
        if await self._going(owner):
            await self._unseen(owner)
        return [entry for entry in await self._entries(owner) if entry.ended is not None]

    async def _active_runs(self) -> dict[str, Run]:
        """Return the active runs by their job folder; of two of a folder the newer one."""
        runs = await self._runs.active()
        return {job_parameters(run).get("job_folder", ""): run for run in reversed(runs)}

    async def _shown(self, owner: Owner, entries: Sequence[Entry]) -> list[Job]:
        asks = [partial(self._looking.shown, owner, entry) for entry in entries]
        return [job for job in await gather(asks) if job is not None]


def _state(run: Run) -> JobState:
    place = run_state(run).phase
    return place if place in ACTIVE_STATES else "running"


async def _readable(entry: Entry, looked: Awaitable[Job | None]) -> Job | None:
    """Return the job; one whose folder a newer version wrote is left out of lists."""
    try:
        return await looked
    except NewerFormat as error:
        log.warning("job %s is left out: %s", entry.job_id, error)
        return None


def _after(entries: list[Entry], before: str) -> list[Entry]:
    seen = next((at + 1 for at, entry in enumerate(entries) if entry.job_id == before), 0)
    return entries[seen:]


def _end(entry: Entry) -> tuple[int, str]:
    return (entry.ended.at if entry.ended else 0, entry.job_id)
