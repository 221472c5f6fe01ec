"""``Runner`` over Lakeflow Jobs: put together here, decided in the modules beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mcp_jobs_server.backends.lakeflow import control, index, polling, runs
from mcp_jobs_server.backends.lakeflow.control import Control
from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_names import fetched_name
from mcp_jobs_server.backends.lakeflow.job_state import Looking
from mcp_jobs_server.backends.lakeflow.lists import Lists
from mcp_jobs_server.backends.lakeflow.removal import Removal
from mcp_jobs_server.backends.lakeflow.settle import SettleTimes
from mcp_jobs_server.backends.lakeflow.start import Starting
from mcp_jobs_server.backends.lakeflow.submit import Launching
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
"""What passes before a job's program begins: serverless compute starts in 25 to 50 s."""


@dataclass(frozen=True)
class LakeflowPaces:
    """How often is looked and how long is waited, in seconds. Tests pass shorter ones."""

    poll: float = polling.POLL_SECONDS
    slowest_poll: float = polling.SLOWEST_SECONDS
    lately: float = polling.LATELY_SECONDS
    run: float = runs.RUN_SECONDS
    active: float = runs.ACTIVE_SECONDS
    index: float = index.FRESH_SECONDS
    control: float = control.FRESH_SECONDS
    settling: SettleTimes = field(default_factory=SettleTimes)


class LakeflowRunner(Lifecycle):
    """``Runner`` whose jobs are runs of one deployed job; use it as an async context manager.

    It keeps no state: a job is its folder and its run, so any number of servers answer as one.
    Leaving ends the polling, never a job.

    Args:
        workspace: where runs are asked for.
        folders: the volume of the job folders.
        job_id: number of the deployed job.
        clock: the time, in UTC.
        paces: see there.
        startup_seconds: what passes before a job begins.
    """

    def __init__(
        self,
        workspace: Workspace,
        folders: VolumeFolders,
        job_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        paces: LakeflowPaces = LakeflowPaces(),
        startup_seconds: float = STARTUP_SECONDS,
    ) -> None:
        super().__init__()
        self.survives_client = True
        self.startup_seconds = startup_seconds
        self._workspace = workspace
        self._folders = folders
        self._index = Index(folders, fresh_seconds=paces.index)
        self._control = Control(folders, fresh_seconds=paces.control)
        self._runs = runs.Runs(
            workspace, job_id, run_seconds=paces.run, active_seconds=paces.active
        )
        held = (folders, self._index, self._runs)
        launching = Launching(*held, clock)
        self._looking = Looking(*held, self._control, launching, clock=clock, times=paces.settling)
        self._starting = Starting(*held, launching, self._looking, clock=clock)
        self._lists = Lists(*held, self._looking, fresh_seconds=paces.index)
        self._removal = Removal(folders, self._index, self._looking, self._lists)
        self._watching = polling.Watching(
            self._looking.mark,
            self._run_in_background,
            seconds=(paces.poll, paces.slowest_poll),
            lately_seconds=paces.lately,
        )

    def warm(self) -> None:
        """Sign in and look for the volume in the background, so that the first call is quick."""
        self._run_in_background(self._warm)

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        try:
            return await self._starting.start(request, owner=owner, options=options)
        finally:
            self._lists.forget(owner)

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        return await self._starting.earlier(request, owner=owner, options=options)

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        return await self._lists.usage(owner, since)

    async def waiting(self) -> int:
        return await self._runs.waiting()

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        if not JOB_ID.fullmatch(job_id):
            return None
        watched = self._watching.watches(owner, job_id)
        return await self._looking.job(owner, job_id, watched=watched)

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

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        job = await self.job(owner, job_id)
        if job is None or job.ended:
            return job
        if mode == "finish_now" and job.requested is not None:
            return job
        await self._control.tell(job.folder, mode)
        stopped = await self._end(job) if mode == "stop" else replace(job, requested=mode)
        self._watching.wake(owner, job_id)
        return stopped

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        if not JOB_ID.fullmatch(job_id):
            return
        entry = await self._index.entry(owner.folder, job_id)
        if entry is not None and entry.ended is not None and entry.fetched is None:
            await self._index.add(owner.folder, job_id, fetched_name(job_id, at))

    async def remove(self, owner: Owner, job_id: str) -> bool:
        return await self._removal.remove(owner, job_id)

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        return await self._lists.typical_seconds(owner, request)

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        self._require_entered()
        return self._watching.changes(job)

    async def _warm(self) -> None:
        try:
            await self._workspace.sign_in()
            await self._folders.prepare()
        except JobsError as error:
            log.warning("The workspace cannot be used yet. %s", error)

    async def _end(self, job: Job) -> Job:
        """End the run of a job whose stop is recorded; one that has not begun is cancelled."""
        asked = replace(job, requested="stop")
        run = await self._looking.run(job.owner, job.id, fresh=True)
        if run is None:
            return await self._looking.cancelled(asked)
        found = await self._runs.get(run.run_id, seconds=0)
        try:
            await self._runs.cancel(run.run_id)
        except JobsError:
            if found is None:
                raise
            # The stop is recorded all the same: the job looks for it by itself.
        if found is not None and run_state(found).phase == "queued" and not job.attempt:
            return await self._looking.cancelled(asked)
        return replace(asked, state="cancelling")
