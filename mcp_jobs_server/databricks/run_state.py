"""What the state of a run means for a job. Pure: from the run's JSON as the workspace sent it.

``status`` is read first and the older ``state`` second. A word that is not known here never
ends a job: it stays active until a known word says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

RunPhase = Literal["queued", "running", "cancelling", "completed", "failed", "cancelled"]
Cause = Literal["", "full", "skipped", "task", "setup", "platform", "timeout", "stopped"]

WAITS_FOR_SLOT = "Waiting for a free place in the workspace."
COMPUTE_STARTS = "The compute is starting."
WAITS_FOR_RETRY = "Waiting to be tried again."

_FULL = {
    "MAX_CONCURRENT_RUNS_EXCEEDED",
    "MAX_JOB_QUEUE_SIZE_EXCEEDED",
    "WORKSPACE_RUN_LIMIT_EXCEEDED",
    "CLUSTER_REQUEST_LIMIT_EXCEEDED",
}
_SETUP = {
    "LIBRARY_INSTALLATION_ERROR",
    "INVALID_RUN_CONFIGURATION",
    "RESOURCE_NOT_FOUND",
    "UNAUTHORIZED_ERROR",
    "STORAGE_ACCESS_ERROR",
    "REPOSITORY_CHECKOUT_FAILED",
    "FEATURE_DISABLED",
    "INVALID_CLUSTER_REQUEST",
    "BUDGET_POLICY_LIMIT_EXCEEDED",
}
_PLATFORM = {
    "INTERNAL_ERROR",
    "CLOUD_FAILURE",
    "DRIVER_ERROR",
    "CLUSTER_ERROR",
    "CLUSTER_TERMINATED_BY_USER",
    "MAX_SPARK_CONTEXTS_EXCEEDED",
    "BREAKING_CHANGE",
}
_CAUSES: dict[str, Cause] = {
    **dict.fromkeys(_FULL, "full"),
    **dict.fromkeys(_SETUP, "setup"),
    **dict.fromkeys(_PLATFORM, "platform"),
    **dict.fromkeys(("SKIPPED", "DISABLED"), "skipped"),
    "RUN_EXECUTION_ERROR": "task",
}
_DONE = ("SUCCESS", "SUCCESS_WITH_FAILURES")
_NOT_BEGUN = ("PENDING", "BLOCKED", "QUEUED")


@dataclass(frozen=True)
class RunState:
    """What is known of a run.

    ``phase`` is the product's state; of an ended run it says how the run ended, which is not yet
    how the job ended. ``cause`` says why one failed, ``message`` the platform's words about it.
    ``note`` is what a person is told of an active one. ``task_run_id`` is the run of the last
    attempt of the last task, of which the error can be asked; 0 where there is none.
    ``unknown``: the words are of a later version, so that the job folder has to tell.
    """

    phase: RunPhase
    ended: bool = False
    unknown: bool = False
    cause: Cause = ""
    note: str = ""
    message: str = ""
    task_run_id: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def may_be_started_again(self) -> bool:
        """Whether the platform, not the research, is why it failed."""
        return self.cause in ("full", "platform")

    @property
    def never_began(self) -> bool:
        """Whether it is certain that the job's program did not run."""
        return self.ended and self.cause in ("full", "skipped", "setup")


def run_state(run: Mapping[str, Any], *, stop_requested: bool = False) -> RunState:
    """Return what the run's JSON says; ``stop_requested``: this product asked that it ends."""
    tasks = _list(run.get("tasks"))
    status, state = _dict(run.get("status")), _dict(run.get("state"))
    found = _by_status(status, state, tasks, stop_requested=stop_requested)
    if found is None:
        found = _by_state(state, stop_requested=stop_requested) or RunState("running", unknown=True)
    last = tasks[-1] if tasks else {}
    began = found.phase not in ("queued",) and found.note != COMPUTE_STARTS
    return replace(
        found,
        task_run_id=_number(last.get("run_id")),
        created_at=_moment(run.get("start_time")),
        started_at=_began_at(run, tasks) if began else None,
        ended_at=_moment(run.get("end_time")) if found.ended else None,
    )


