"""``Runner`` over Lakeflow Jobs. This module connects the parts; the decisions are in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcp_jobs_server.backends.lakeflow import control, index, polling, runs
from mcp_jobs_server.backends.lakeflow.control import Control
from mcp_jobs_server.backends.lakeflow.index import Index, fetched_name
from mcp_jobs_server.backends.lakeflow.job_state import JobStates
from mcp_jobs_server.backends.lakeflow.lists import JobLists
from mcp_jobs_server.backends.lakeflow.polling import Polling
from mcp_jobs_server.backends.lakeflow.removal import Removal
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.settle import SettleTimes
from mcp_jobs_server.backends.lakeflow.start import JobStarter
from mcp_jobs_server.backends.lakeflow.submit import Submitter
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.lifecycle import Lifecycle
from mcp_jobs_server.backends.runner import Changes
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, JobState, Owner, Started, StartOptions, StopMode, Usage
from mcp_jobs_server.databricks.run_state import run_state
from mcp_jobs_server.databricks.workspace import Workspace
from research_contract.records import JOB_ID, Request

log = logging.getLogger(__name__)

STARTUP_SECONDS = 40.0
"""Typical time until the program of a job begins: serverless compute starts in 25 to 50 s."""


@dataclass(frozen=True)
class LakeflowTimes:
    """Pauses, ages and waits in seconds. Tests pass shorter ones."""

    poll: float = polling.POLL_SECONDS
    slowest_poll: float = polling.SLOWEST_SECONDS
    recently_polled: float = polling.RECENT_SECONDS
    run: float = runs.RUN_SECONDS
    active: float = runs.ACTIVE_SECONDS
    repeat: float = runs.REPEAT_SECONDS
    index: float = index.FRESH_SECONDS
    control: float = control.FRESH_SECONDS
    settle: SettleTimes = field(default_factory=SettleTimes)


class LakeflowRunner(Lifecycle):
    """``Runner`` whose jobs are runs of one deployed job. Use it as an async context manager.

    It keeps no state: a job is its folder and its run, so any number of servers answer as one.
    Leaving the context ends the polling, never a job.

    Args:
        workspace: the workspace of the deployed job.
        folders: the volume of the job folders.
        job_id: number of the deployed job.
        clock: returns the time, in UTC.
        times: see there.
        startup_seconds: typical time until a job begins.
    """

    def __init__(
        self,
        workspace: Workspace,
        folders: VolumeFolders,
        job_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        times: LakeflowTimes = LakeflowTimes(),
        startup_seconds: float = STARTUP_SECONDS,
    ) -> None:
        super().__init__()
        self.survives_client = True
        self.startup_seconds = startup_seconds
        self._workspace = workspace
        self._folders = folders
        self._index = Index(folders, fresh_seconds=times.index)
        self._control = Control(folders, fresh_seconds=times.control)
        self._runs = Runs(
            workspace,
            job_id,
            run_seconds=times.run,
            active_seconds=times.active,
            repeat_seconds=times.repeat,
        )
        storage = (folders, self._index, self._runs)
        submitter = Submitter(*storage, clock)
        self._states = JobStates(
            *storage, self._control, submitter, clock=clock, times=times.settle
        )
        self._starter = JobStarter(*storage, submitter, self._states, clock=clock)
        self._lists = JobLists(*storage, self._states, fresh_seconds=times.index)
        self._removal = Removal(folders, self._index, self._states, self._lists)
        self._polling = Polling(
            self._states.mark,
            self._run_in_background,
            seconds=(times.poll, times.slowest_poll),
            recent_seconds=times.recently_polled,
        )

    def warm(self) -> None:
        """Sign in and create the volume in the background, so that the first call is quick."""
        self._run_in_background(self._warm)

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        try:
            return await self._starter.start(request, owner=owner, options=options)
        finally:
            self._lists.forget(owner)

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        return await self._starter.earlier(request, owner=owner, options=options)

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        return await self._lists.usage(owner, since)

    async def waiting(self) -> int:
        return await self._runs.waiting()

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        if not JOB_ID.fullmatch(job_id):
            return None
        polled = self._polling.is_polled(owner, job_id)
        return await self._states.job(owner, job_id, polled=polled)

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        return await self._lists.match(owner, prefix)

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        return await self._lists.active(owner, limit=limit, before=before)

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        return await self._lists.ended(owner, limit=limit, before=before)

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        return await self._lists.unfetched(owner, since=since, limit=limit)

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        return await self._lists.counts(owner)

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        return await self._lists.typical_seconds(owner, request)

    async def notice(self) -> str:
        return ""  # the folders themselves are the list

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        job = await self.job(owner, job_id)
        if job is None or job.ended or (mode == "finish_now" and job.requested is not None):
            return job
        await self._control.request(job.folder, mode)
        job = replace(job, requested=mode)
        if mode == "stop":
            job = await self._stop_run(job)
        self._polling.wake(owner, job_id)
        return job

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        if not JOB_ID.fullmatch(job_id):
            return
        # It was read a moment ago, so what is known of it is good enough.
        entry = self._index.known(owner, job_id) or await self._index.entry(owner, job_id)
        if entry is not None and entry.ended is not None and entry.fetched_at is None:
            await self._index.add(owner, job_id, fetched_name(job_id, at))

    async def remove(self, owner: Owner, job_id: str) -> bool:
        return await self._removal.remove(owner, job_id)

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        self._require_entered()
        return self._polling.changes(job)

    async def _warm(self) -> None:
        try:
            await self._workspace.sign_in()
            await self._folders.prepare()
        except JobsError as error:
            log.warning("The workspace cannot be used yet. %s", error)

    async def _stop_run(self, job: Job) -> Job:
        """Cancel the run of a job whose stop is recorded; a job that has not begun has ended."""
        run = await self._states.run(job.owner, job.id, fresh=True)
        if run is None:
            return await self._states.end(job)
        before = await self._runs.get(run.run_id, max_age=0)
        try:
            await self._runs.cancel(run.run_id)
        except JobsError as error:
            if before is None:
                raise
            # The stop is recorded. It is repeated by each server that looks at the job.
            log.warning("run %s is not cancelled yet: %s", run.run_id, error.message)
            return replace(job, state="cancelling")
        if before is not None and run_state(before).phase == "queued" and not job.attempt:
            return await self._states.end(job)
        return replace(job, state="cancelling")
