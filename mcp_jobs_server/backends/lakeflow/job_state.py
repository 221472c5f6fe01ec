"""Reads the state of a job from its folder and its run, and settles the job if it has ended."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from mcp_jobs_server.backends.lakeflow.completion import Completion
from mcp_jobs_server.backends.lakeflow.control import Control
from mcp_jobs_server.backends.lakeflow.index import Index, IndexEntry, from_milliseconds
from mcp_jobs_server.backends.lakeflow.runs import RunJson, Runs
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
from mcp_jobs_server.backends.lakeflow.submit import Submitter
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.settle import Cancelled, Completed, Failed, Recorded, RunAgain
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.errors import JobsError, NotPermitted, Refused
from mcp_jobs_server.core.models import Job, Owner, job_folder
from mcp_jobs_server.core.single_flight import SingleFlightCache, one_call
from mcp_jobs_server.databricks.run_state import COMPUTE_STARTS, RunState, run_state
from research_contract.files import NewerFormat
from research_contract.records import (
    ENDED,
    OUTCOME,
    REQUEST,
    RUN,
    STATUS,
    Ended,
    Failure,
    Outcome,
    Request,
    Run,
    Status,
)

log = logging.getLogger(__name__)

POLLED_SECONDS = 30.0
"""How old the index may be for a job that is polled: its folder and run show changes first."""

KNOWN_RUN_SECONDS = 600.0
"""How long the run of a job is cached. It is read again once that run has ended."""


@dataclass(frozen=True)
class _Observed:
    """What was read of a job that may still be active."""

    job: Job
    status: Status | None
    run: Run | None
    state: RunState | None

    @property
    def may_have_ended(self) -> bool:
        """Whether the folder may have an end; it is not read while the run goes on."""
        ended = self.status is not None and self.status.state == "ended"
        return ended or self.state is None or self.state.ended or self.state.unknown


class JobStates:
    """Reads one job at a time from its folder, its run and the index. Keeps nothing but copies."""

    def __init__(
        self,
        folders: VolumeFolders,
        index: Index,
        runs: Runs,
        control: Control,
        submitter: Submitter,
        *,
        clock: Callable[[], datetime],
        times: SettleTimes,
    ) -> None:
        self._folders = folders
        self._index = index
        self._runs = runs
        self._control = control
        self._submitter = submitter
        self._completion = Completion(folders, index)
        self._clock = clock
        self._times = times
        self._known_runs: SingleFlightCache[str, Run] = SingleFlightCache(most=2_000)

    async def job(self, owner: Owner, job_id: str, *, polled: bool = False) -> Job | None:
        """Return the job as it is now; ``polled``: older answers are good enough for some parts."""
        with one_call():
            known = self._index.known(owner, job_id)
            may_be_old = polled
            if known is not None and self._times.alive:
                if known.ended is None and (job := await self._by_status(owner, job_id)):
                    return job
                may_be_old = polled or known.ended is not None
            max_age = POLLED_SECONDS if may_be_old else None
            await self._read_ahead(owner, job_id, known, max_age, polled=polled)
            return await self._job(owner, job_id, max_age, polled=polled)

    async def _job(
        self, owner: Owner, job_id: str, max_age: float | None, *, polled: bool
    ) -> Job | None:
        """Return the job by its entries in the index, its folder and its run."""
        folder = job_folder(owner, job_id)
        entry = await self._index.entry(owner, job_id, max_age=max_age)
        if entry is None:
            # It may have been removed by another server: nothing of it may be shown, or started
            # again, from copies.
            self._folders.forget(folder)
            self._known_runs.drop(folder)
        elif entry.ended is not None:
            if entry.ended.state != "completed":
                # An outcome that became visible late wins.
                outcome = await self._folders.record(Outcome, folder, OUTCOME)
                request = await self.request(owner, job_id) if outcome else None
                if outcome is not None and request is not None:
                    job = Job(owner=owner, request=request, state="running")
                    return await self._completion.completed(job, outcome)
            return await self._completion.load(owner, entry)
        request = await self.request(owner, job_id)
        if request is None:
            return await self._unreadable(owner, entry) if entry else None
        observed = await self._observe(owner, request, polled=polled)
        return await self._settled(observed, entry)

    async def _unreadable(self, owner: Owner, entry: IndexEntry) -> Job | None:
        """Return a job as failed whose request is there and cannot be read.

        ``None``: it has no request, or one that may only be becoming visible.
        """
        found = await self._folders.read(job_folder(owner, entry.job_id), REQUEST)
        made = from_milliseconds(entry.created_at)
        if found is None or self._clock() - made < timedelta(seconds=self._times.late):
            return None
        question = "(The request of this job cannot be read.)"
        request = Request(job_id=entry.job_id, question=question, created_at=made)
        job = Job(owner=owner, request=request, state="running")
        return await self.end(job, failure_of_run(RunState("failed"), "SystemExit: 5"))

    async def _read_ahead(
        self,
        owner: Owner,
        job_id: str,
        known: IndexEntry | None,
        max_age: float | None,
        *,
        polled: bool,
    ) -> None:
        """Ask side by side for what looking at the job needs: two requests one after another."""
        folder = job_folder(owner, job_id)

        async def entry() -> None:
            found = await self._index.entry(owner, job_id, max_age=max_age)
            if found is not None and found.ended is not None:
                await self._index.read(owner, job_id, found.ended.name)

        async def run() -> None:
            status, run = await gather_pair(
                partial(self._folders.read, folder, STATUS), partial(self.run, owner, job_id)
            )
            if run is not None:
                queued = () if status else (self._runs.active,)
                await gather((partial(self._runs.get, run.run_id), *queued))

        ahead: list[Callable[[], Awaitable[object]]] = [entry]
        if known is None or known.ended is None:
            ahead += [run, partial(self._control.requested, folder, None, polled=polled)]
        if known is None:
            ahead.append(partial(self._index.entries, owner, max_age=POLLED_SECONDS))
            ahead.append(partial(self._folders.read, folder, REQUEST))
        if known is None or (known.ended is not None and known.ended.state != "completed"):
            ahead.append(partial(self._folders.read, folder, OUTCOME))
        with suppress(JobsError, NewerFormat):  # told by what needs it
            await gather(ahead)

    async def _by_status(self, owner: Owner, job_id: str) -> Job | None:
        """Return a job that its ``status.json`` alone shows to work, or to have its outcome.

        A job whose status is a few seconds old works, whatever else is there, and a removed job has
        no status. ``None``: more has to be read.
        """
        folder = job_folder(owner, job_id)
        status, request = await gather_pair(
            partial(self._folders.record, Status, folder, STATUS),
            partial(self.request, owner, job_id),
        )
        if status is None or request is None:
            return None
        if status.state == "ended":
            outcome = await self._folders.record(Outcome, folder, OUTCOME)
            job = Job(owner=owner, request=request, state="running")
            return await self._completion.completed(job, outcome) if outcome else None
        age = abs((self._clock() - status.updated_at).total_seconds())
        requested = await self._control.requested(folder, status, cached=True)
        if age > self._times.alive or requested == "stop":
            return None
        return Job(
            owner=owner,
            request=request,
            state="running",
            attempt=status.attempt,
            requested=requested,
            started_at=status.updated_at - timedelta(seconds=status.spent.active_seconds),
        )

    async def with_active_run(self, owner: Owner, entry: IndexEntry, run: RunJson) -> Job | None:
        """Return a job whose active run was listed, without reading the run again."""
        folder = job_folder(owner, entry.job_id)
        request, status = await gather_pair(
            partial(self.request, owner, entry.job_id),
            partial(self._folders.record, Status, folder, STATUS),
        )
        if request is None:
            return None
        requested = await self._control.requested(folder, status, cached=True)
        job = Job(owner=owner, request=request, state="queued", requested=requested)
        state = run_state(run, stop_requested=requested == "stop")
        if _Observed(job, status, None, state).may_have_ended:
            observed = await self._observe(owner, request, polled=False)
            return await self._settled(observed, entry)
        return await self._unended(job, status, str(run["run_id"]), state)

    async def without_active_run(self, owner: Owner, job_id: str) -> Job | None:
        """Return a job that has no active run. Most have an outcome, so that is read first."""
        folder = job_folder(owner, job_id)
        outcome, request = await gather_pair(
            partial(self._folders.record, Outcome, folder, OUTCOME),
            partial(self.request, owner, job_id),
        )
        if outcome is None or request is None:
            return await self.job(owner, job_id)
        job = Job(owner=owner, request=request, state="running")
        return await self._completion.completed(job, outcome)

    async def request(self, owner: Owner, job_id: str) -> Request | None:
        """Return the request of the job; ``None``: there is none, or it is not visible yet."""
        return await self._folders.record(Request, job_folder(owner, job_id), REQUEST)

    async def run(self, owner: Owner, job_id: str, *, fresh: bool = False) -> Run | None:
        """Return the run of the job, from ``run.json``; ``fresh``: not from the cache."""
        folder = job_folder(owner, job_id)
        if fresh:
            self._known_runs.drop(folder)
        known = self._known_runs.known(folder, KNOWN_RUN_SECONDS)
        if known is not None:
            return known.value
        run = await self._folders.record(Run, folder, RUN)
        if run is not None:
            self._known_runs.put(folder, run)
        return run

    async def mark(self, owner: Owner, job_id: str) -> tuple[object, ...]:
        """Return values that change whenever reading the job would show something new."""
        with one_call():
            job = await self.job(owner, job_id, polled=True)
            status = await self._folders.read(job_folder(owner, job_id), STATUS)
        if job is None:
            return ()
        shown = (job.state, job.requested, job.attempt, job.queue_position, job.summary)
        return (*shown, status.data if status else b"")

    async def end(
        self, job: Job, error: Failure | None = None, status: Status | None = None
    ) -> Job:
        """Record that the job failed, or without an error that it was cancelled; return it."""
        ended = Ended(
            state="failed" if error else "cancelled",
            error=error,
            attempts=status.attempt if status else 0,
            ended_at=self._clock(),
        )
        return await self._completion.end(job, ended, status)

    async def _observe(self, owner: Owner, request: Request, *, polled: bool) -> _Observed:
        job = Job(owner=owner, request=request, state="queued")
        status, run = await gather_pair(
            partial(self._folders.record, Status, job.folder, STATUS),
            partial(self.run, owner, job.id),
        )
        requested, state = await gather_pair(
            partial(self._control.requested, job.folder, status, polled=polled),
            partial(self._run_state, run),
        )
        if run is not None and (state is None or state.ended):
            # This server or another one may have submitted one more run.
            latest = await self.run(owner, job.id, fresh=True)
            if latest is not None and latest.run_id != run.run_id:
                run, state = latest, await self._run_state(latest)
        if state is not None and requested == "stop":
            state = await self._run_state(run, stop_requested=True)
        return _Observed(replace(job, requested=requested), status, run, state)

    async def _settled(self, observed: _Observed, entry: IndexEntry | None) -> Job:
        """Return the job; if it has ended, its end is recorded, and a due run is submitted."""
        job, status, state = observed.job, observed.status, observed.state
        match await self._verdict(observed):
            case Active(run):
                run_id = observed.run.run_id if observed.run else ""
                return await self._unended(job, status, run_id, run)
            case Completed(outcome):
                return await self._completion.completed(job, outcome)
            case Recorded(ended):
                return await self._completion.recorded(job, ended, status)
            case Cancelled():
                return await self.end(job, status=status)
            case Failed(error):
                if state is not None and (task_run_id := failed_task(state)):
                    error = failure_of_run(state, await self._runs.error(task_run_id))
                return await self.end(job, error, status)
            case RunDue():
                return await self._complete_start(job, entry)
            case RunAgain():
                return await self._run_again(observed)

    async def _verdict(self, observed: _Observed) -> Verdict:
        job, status, run, state = observed.job, observed.status, observed.run, observed.state
        stop_requested = job.requested == "stop"
        outcome: Outcome | None = None
        ended: Ended | None = None
        if observed.may_have_ended:
            outcome, ended = await gather_pair(
                partial(self._folders.record, Outcome, job.folder, OUTCOME),
                partial(self._folders.record, Ended, job.folder, ENDED),
            )
        facts = RunFacts(
            now=self._clock(),
            created_at=job.request.created_at,
            outcome=outcome,
            ended=ended,
            stop_requested=stop_requested,
            stop_seen=status is not None and status.asked == "stop",
            began=status is not None,
            attempt=run.attempt if run else 0,
            submitted_at=run.started_at if run else None,
            run=state,
        )
        return settle_run(facts, self._times)

    async def _unended(self, job: Job, status: Status | None, run_id: str, state: RunState) -> Job:
        """Return an unended job with all that is shown of it, and repeat a stop without effect."""
        stopping = state.phase == "cancelling" or job.requested == "stop"
        if run_id and job.requested == "stop":
            await self._runs.cancel_again(run_id)
        if state.phase == "queued" and status is None and not stopping:
            position = await self._runs.position(run_id)
            summary = state.note if state.note == COMPUTE_STARTS else ""
            return replace(job, queue_position=position, summary=summary)
        began = status is not None or state.phase != "queued"
        return replace(
            job,
            state="cancelling" if stopping else "running",
            attempt=status.attempt if status else int(began),
            started_at=(state.started_at or state.created_at or self._clock()) if began else None,
        )

    async def _complete_start(self, job: Job, entry: IndexEntry | None) -> Job:
        """Submit the run that an interrupted start did not submit."""
        try:
            run = await self._submitter.complete_start(job.owner, job.id, entry)
        except Refused as error:
            failure = Failure(code="setup", message=error.message, hint=error.hint)
            return await self.end(job, failure)
        except JobsError as error:
            log.warning("job %s still has no run: %s", job.id, error.message)
            return replace(job, summary=error.message)
        return await self._unended(job, None, run.run_id, RunState("queued"))

    async def _run_again(self, observed: _Observed) -> Job:
        """Submit one more run. If that is refused permanently, the failure of the first holds."""
        job = observed.job
        if observed.run is None or observed.state is None:
            return job
        try:
            run = await self._submitter.run_again(job.owner, job.id, observed.run)
        except (Refused, NotPermitted) as error:
            log.warning("job %s is not started once more: %s", job.id, error.message)
            return await self.end(job, failure_of_run(observed.state), observed.status)
        except JobsError as error:
            log.warning("job %s is not started once more yet: %s", job.id, error.message)
            return replace(job, summary=error.message)
        self._known_runs.put(job.folder, run)
        return await self._unended(job, None, run.run_id, RunState("queued"))

    async def _run_state(self, run: Run | None, *, stop_requested: bool = False) -> RunState | None:
        found = await self._runs.get(run.run_id) if run else None
        return run_state(found, stop_requested=stop_requested) if found else None