def job_parameters(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the job parameters of a run by name; they name its job folder."""
    told = _list(run.get("job_parameters"))
    return {
        str(each.get("name", "")): str(each.get("value", each.get("default", ""))) for each in told
    }


def _by_status(
    status: Mapping[str, Any],
    state: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    *,
    stop_requested: bool,
) -> RunState | None:
    details = _dict(status.get("termination_details"))
    code = str(details.get("code", ""))
    match status.get("state"):
        case "QUEUED":
            return RunState("queued", note=WAITS_FOR_SLOT)
        case "PENDING":
            return RunState("queued", note=COMPUTE_STARTS)
        case "BLOCKED":
            return RunState("queued")
        case "WAITING":
            return RunState("running", note=WAITS_FOR_RETRY)
        case "RUNNING" if stop_requested:
            return RunState("cancelling")
        case "RUNNING":
            return RunState("running", note="" if _any_began(tasks) else COMPUTE_STARTS)
        case "TERMINATING":
            by_stop = stop_requested or code in ("USER_CANCELED", "CANCELED")
            return RunState("cancelling" if by_stop else "running")
        case "TERMINATED":
            return _terminated(details, code, state, stop_requested=stop_requested)
    return None


def _terminated(
    details: Mapping[str, Any], code: str, state: Mapping[str, Any], *, stop_requested: bool
) -> RunState:
    message = str(details.get("message", ""))
    if code in _DONE:
        return RunState("completed", ended=True, message=message)
    if code == "USER_CANCELED":
        return RunState("cancelled", ended=True, message=message)
    if code == "CANCELED":
        return _cancelled(state, message, stop_requested=stop_requested)
    if code in _CAUSES:
        return RunState("failed", ended=True, cause=_CAUSES[code], message=message)
    succeeded = details.get("type") == "SUCCESS" or state.get("result_state") in _DONE
    return RunState("completed" if succeeded else "failed", ended=True, message=message)


def _cancelled(state: Mapping[str, Any], message: str, *, stop_requested: bool) -> RunState:
    if state.get("result_state") == "TIMEDOUT":
        return RunState("failed", ended=True, cause="timeout", message=message)
    if stop_requested:
        return RunState("cancelled", ended=True, message=message)
    return RunState("failed", ended=True, cause="stopped", message=message)


def _by_state(state: Mapping[str, Any], *, stop_requested: bool) -> RunState | None:
    message = str(state.get("state_message", ""))
    result = state.get("result_state")
    match state.get("life_cycle_state"):
        case "QUEUED":
            return RunState("queued", note=WAITS_FOR_SLOT)
        case "PENDING":
            return RunState("queued", note=COMPUTE_STARTS)
        case "BLOCKED":
            return RunState("queued")
        case "RUNNING":
            return RunState("cancelling" if stop_requested else "running")
        case "WAITING_FOR_RETRY":
            return RunState("running", note=WAITS_FOR_RETRY)
        case "TERMINATING":
            by_stop = stop_requested or result == "CANCELED"
            return RunState("cancelling" if by_stop else "running")
        case "TERMINATED" | "INTERNAL_ERROR":
            return RunState(
                _ended_phase(result), ended=True, cause=_ended_cause(result), message=message
            )
        case "SKIPPED":
            return RunState("failed", ended=True, cause="skipped", message=message)
    return None


def _ended_phase(result: object) -> RunPhase:
    if result in _DONE:
        return "completed"
    return "cancelled" if result in ("CANCELED", "UPSTREAM_CANCELED") else "failed"


def _ended_cause(result: object) -> Cause:
    match result:
        case "TIMEDOUT":
            return "timeout"
        case "MAXIMUM_CONCURRENT_RUNS_REACHED":
            return "full"
        case "EXCLUDED" | "DISABLED":
            return "skipped"
        case "FAILED":
            return "task"
    return ""


def _any_began(tasks: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether some task is past its waiting; one that does not say counts as begun."""
    words = [
        _dict(task.get("status")).get("state")
        or _dict(task.get("state")).get("life_cycle_state")
        or ""
        for task in tasks
    ]
    return not words or any(word not in _NOT_BEGUN for word in words)


def _began_at(run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> datetime | None:
    for task in tasks:
        start = _number(task.get("start_time"))
        if start:
            return _moment(start + _number(task.get("setup_duration")))
    return _moment(run.get("start_time"))


def _moment(milliseconds: object) -> datetime | None:
    number = _number(milliseconds)
    return datetime.fromtimestamp(number / 1000, UTC) if 0 < number < 2**50 else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]
