"""What is answered of a run, in the two forms that the API has: ``state`` and ``status``."""

from __future__ import annotations

from typing import Any

from mcp_jobs_server.testing.fake_workspace.runs import QUEUED, Attempt, Run, Termination

_RESULTS = {"SUCCESS": "SUCCESS", "USER_CANCELED": "CANCELED", "CANCELED": "CANCELED"}
_COMPUTE = "Waiting for cluster"


def run_body(run: Run, host: str, *, tasks: bool = True) -> dict[str, Any]:
    """Return the body of ``runs/get``, or an item of ``runs/list`` without its tasks."""
    body: dict[str, Any] = {
        **_head(run, run.run_id),
        "state": _run_state(run),
        "start_time": run.start,
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
        "end_time": run.end,
        **_middle(run, run.run_id, host),
        "format": "MULTI_TASK",
        "status": _status(run.state, _ended(run), run),
        **_tail(run),
    }
    if run.end:
        body["run_duration"] = run.end - run.start
    if run.state == "QUEUED" or _is_success(run.ended):
        body["queue_duration"] = 0
    if tasks and run.attempts:
        body["tasks"] = [_task(run, attempt, host) for attempt in run.attempts]
    return body | run.words


def output_body(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    """Return the body of ``runs/get-output`` of one attempt."""
    task = _task(run, attempt, host)
    metadata = {
        **_head(run, attempt.run_id),
        **{name: task[name] for name in ("state", "start_time", "setup_duration")},
        **{name: task[name] for name in ("execution_duration", "cleanup_duration", "end_time")},
        **_middle(run, attempt.run_id, host),
        "tasks": [task],
        "format": "MULTI_TASK",
        "status": task["status"],
        **_tail(run),
        "parent_run_id": run.run_id,
        "task_key": "research",
    }
    body: dict[str, Any] = {"metadata": metadata}
    if attempt.error:
        body |= {"error": attempt.error, "error_trace": attempt.trace}
    return body | {"logs": attempt.log, "logs_truncated": attempt.truncated}


def _head(run: Run, run_id: int) -> dict[str, Any]:
    return {
        "job_id": run.job.job_id,
        "run_id": run_id,
        "creator_user_name": run.by.name,
        "number_in_job": run_id,
        "original_attempt_run_id": run_id,
    }


def _middle(run: Run, run_id: int, host: str) -> dict[str, Any]:
    return {
        "trigger": "ONE_TIME",
        "run_name": run.job.name,
        "run_page_url": _page(run, run_id, host),
        "run_type": "JOB_RUN",
    }


def _tail(run: Run) -> dict[str, Any]:
    values = {**run.job.defaults, **run.parameters}
    return {
        "job_parameters": [
            {"name": name, "default": run.job.defaults.get(name, ""), "value": value}
            for name, value in values.items()
        ],
        "job_run_id": run.run_id,
        "effective_performance_target": "STANDARD",
    }


def _page(run: Run, run_id: int, host: str) -> str:
    return f"{host}/?o=900800700600#job/{run.job.job_id}/run/{run_id}"


def _task(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    return {
        "run_id": attempt.run_id,
        "task_key": "research",
        "python_wheel_task": run.job.wheel_task(run.arguments),
        "environment_key": "default",
        "run_if": "ALL_SUCCESS",
        "state": _task_state(run, attempt),
        "run_page_url": _page(run, attempt.run_id, host),
        "start_time": attempt.start,
        "setup_duration": 0,
        "execution_duration": max(0, attempt.end - attempt.start) if attempt.start else 0,
        "cleanup_duration": 0,
        "end_time": attempt.end,
        "attempt_number": attempt.number,
        "status": _status(attempt.state, _ended_attempt(run, attempt), run),
        "effective_performance_target": "STANDARD",
    }


def _status(state: str, ended: Termination | None, run: Run) -> dict[str, Any]:
    if state == "QUEUED":
        return {"state": state, "queue_details": {"code": QUEUED, "message": _waits(run)}}
    if ended:
        return {"state": state, "termination_details": ended.body()}
    return {"state": state}


def _waits(run: Run) -> str:
    limit = run.job.max_concurrent_runs
    return f"Queued due to reaching maximum concurrent runs of {limit}."


def _ended(run: Run) -> Termination | None:
    """Return how the run ended, or how it is about to."""
    return run.ended or (run.cancel if run.state == "TERMINATING" else None)


def _ended_attempt(run: Run, attempt: Attempt) -> Termination | None:
    return attempt.ended or (run.cancel if attempt.state == "TERMINATING" else None)


def _is_success(ended: Termination | None) -> bool:
    return ended is not None and ended.code == "SUCCESS"


def _run_state(run: Run) -> dict[str, Any]:
    """Return the legacy state. Of a run whose code failed it is INTERNAL_ERROR, as measured."""
    ended = _ended(run)
    if run.state == "QUEUED":
        return {**_legacy("QUEUED", None, _waits(run)), "queue_reason": _waits(run)}
    if ended is None:
        return _legacy(run.state, None, _COMPUTE if run.state == "PENDING" else "")
    if ended.code == "MAX_CONCURRENT_RUNS_EXCEEDED":
        return _legacy("SKIPPED", None, ended.message)
    if run.timed_out:
        return _legacy(run.state, "TIMEDOUT", ended.message, ended=True)
    result = _RESULTS.get(ended.code)
    if result is None:
        return _legacy("INTERNAL_ERROR", "FAILED", ended.message)
    return _legacy(run.state, result, ended.message, ended=result == "CANCELED")


def _task_state(run: Run, attempt: Attempt) -> dict[str, Any]:
    if attempt.state == "WAITING":
        return _legacy("WAITING_FOR_RETRY", None, "")
    ended = _ended_attempt(run, attempt)
    if ended is None:
        said = {"PENDING": _COMPUTE, "RUNNING": "In run"}.get(attempt.state, "")
        return _legacy(attempt.state, None, said)
    result = _RESULTS.get(ended.code, "FAILED")
    state = "INTERNAL_ERROR" if ended.type == "INTERNAL_ERROR" else attempt.state
    return _legacy(state, result, ended.message, ended=result == "CANCELED")


def _legacy(state: str, result: str | None, message: str, *, ended: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {"life_cycle_state": state}
    if result:
        body["result_state"] = result
    return body | {"state_message": message, "user_cancelled_or_timedout": ended}
