"""Lists of an owner's jobs, from the index and the list of active runs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from statistics import median

from mcp_jobs_server.backends.lakeflow.completion import Completion
from mcp_jobs_server.backends.lakeflow.index import (
    FRESH_SECONDS,
    OLDER_SECONDS,
    Index,
    IndexEntry,
    kind_of,
    to_milliseconds,
)
from mcp_jobs_server.backends.lakeflow.job_state import JobStates
from mcp_jobs_server.backends.lakeflow.runs import RunJson, Runs
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.models import ACTIVE_STATES, Job, JobState, Owner, Usage, job_folder
from mcp_jobs_server.core.single_flight import SingleFlightCache, one_call
from mcp_jobs_server.databricks.run_state import job_parameters, run_state
from research_contract.files import NewerFormat
from research_contract.records import OUTCOME, REQUEST, STATUS, Request

log = logging.getLogger(__name__)

SETTLE_BATCH = 5
"""Jobs without an active run that are read together, newest first; later calls read the others.

Each takes three requests if it has an outcome, and a list may make 25 requests in all. A start and
a removal need all of them, and read them in batches of this size."""

AHEAD, AHEAD_ENDED = 10, 6
"""Jobs of which a list reads ahead what it needs; of ended ones mostly five are shown."""

UNREADABLE_SECONDS = 60.0
"""How long lists pass over a job that could not be read."""

SIMILAR_JOBS = 5
"""Jobs of which the median time is taken."""


class JobLists:
    """The jobs of an owner by state. Jobs whose end is not in the index yet are settled first."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        states: JobStates,
        *,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._states = states
        self._completion = Completion(folders, index)
        self._fresh_seconds = fresh_seconds
        self._unreadable: SingleFlightCache[str, bool] = SingleFlightCache(most=10_000)
        self._newest_unlisted: SingleFlightCache[Owner, Sequence[Job]] = SingleFlightCache(
            most=2_000
        )

    async def active(self, owner: Owner, *, limit: int, before: str) -> Sequence[Job]:
        with one_call():
            await self._read_ahead(owner)
            entries = await self._unended_entries(owner)
            ids = [entry.job_id for entry in entries]
            first = ids.index(before) + 1 if before in ids else 0
            page = entries[first : first + limit + SETTLE_BATCH]
            return (await self._unended(owner, page))[:limit]

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None
    ) -> Sequence[Job]:
        entries = await self._ended_entries(owner)
        if before is not None:
            last = (to_milliseconds(before[0]), before[1])
            entries = [entry for entry in entries if _end_key(entry) < last]
        return await self._load(owner, entries[:limit])

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        after = to_milliseconds(since)
        recent = [entry for entry in await self._ended_entries(owner) if _end_key(entry)[0] > after]
        recent.sort(key=lambda entry: entry.fetched_at is not None)
        return await self._load(owner, recent[:limit])

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        ended = [entry.ended.state for entry in await self._ended_entries(owner) if entry.ended]
        unlisted = await self._unlisted(owner) if await self._unended_entries(owner) else []
        return Counter([*ended, *await self._unended_states(owner, unlisted)])

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        def fitting(entries: Iterable[IndexEntry]) -> list[IndexEntry]:
            return [
                entry
                for entry in entries
                if entry.job_id.startswith(prefix) or entry.job_id[9:].startswith(prefix)
            ]

        known = fitting(self._index.known_entries(owner))[:3]
        ahead = self._statuses(owner, known)
        ahead.append(partial(self._index.entries, owner))
        await gather(ahead)
        matching = fitting(await self._index.entries(owner))
        jobs: list[Job] = []
        while matching and len(jobs) < 3:
            batch, matching = matching[:3], matching[3:]
            jobs += await _read_all(
                (entry, partial(self._states.job, owner, entry.job_id)) for entry in batch
            )
        return jobs[:3]

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        kind = kind_of(request)
        # An estimate may miss the job that ended last; it costs no request of its own.
        max_age = OLDER_SECONDS if self._fresh_seconds else None
        entries = await self._index.entries(owner, max_age=max_age)
        ends = [entry.ended for entry in entries if entry.ended]
        similar = [end for end in ends if end.state == "completed" and end.kind == kind]
        similar.sort(key=lambda end: end.at)
        return median(end.active_seconds for end in similar[-SIMILAR_JOBS:]) if similar else None

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        after = to_milliseconds(since)
        started = [e for e in await self._index.entries(owner) if e.created_at >= after]
        first = await _read_all(
            (entry, partial(self._states.job, owner, entry.job_id)) for entry in started[-1:]
        )
        unlisted = await self._read_unlisted(owner, limit=None)
        return Usage(
            active=len(await self._unended_states(owner, unlisted)),
            starts=len(started),
            cost_usd=sum(entry.ended.cost_usd for entry in started if entry.ended),
            first=first[0].request.created_at if first else None,
        )

    async def dependent(self, owner: Owner, job_id: str) -> str:
        """Return an unended job that follows up or refreshes this one, "" if there is none."""
        unlisted = await self._read_unlisted(owner, limit=None)
        for job in await self._unended(owner, await self._unended_entries(owner), unlisted):
            if job_id in (job.request.follow_up_of, job.request.refresh_of):
                return job.id
        return ""

    async def _read_ahead(self, owner: Owner) -> None:
        """Ask side by side for what a list needs, in two requests one after another.

        The first step reads what the last list showed to be needed, mostly all there is.
        """
        known = self._index.known_entries(owner)
        unended = [entry for entry in known if entry.ended is None]
        ahead: list[Callable[[], Awaitable[object]]] = [
            partial(self._index.entries, owner),
            *self._statuses(owner, unended[:AHEAD]),
        ]
        if unended or not known:
            ahead.append(self._runs.active)
        await gather(ahead)
        entries = await self._index.entries(owner)
        ended = [entry for entry in entries if entry.ended is not None]
        ended.sort(key=_end_key, reverse=True)
        unended = [entry for entry in entries if entry.ended is None][:AHEAD]
        runs = await self._active_runs(owner, unended)
        ahead = [
            partial(self._index.read, owner, entry.job_id, entry.ended.name)
            for entry in ended[:AHEAD_ENDED]
            if entry.ended is not None
        ]
        unlisted = [entry for entry in unended if entry.job_id not in runs][:SETTLE_BATCH]
        for entry in [*unlisted, *(entry for entry in unended if entry.job_id in runs)]:
            folder = job_folder(owner, entry.job_id)
            changing = STATUS if entry.job_id in runs else OUTCOME
            ahead += [partial(self._folders.read, folder, name) for name in (REQUEST, changing)]
        await gather(ahead)

    def _statuses(
        self, owner: Owner, entries: Iterable[IndexEntry]
    ) -> list[Callable[[], Awaitable[object]]]:
        """Return reads of the statuses of those jobs that have not ended."""
        return [
            partial(self._folders.read, job_folder(owner, entry.job_id), STATUS)
            for entry in entries
            if entry.ended is None
        ]

    def forget(self, owner: Owner) -> None:
        """Read jobs without an active run again at the next call: a job was just started."""
        self._newest_unlisted.drop(owner)

    async def _unended_entries(self, owner: Owner) -> list[IndexEntry]:
        """Return the entries of jobs whose end is not in the index, newest first."""
        return [entry for entry in await self._index.entries(owner) if entry.ended is None]

    async def _ended_entries(self, owner: Owner) -> list[IndexEntry]:
        """Settle jobs without an active run; return the entries of ended jobs, latest first."""
        if await self._unended_entries(owner):
            await self._unlisted(owner)
        ended = [entry for entry in await self._index.entries(owner) if entry.ended is not None]
        return sorted(ended, key=_end_key, reverse=True)

    async def _unended(
        self,
        owner: Owner,
        entries: Sequence[IndexEntry],
        unlisted: Sequence[Job] | None = None,
    ) -> list[Job]:
        """Return those of the jobs that have not ended, in the order of their entries.

        ``unlisted`` are jobs without an active run that were read before.
        """
        if not entries:
            return []
        if unlisted is None:
            unlisted = await self._unlisted(owner)
        jobs = {job.id: job for job in unlisted}
        runs = await self._active_runs(owner, entries)
        listed = await _read_all(
            (entry, partial(self._states.with_active_run, owner, entry, runs[entry.job_id]))
            for entry in entries
            if entry.job_id in runs and entry.job_id not in jobs
        )
        jobs |= {job.id: job for job in listed}
        in_order = [jobs[entry.job_id] for entry in entries if entry.job_id in jobs]
        return [job for job in in_order if not job.ended]

    async def _unended_states(self, owner: Owner, unlisted: Sequence[Job]) -> list[JobState]:
        """Return the states of unended jobs: of those in ``unlisted``, and of those with a run."""
        states = [job.state for job in unlisted if not job.ended]
        known = {job.id for job in unlisted}
        entries = [e for e in await self._unended_entries(owner) if e.job_id not in known]
        for run in (await self._active_runs(owner, entries)).values():
            phase = run_state(run).phase
            states.append(phase if phase in ACTIVE_STATES else "running")
        return states

    async def _unlisted(self, owner: Owner) -> Sequence[Job]:
        """Return the newest jobs without an active run. Calls within two seconds share one read."""
        read = partial(self._read_unlisted, owner, limit=SETTLE_BATCH)
        return await self._newest_unlisted.get(owner, self._fresh_seconds, read)

    async def _read_unlisted(self, owner: Owner, *, limit: int | None) -> Sequence[Job]:
        """Read and settle jobs without an active run, newest first; ``None``: all of them."""
        entries = await self._unended_entries(owner)
        runs = await self._active_runs(owner, entries)
        unlisted = [entry for entry in entries if entry.job_id not in runs]
        if limit is not None:
            # Jobs that cannot be read must not keep those behind them from being read.
            known = self._unreadable.known
            readable = [e for e in unlisted if not known(e.job_id, UNREADABLE_SECONDS)]
            unlisted = readable[:limit]
        jobs: list[Job] = []
        for first in range(0, len(unlisted), SETTLE_BATCH):
            batch = unlisted[first : first + SETTLE_BATCH]
            jobs += await _read_all(
                (entry, partial(self._states.without_active_run, owner, entry.job_id))
                for entry in batch
            )
        for job_id in {entry.job_id for entry in unlisted} - {job.id for job in jobs}:
            self._unreadable.put(job_id, True)  # noqa: FBT003 - nothing but its time counts
        return jobs

    async def _active_runs(self, owner: Owner, entries: Sequence[IndexEntry]) -> dict[str, RunJson]:
        """Return the active runs of these jobs by job id; of two runs of a job, the newer one."""
        runs = reversed(await self._runs.active()) if entries else ()
        by_folder = {job_parameters(run).get("job_folder", ""): run for run in runs}
        folders = {
            entry.job_id: self._folders.location(job_folder(owner, entry.job_id))
            for entry in entries
        }
        return {
            job_id: by_folder[folder] for job_id, folder in folders.items() if folder in by_folder
        }

    async def _load(self, owner: Owner, entries: Sequence[IndexEntry]) -> list[Job]:
        return await _read_all(
            (entry, partial(self._completion.load, owner, entry)) for entry in entries
        )


JobRead = Callable[[], Awaitable[Job | None]]


async def _read_all(reads: Iterable[tuple[IndexEntry, JobRead]]) -> list[Job]:
    """Return the jobs that exist. A job whose folder a newer version wrote is left out."""

    async def read(entry: IndexEntry, read_job: JobRead) -> Job | None:
        try:
            return await read_job()
        except NewerFormat as error:
            log.warning("job %s is left out: %s", entry.job_id, error)
            return None

    jobs = await gather(partial(read, *pair) for pair in reads)
    return [job for job in jobs if job is not None]


def _end_key(entry: IndexEntry) -> tuple[int, str]:
    return (entry.ended.at if entry.ended else 0, entry.job_id)
