"""Derives from the folder and the run of a job how it ends; ``backends/settle.py`` has the rule.

Only jobs on Lakeflow have these: the state of a run, files that become visible late, and requests
whose start was interrupted before a run was submitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_jobs_server.backends.settle import (
    START_AGAIN,
    Cancelled,
    Completed,
    Facts,
    Failed,
    Recorded,
    RunAgain,
    failure_of_exit,
    settle,
)
from mcp_jobs_server.databricks.failures import sanitize
from mcp_jobs_server.databricks.run_state import RunState
from research_contract.records import Ended, Failure, Outcome

LATE_SECONDS = 60.0
"""How long to wait for the outcome after a run ended: files can become visible late."""

ORPHAN_SECONDS = 30.0
"""Age of a request without a run after which the run is submitted again."""

ALIVE_SECONDS = 15.0
"""Age of a status up to which its job works, since a job on a volume writes one every five seconds.
With 0 the run is always asked."""

MAX_RUNS = 2
"""Runs of one job: one more after the platform failed."""


@dataclass(frozen=True)
class SettleTimes:
    """Seconds after which a job counts as ended, or may have; see the constants of this module."""

    late: float = LATE_SECONDS
    orphan: float = ORPHAN_SECONDS
    alive: float = ALIVE_SECONDS


@dataclass(frozen=True)
class RunFacts:
    """What is known of a job that may have ended.

    Attributes:
        now: the time at which the job is settled.
        created_at: when the request was made.
        outcome, ended, stop_requested: as in ``Facts``.
        stop_seen: the job has seen the stop, according to its status.
        began: the job wrote its status, so its program ran.
        attempt: number of the run, from 1; 0 without a run.
        submitted_at: when the run was submitted; ``None`` if there is no run.
        run: state of the run; ``None`` if there is none, or the workspace does not know it.
    """

    now: datetime
    created_at: datetime
    outcome: Outcome | None = None
    ended: Ended | None = None
    stop_requested: bool = False
    stop_seen: bool = False
    began: bool = False
    attempt: int = 0
    submitted_at: datetime | None = None
    run: RunState | None = None


@dataclass(frozen=True)
class Active:
    """The job goes on, or its outcome may still appear."""

    run: RunState


@dataclass(frozen=True)
class RunDue:
    """The job has no run: its start was interrupted. Submit the run again, with the same token."""


Verdict = Active | Completed | Recorded | Cancelled | Failed | RunDue | RunAgain


def settle_run(job: RunFacts, times: SettleTimes = SettleTimes()) -> Verdict:
    """Return how the job ends, or why it goes on.

    A run that was cancelled in the workspace counts as a requested stop. A job may run again if its
    start was interrupted, or once if its run failed because of the platform before the research
    began.
    """
    run_again = job.submitted_at is None or (
        job.run is not None
        and job.run.may_be_started_again
        and not job.began
        and job.attempt < MAX_RUNS
    )
    if job.outcome is None and job.ended is None:
        active = _active_state(job, times, run_again=run_again)
        if active is not None:
            return Active(active)
    cancelled_run = job.run is not None and job.run.ended and job.run.phase == "cancelled"
    verdict = settle(
        Facts(
            outcome=job.outcome,
            ended=job.ended,
            stop_requested=job.stop_requested or cancelled_run,
            may_run_again=run_again,
            failure=failure_of_run(job.run) if job.run else _FORGOTTEN,
        )
    )
    return RunDue() if isinstance(verdict, RunAgain) and job.submitted_at is None else verdict


def _active_state(job: RunFacts, times: SettleTimes, *, run_again: bool) -> RunState | None:
    """Return the state to show while the job may go on or its outcome may appear; else ``None``."""
    late = timedelta(seconds=times.late)
    run = job.run
    if job.submitted_at is None:
        young = job.now - job.created_at <= timedelta(seconds=times.orphan)
        return RunState("queued") if young and not job.stop_requested else None
    if run is None:
        # Deleted by the platform after 60 days, or so new that it is not visible yet.
        visible_later = job.now - job.submitted_at < late
        return RunState("running" if job.began else "queued") if visible_later else None
    if not run.ended:
        return run
    wrote_nothing = run.never_began and not job.began
    if job.stop_seen or wrote_nothing or (run_again and not job.stop_requested):
        return None
    if job.now - (run.ended_at or job.submitted_at) >= late:
        return None
    stopping = job.stop_requested or run.phase == "cancelled"
    return RunState("cancelling" if stopping else "running", started_at=run.started_at)


def failed_task(run: RunState | None) -> int:
    """Return the id of the task run whose error says why the job failed; 0: no error to read."""
    task_failed = run is not None and run.phase == "failed" and run.cause in ("task", "")
    return run.task_run_id if run is not None and task_failed else 0


def failure_of_run(run: RunState, task_error: str = "") -> Failure:
    """Return why a job failed whose run ended in this state.

    Args:
        run: state of the ended run.
        task_error: first line of the error of its task, "" if unknown.
    """
    if run.phase == "completed":
        return _NO_OUTCOME
    failure = _FAILURES.get(run.cause, _FAILURES["task"])
    if failure.code == "job_failed":
        kind, _, code = task_error.partition(":")
        exited = kind.strip() == "SystemExit" and code.strip().isdecimal()
        known = failure_of_exit(
            int(code) if exited else None,
            storage="volume",
            upgrade="Tell the operator of this server to run 'mcp-jobs-server doctor', and to"
            f" deploy server and job of the same version. {START_AGAIN}",
            make_room=_OPERATOR,
        )
        if known is not None:
            return known
    reason = task_error or sanitize(run.message)
    message = f"{failure.message} {reason.rstrip('.')}." if reason else failure.message
    return failure.model_copy(update={"message": message})


_OPERATOR = "Tell the operator of this server; `mcp-jobs-server doctor` looks for the reason."
_READABLE = "What it found is readable."
_FAILURES = {
    "task": Failure(
        code="job_failed",
        message="The research job failed.",
        hint=f"{_READABLE} {START_AGAIN}",
        retryable=True,
    ),
    "full": Failure(
        code="workspace_full",
        message="The workspace had no capacity for the job, so it never started.",
        hint="Start the research again in a few minutes.",
        retryable=True,
    ),
    "skipped": Failure(
        code="never_started",
        message="The workspace did not start the job.",
        hint=_OPERATOR,
        retryable=True,
    ),
    "setup": Failure(
        code="setup",
        message="The workspace could not set up the job.",
        hint=_OPERATOR,
    ),
    "platform": Failure(
        code="platform",
        message="The platform failed, not the research.",
        hint=START_AGAIN,
        retryable=True,
    ),
    "timeout": Failure(
        code="timeout",
        message="The job ran longer than the timeout of the deployed job and was ended.",
        hint=f"{_READABLE} Start it again with fewer questions, or ask the operator for a longer"
        " timeout.",
        retryable=True,
    ),
    "stopped": Failure(
        code="stopped",
        message="The platform stopped the job without a request from this server.",
        hint=f"{_READABLE} {START_AGAIN}",
        retryable=True,
    ),
}
_NO_OUTCOME = Failure(
    code="no_outcome",
    message="The run ended without leaving an outcome in the job folder.",
    hint=f"{_READABLE} {_OPERATOR}",
    retryable=True,
)
_FORGOTTEN = Failure(
    code="forgotten",
    message="The platform no longer knows the run, and it left no outcome.",
    hint=f"{_READABLE} {START_AGAIN}",
    retryable=True,
)
