"""Maps the state of a Databricks run to the state of its job, from the run's JSON.

``status`` is used first and the older ``state`` second. An unknown word never ends a job: the job
stays active until a known word says otherwise.
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
_SUCCESS = ("SUCCESS", "SUCCESS_WITH_FAILURES")
_NOT_BEGUN = ("PENDING", "BLOCKED", "QUEUED")


@dataclass(frozen=True)
class RunState:
    """The known facts about a run.

    ``phase`` is the state of the job that the run implies. For an ended run it is how the run
    ended, which does not yet decide how the job ended. ``cause`` is why a run failed, ``message``
    the platform's message about it. ``note`` tells the user what an active run is waiting for.
    ``task_run_id`` is the run of the last attempt of the last task, whose error can be requested;
    0 if there is none. ``unknown``: the words are of a later version of the API, so the job folder
    has to decide.
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
        """Whether the platform, not the research, caused the failure."""
        return self.cause in ("full", "platform")

    @property
    def never_began(self) -> bool:
        """Whether the job's program certainly did not run."""
        return self.ended and self.cause in ("full", "skipped", "setup")


_QUEUED: Mapping[str, RunState] = {
    "QUEUED": RunState("queued", note=WAITS_FOR_SLOT),
    "PENDING": RunState("queued", note=COMPUTE_STARTS),
    "BLOCKED": RunState("queued"),
}
"""States before the start of a run, in ``status`` and in ``state``."""

_RESULTS: Mapping[str, tuple[RunPhase, Cause]] = {
    **dict.fromkeys(_SUCCESS, ("completed", "")),
    **dict.fromkeys(("CANCELED", "UPSTREAM_CANCELED"), ("cancelled", "")),
    "TIMEDOUT": ("failed", "timeout"),
    "MAXIMUM_CONCURRENT_RUNS_REACHED": ("failed", "full"),
    **dict.fromkeys(("EXCLUDED", "DISABLED"), ("failed", "skipped")),
    "FAILED": ("failed", "task"),
}
"""Phase and cause by the ``result_state`` of the older ``state``."""


def run_state(run: Mapping[str, Any], *, stop_requested: bool = False) -> RunState:
    """Return the state of a run; ``stop_requested``: this server requested that it stops."""
    tasks = _list(run.get("tasks"))
    status, legacy = _dict(run.get("status")), _dict(run.get("state"))
    state = (
        _from_status(status, legacy, tasks, stop_requested=stop_requested)
        or _from_legacy_state(legacy, stop_requested=stop_requested)
        or RunState("running", unknown=True)
    )
    began = state.phase != "queued" and state.note != COMPUTE_STARTS
    return replace(
        state,
        task_run_id=_number(tasks[-1].get("run_id")) if tasks else 0,
        created_at=_time(run.get("start_time")),
        started_at=_start_time(run, tasks) if began else None,
        ended_at=_time(run.get("end_time")) if state.ended else None,
    )


def job_parameters(run: Mapping[str, Any]) -> dict[str, str]:
    """Return the job parameters of a run by name; they identify its job folder."""
    parameters = _list(run.get("job_parameters"))
    return {
        str(parameter.get("name", "")): str(parameter.get("value", parameter.get("default", "")))
        for parameter in parameters
    }


def _from_status(
    status: Mapping[str, Any],
    legacy: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    *,
    stop_requested: bool,
) -> RunState | None:
    details = _dict(status.get("termination_details"))
    code = str(details.get("code", ""))
    word = str(status.get("state"))
    match word:
        case "WAITING":
            return RunState("running", note=WAITS_FOR_RETRY)
        case "RUNNING" if stop_requested:
            return RunState("cancelling")
        case "RUNNING":
            return RunState("running", note="" if _any_task_began(tasks) else COMPUTE_STARTS)
        case "TERMINATING":
            stopping = stop_requested or code in ("USER_CANCELED", "CANCELED")
            return RunState("cancelling" if stopping else "running")
        case "TERMINATED":
            phase, cause = _end(details, code, legacy, stop_requested=stop_requested)
            return RunState(phase, ended=True, cause=cause, message=str(details.get("message", "")))
    return _QUEUED.get(word)


def _end(
    details: Mapping[str, Any], code: str, legacy: Mapping[str, Any], *, stop_requested: bool
) -> tuple[RunPhase, Cause]:
    """Return phase and cause of an ended run by the code of its ``termination_details``."""
    result = legacy.get("result_state")
    if code == "CANCELED" and result == "TIMEDOUT":
        return "failed", "timeout"
    if code == "CANCELED" and not stop_requested:
        return "failed", "stopped"
    if code in ("CANCELED", "USER_CANCELED"):
        return "cancelled", ""
    if code in _CAUSES:
        return "failed", _CAUSES[code]
    succeeded = code in _SUCCESS or details.get("type") == "SUCCESS" or result in _SUCCESS
    return ("completed" if succeeded else "failed"), ""


def _from_legacy_state(legacy: Mapping[str, Any], *, stop_requested: bool) -> RunState | None:
    message = str(legacy.get("state_message", ""))
    result = str(legacy.get("result_state"))
    word = str(legacy.get("life_cycle_state"))
    match word:
        case "WAITING_FOR_RETRY":
            return RunState("running", note=WAITS_FOR_RETRY)
        case "RUNNING":
            return RunState("cancelling" if stop_requested else "running")
        case "TERMINATING":
            stopping = stop_requested or result == "CANCELED"
            return RunState("cancelling" if stopping else "running")
        case "TERMINATED" | "INTERNAL_ERROR":
            phase, cause = _RESULTS.get(result, ("failed", ""))
            return RunState(phase, ended=True, cause=cause, message=message)
        case "SKIPPED":
            return RunState("failed", ended=True, cause="skipped", message=message)
    return _QUEUED.get(word)


def _any_task_began(tasks: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether some task is past its waiting; a task without a state counts as begun."""
    words = [
        _dict(task.get("status")).get("state")
        or _dict(task.get("state")).get("life_cycle_state")
        or ""
        for task in tasks
    ]
    return not words or any(word not in _NOT_BEGUN for word in words)


def _start_time(run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> datetime | None:
    for task in tasks:
        start = _number(task.get("start_time"))
        if start:
            return _time(start + _number(task.get("setup_duration")))
    return _time(run.get("start_time"))


def _time(milliseconds: object) -> datetime | None:
    number = _number(milliseconds)
    return datetime.fromtimestamp(number / 1000, UTC) if 0 < number < 2**50 else None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]
