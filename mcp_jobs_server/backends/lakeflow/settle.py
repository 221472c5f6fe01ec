"""What becomes of a job: decided in one place, from what stands in its folder and its run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mcp_jobs_server.databricks.failures import sanitize
from mcp_jobs_server.databricks.run_state import RunPhase, RunState
from research_contract.records import Ended, Failure, Outcome

LATE_SECONDS = 60.0
"""How long after the end of a run its outcome is waited for: files can become visible late."""

ORPHAN_SECONDS = 30.0
"""How long a request may be without a run until whoever sees it asks for the run again."""


@dataclass(frozen=True)
class Facts:
    """All that is known of a job.

    ``run`` is the state of its run, ``None`` where there is no run yet or, with ``run_since``
    set, where the workspace knows the run no more. ``run_since`` is when the run was asked for.
    ``began``: the job wrote its status, so its program ran; ``obeyed``: that says it has seen
    the stop. ``attempt`` counts runs.
    """

    now: datetime
    made_at: datetime
    outcome: Outcome | None = None
    ended: Ended | None = None
    stopped: bool = False
    obeyed: bool = False
    began: bool = False
    attempt: int = 0
    run_since: datetime | None = None
    run: RunState | None = None


@dataclass(frozen=True)
class Active:
    """It goes on, or its outcome may still appear."""

    run: RunState


@dataclass(frozen=True)
class Completed:
    outcome: Outcome


@dataclass(frozen=True)
class Recorded:
    """Its end is written down already."""

    ended: Ended


@dataclass(frozen=True)
class Cancelled:
    pass


@dataclass(frozen=True)
class Failed:
    """``task_run_id`` is the task of which the error is asked for the message; 0: of none."""

    error: Failure
    task_run_id: int = 0


@dataclass(frozen=True)
class RunDue:
    """It has no run: its start was interrupted. The run is asked for again, with its token."""


@dataclass(frozen=True)
class RunAgain:
    """The platform failed before the research began: one more run is asked for."""


Verdict = Active | Completed | Recorded | Cancelled | Failed | RunDue | RunAgain

_QUEUED = RunState("queued")


def settle(
    facts: Facts, *, late_seconds: float = LATE_SECONDS, orphan_seconds: float = ORPHAN_SECONDS
) -> Verdict:
    """Say what becomes of a job. The same facts give the same answer.

    A valid outcome means completed, even after a stop; else an end that was written down holds;
    else the run says it. A run that ended without an outcome is finishing for a while, unless its
    program cannot have run; then a recorded stop means cancelled, else the job has failed.
    """
    if facts.outcome is not None:
        return Completed(facts.outcome)
    if facts.ended is not None:
        return Recorded(facts.ended)
    if facts.run_since is None:
        return _without_run(facts, orphan_seconds)
    if facts.run is None:
        return _forgotten(facts, facts.run_since, late_seconds)
    if not facts.run.ended:
        # A job that has not begun refuses to where a stop is recorded.
        queued = facts.run.phase == "queued" and not facts.began
        return Cancelled() if facts.stopped and queued else Active(facts.run)
    return _after_run(facts, facts.run, late_seconds)


def _without_run(facts: Facts, orphan_seconds: float) -> Verdict:
    if facts.stopped:
        return Cancelled()
    old = facts.now - facts.made_at > timedelta(seconds=orphan_seconds)
    return RunDue() if old else Active(_QUEUED)


def _forgotten(facts: Facts, since: datetime, late_seconds: float) -> Verdict:
    """A run that the workspace does not know: one of 60 days ago, or one it does not show yet."""
    if facts.now - since < timedelta(seconds=late_seconds):
        return Active(RunState("running" if facts.began else "queued"))
    return Cancelled() if facts.stopped else Failed(_FORGOTTEN)


def _after_run(facts: Facts, run: RunState, late_seconds: float) -> Verdict:
    certain = facts.obeyed or (run.never_began and not facts.began)
    if not facts.stopped and run.may_be_started_again and not facts.began and facts.attempt < 2:
        return RunAgain()
    ended_at = run.ended_at or facts.run_since or facts.made_at
    if not certain and facts.now - ended_at < timedelta(seconds=late_seconds):
        stopping = facts.stopped or run.phase == "cancelled"
        place: RunPhase = "cancelling" if stopping else "running"
        return Active(RunState(place, started_at=run.started_at))
    if facts.stopped or run.phase == "cancelled":
        return Cancelled()
    asks = run.cause in ("task", "") and run.phase == "failed"
    return Failed(failure(run), task_run_id=run.task_run_id if asks else 0)


def failure(run: RunState, said: str = "") -> Failure:
    """Return the error of a job whose run ended so; ``said`` is what its task died of."""
    if run.phase == "completed":
        return _NO_OUTCOME
    code, message, hint, retryable = _FAILURES.get(run.cause, _FAILURES[""])
    reason = said or sanitize(run.message)
    if code in _BY_EXIT_CODE_OF and (known := _by_exit_code(said)):
        return known
    told = f"{message} {reason.rstrip('.')}." if reason else message
    return Failure(code=code, message=told, hint=hint, retryable=retryable)


def _by_exit_code(said: str) -> Failure | None:
    """Return what the job means by its exit code, where the platform tells that."""
    kind, _, code = said.partition(":")
    return _EXIT_CODES.get(code.strip()) if kind.strip() == "SystemExit" else None


_AGAIN = "Start the research again."
_OPERATOR = "Tell whoever runs this server; `mcp-jobs-server doctor` looks for the reason."
_BY_EXIT_CODE_OF = ("job_failed",)
_FAILURES: dict[str, tuple[str, str, str, bool]] = {
    "": ("job_failed", "The research job failed.", f"What it found is readable. {_AGAIN}", True),
    "task": (
        "job_failed",
        "The research job failed.",
        f"What it found is readable. {_AGAIN}",
        True,
    ),
    "full": (
        "workspace_full",
        "The workspace had no place for the job, so it never started.",
        "Start the research again in some minutes.",
        True,
    ),
    "skipped": ("never_started", "The workspace did not start the job.", _OPERATOR, True),
    "setup": ("setup", "The workspace could not set the job up.", _OPERATOR, False),
    "platform": ("platform", "The platform failed, not the research.", _AGAIN, True),
    "timeout": (
        "timeout",
        "The job ran longer than the deployed job allows and was ended.",
        "What it found is readable. Start it again with less to find out, or have the job's"
        " timeout raised.",
        True,
    ),
    "stopped": (
        "stopped",
        "The platform stopped the job; nobody asked for that here.",
        f"What it found is readable. {_AGAIN}",
        True,
    ),
}
_NO_OUTCOME = Failure(
    code="no_outcome",
    message="The run ended without leaving an outcome in the job folder.",
    hint=f"Its steps and evidence are readable. {_OPERATOR}",
    retryable=True,
)
_FORGOTTEN = Failure(
    code="forgotten",
    message="The platform no longer knows the run, and it left no outcome.",
    hint=f"Its steps and evidence are readable. {_AGAIN}",
    retryable=True,
)
_UNREADABLE = Failure(
    code="unreadable_request",
    message="The job could not read its request, or the request is of a newer version.",
    hint="Whoever runs this server: deploy server and job of the same version, then start again.",
)
_NO_ROOM = Failure(
    code="no_room",
    message="The volume that holds the job folders could not be written.",
    hint=f"Its steps and evidence are readable. {_OPERATOR}",
    retryable=True,
)
_EXIT_CODES = {"5": _UNREADABLE, "6": _NO_ROOM}
