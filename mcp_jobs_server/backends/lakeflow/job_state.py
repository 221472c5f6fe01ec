"""Looks at one job: reads its folder and its run, and settles it where it has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from mcp_jobs_server.backends.lakeflow.completion import Records
from mcp_jobs_server.backends.lakeflow.control import Control
from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_names import Entry
from mcp_jobs_server.backends.lakeflow.runs import Run as RunJson
from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.settle import (
    Active,
    RunDue,
    RunFacts,
    SettleTimes,
    Verdict,
    failed_task,
    failure_of_run,
    settle_run,
)
from mcp_jobs_server.backends.lakeflow.submit import Launching
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.settle import Cancelled, Completed, Failed, Recorded, RunAgain
from mcp_jobs_server.core.concurrency import gather_pair
from mcp_jobs_server.core.errors import JobsError, NotPermitted, Refused
from mcp_jobs_server.core.models import Job, Owner, job_folder
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.run_state import COMPUTE_STARTS, RunState, run_state
from research_contract import records as contract
from research_contract.files import decode
from research_contract.records import Ended, Failure, Outcome, Request, Run, Status

log = logging.getLogger(__name__)

WATCHED_SECONDS = 30.0
"""How old the index may be for a job that is polled: its folder and run tell first."""

KNOWN_RUN_SECONDS = 600.0
"""How long it is remembered which run a job has; looked up again once that has ended."""

NO_ENTRY = Entry("")


@dataclass(frozen=True)
class _Seen:
    """What was read of a job that may still be active."""

    job: Job
    status: Status | None
    run: Run | None
    state: RunState | None


class Looking:
    """One job at a time, from its folder, its run and the index; nothing is kept but copies."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        control: Control,
        launching: Launching,
        *,
        clock: Callable[[], datetime],
        times: SettleTimes,
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._control = control
        self._launching = launching
        self._records = Records(folders, index)
        self._clock = clock
        self._times = times
        self._known_runs: SingleFlightCache[str, Run] = SingleFlightCache(most=2_000)

    async def job(self, owner: Owner, job_id: str, *, watched: bool = False) -> Job | None:
        """Return the job as it stands; ``watched``: it is polled, so that less is asked for."""
        seconds = WATCHED_SECONDS if watched else None
        entry = await self._index.entry(owner.folder, job_id, seconds=seconds)
        if entry is not None and entry.ended is not None:
            return await self._ended(owner, entry)
        if entry is None:
            self._forget(owner, job_id)
        request = await self.request(owner, job_id)
        if request is None:
            return None
        return await self._active(owner, request, entry or NO_ENTRY, watched=watched)

    async def listed(self, owner: Owner, entry: Entry, run: RunJson) -> Job | None:
        """Return a job whose active run was listed, without asking for the run again."""
        request, status = await gather_pair(
            partial(self.request, owner, entry.job_id), partial(self._status, owner, entry.job_id)
        )
        if request is None:
            return None
        job = Job(owner=owner, request=request, state="queued")
        asked = self._control.known(job.folder, status)
        state = run_state(run, stop_requested=asked == "stop")
        if _may_have_ended(state, status):
            return await self._active(owner, request, entry, watched=False)
        return await self._standing(
            replace(job, requested=asked), status, str(run["run_id"]), state
        )

    async def unseen(self, owner: Owner, job_id: str) -> Job | None:
        """Return a job that no run works on any more: most have an outcome, so that comes first."""
        outcome, request = await gather_pair(
            partial(self._outcome, owner, job_id), partial(self.request, owner, job_id)
        )
        if outcome is None or request is None:
            return await self.job(owner, job_id)
        job = Job(owner=owner, request=request, state="running")
        return await self._records.completed(job, outcome)

    async def shown(self, owner: Owner, entry: Entry) -> Job | None:
        """Return a job that the index says has ended, from its card alone."""
        return await self._records.ended(owner, entry)

    async def request(self, owner: Owner, job_id: str) -> Request | None:
        """Return the job's request, ``None`` where there is none, or not yet."""
        found = await self._folders.read(job_folder(owner, job_id), contract.REQUEST)
        return decode(Request, found.data if found else None)

    async def run(self, owner: Owner, job_id: str, *, fresh: bool = False) -> Run | None:
        """Return which run works on the job, as it is written down."""
        folder = job_folder(owner, job_id)
        if fresh:
            self._known_runs.drop(folder)
        kept = self._known_runs.known(folder, KNOWN_RUN_SECONDS)
        if kept is not None:
            return kept.value
        found = await self._folders.read(folder, contract.RUN)
        run = decode(Run, found.data if found else None)
        if run is not None:
            self._known_runs.put(folder, run)
        return run

    async def mark(self, owner: Owner, job_id: str) -> tuple[object, ...]:
        """Return what changes whenever a look at the job could tell something new."""
        job = await self.job(owner, job_id, watched=True)
        status = await self._folders.read(job_folder(owner, job_id), contract.STATUS)
        if job is None:
            return ()
        said = (job.state, job.requested, job.attempt, job.queue_position, job.summary)
        return (*said, status.data if status else b"")

    async def cancelled(self, job: Job) -> Job:
        """Write down that a job was stopped before it began, and return it."""
        return await self._record(job, None, None)

    def _forget(self, owner: Owner, job_id: str) -> None:
        """Drop what is kept of a job without an entry: it may have been removed elsewhere, and
        nothing of it may be shown or started again from copies."""
        folder = job_folder(owner, job_id)
        self._folders.forget(folder)
        self._known_runs.drop(folder)

    async def _ended(self, owner: Owner, entry: Entry) -> Job | None:
        if entry.ended is not None and entry.ended.state != "completed":
            # An outcome that became visible after all wins.
            late = await self._outcome(owner, entry.job_id)
            request = await self.request(owner, entry.job_id) if late else None
            if late is not None and request is not None:
                job = Job(owner=owner, request=request, state="running")
                return await self._records.completed(job, late)
        return await self._records.ended(owner, entry)

    async def _active(
        self, owner: Owner, request: Request, entry: Entry, *, watched: bool
    ) -> Job | None:
        seen = await self._see(owner, request, watched=watched)
        verdict = await self._verdict(seen)
        match verdict:
            case Active(state):
                run_id = seen.run.run_id if seen.run else ""
                return await self._standing(seen.job, seen.status, run_id, state)
            case Completed(outcome):
                return await self._records.completed(seen.job, outcome)
            case Recorded(ended):
                return await self._records.as_recorded(seen.job, ended, seen.status)
            case Cancelled():
                return await self._record(seen.job, None, seen.status)
            case Failed(error):
                if seen.state and (task_run_id := failed_task(seen.state)):
                    task_error = await self._runs.error(task_run_id)
                    error = failure_of_run(seen.state, task_error)
                return await self._record(seen.job, error, seen.status)
            case RunDue():
                return await self._completed_start(seen, entry)
            case RunAgain():
                return await self._started_again(seen)

    async def _see(self, owner: Owner, request: Request, *, watched: bool) -> _Seen:
        job = Job(owner=owner, request=request, state="queued")
        status, run = await gather_pair(
            partial(self._status, owner, job.id), partial(self.run, owner, job.id)
        )
        asked, state = await gather_pair(
            partial(self._control.asked, job.folder, status, watched=watched),
            partial(self._state, run),
        )
        if run is not None and (state is None or state.ended):
            # It may have been started once more, here or elsewhere.
            latest = await self.run(owner, job.id, fresh=True)
            if latest is not None and latest.run_id != run.run_id:
                run, state = latest, await self._state(latest)
        if state is not None and run is not None and asked == "stop":
            state = await self._state(run, stop_requested=True)
        return _Seen(replace(job, requested=asked), status, run, state)

    async def _verdict(self, seen: _Seen) -> Verdict:
        job, status, run = seen.job, seen.status, seen.run
        ends = _may_have_ended(seen.state, status)
        stops_early = job.requested == "stop" and seen.state and seen.state.phase == "queued"
        outcome: Outcome | None = None
        ended: Ended | None = None
        if ends or stops_early:
            outcome, ended = await gather_pair(
                partial(self._outcome, job.owner, job.id), partial(self._recorded, job)
            )
        facts = RunFacts(
            now=self._clock(),
            created_at=job.request.created_at,
            outcome=outcome,
            ended=ended,
            stop_requested=job.requested == "stop",
            stop_seen=status is not None and status.asked == "stop",
            began=status is not None,
            attempt=run.attempt if run else 0,
            submitted_at=run.started_at if run else None,
            run=seen.state,
        )
        return settle_run(facts, self._times)

    async def _standing(self, job: Job, status: Status | None, run_id: str, state: RunState) -> Job:
        """Return an unended job with all that is shown of it."""
        if state.phase == "queued" and status is None:
            position = await self._runs.position(run_id)
            return replace(job, queue_position=position, summary=_waits(state))
        stopping = state.phase == "cancelling" or job.requested == "stop"
        return replace(
            job,
            state="cancelling" if stopping else "running",
            attempt=status.attempt if status else 1,
            started_at=state.started_at or state.created_at or self._clock(),
        )

    async def _record(self, job: Job, error: Failure | None, status: Status | None) -> Job:
        ended = Ended(
            state="failed" if error else "cancelled",
            error=error,
            attempts=status.attempt if status else 0,
            ended_at=self._clock(),
        )
        return await self._records.record(job, ended, status)

    async def _completed_start(self, seen: _Seen, entry: Entry) -> Job:
        """Ask for the run that an interrupted start did not come to."""
        job = seen.job
        try:
            run = await self._launching.complete(job.owner, job.id, entry)
        except Refused as error:
            failed = Failure(code="setup", message=error.message, hint=error.hint)
            return await self._record(job, failed, None)
        except JobsError as error:
            log.warning("job %s still has no run: %s", job.id, error.message)
            return replace(job, summary=error.message)
        return await self._standing(job, None, run.run_id, RunState("queued"))

    async def _started_again(self, seen: _Seen) -> Job:
        """Ask for one more run. Where it is refused for good, the first failure is the end."""
        job = seen.job
        if seen.run is None or seen.state is None:
            return job
        try:
            run = await self._launching.again(job.owner, job.id, seen.run)
        except (Refused, NotPermitted) as error:
            log.warning("job %s is not started once more: %s", job.id, error.message)
            return await self._record(job, failure_of_run(seen.state), seen.status)
        except JobsError as error:
            log.warning("job %s is not started once more yet: %s", job.id, error.message)
            return replace(job, summary=error.message)
        self._known_runs.put(job.folder, run)
        return await self._standing(job, None, run.run_id, RunState("queued"))

    async def _state(self, run: Run | None, *, stop_requested: bool = False) -> RunState | None:
        found = await self._runs.get(run.run_id) if run else None
        return run_state(found, stop_requested=stop_requested) if found else None

    async def _status(self, owner: Owner, job_id: str) -> Status | None:
        found = await self._folders.read(job_folder(owner, job_id), contract.STATUS)
        return decode(Status, found.data if found else None)

    async def _outcome(self, owner: Owner, job_id: str) -> Outcome | None:
        found = await self._folders.read(job_folder(owner, job_id), contract.OUTCOME)
        return decode(Outcome, found.data if found else None)

    async def _recorded(self, job: Job) -> Ended | None:
        found = await self._folders.read(job.folder, contract.ENDED)
        return decode(Ended, found.data if found else None)


def _may_have_ended(state: RunState | None, status: Status | None) -> bool:
    """Say whether an end may stand in the folder; while a run goes on nobody looks for one."""
    told = status is not None and status.state == "ended"
    return told or state is None or state.ended or state.unknown


def _waits(state: RunState) -> str:
    return state.note if state.note == COMPUTE_STARTS else ""
