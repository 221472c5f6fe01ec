"""What is answered of a run, in the two forms that the API has: ``state`` and ``status``."""

from __future__ import annotations

from typing import Any

from mcp_jobs_server.fake_workspace.runs import Attempt, Run, Termination

_RESULTS = {"SUCCESS": "SUCCESS", "USER_CANCELED": "CANCELED", "CANCELED": "CANCELED"}


def run_body(run: Run, host: str, *, tasks: bool = True) -> dict[str, Any]:
    """Return the body of ``runs/get``, or an item of ``runs/list`` without its tasks."""
    body: dict[str, Any] = {
        "job_id": run.job.job_id,
        "run_id": run.run_id,
        "creator_user_name": run.by.name,
        "number_in_job": run.run_id,
        "original_attempt_run_id": run.run_id,
        "state": _run_state(run),
        "start_time": run.start,
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
        "end_time": run.end,
        "trigger": "ONE_TIME",
        "run_name": run.job.name,
        "run_page_url": f"{host}/?o=900800700600#job/{run.job.job_id}/run/{run.run_id}",
        "run_type": "JOB_RUN",
        "format": "MULTI_TASK",
        "status": _status(run.state, run.ended or (run.cancel if _ending(run) else None)),
        "job_parameters": [
            {"name": name, "default": "", "value": value} for name, value in run.parameters.items()
        ],
        "job_run_id": run.run_id,
    }
    if run.end:
        body["run_duration"] = run.end - run.start
    if tasks and run.attempts:
        body["tasks"] = [_task(run, attempt, host) for attempt in run.attempts]
    return body | run.words


def output_body(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    """Return the body of ``runs/get-output`` of one attempt."""
    body: dict[str, Any] = {
        "metadata": {**run_body(run, host), "run_id": attempt.run_id},
        "logs": attempt.log,
        "logs_truncated": False,
    }
    if attempt.error:
        body |= {"error": attempt.error, "error_trace": attempt.log}
    return body


def _task(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    task = run.job.task
    return {
        "run_id": attempt.run_id,
        "task_key": "research",
        "python_wheel_task": {
            "package_name": task.package_name,
            "entry_point": task.entry_point,
            "parameters": list(task.parameters),
        },
        "environment_key": "default",
        "run_if": "ALL_SUCCESS",
        "state": _task_state(attempt),
        "run_page_url": f"{host}/?o=900800700600#job/{run.job.job_id}/run/{attempt.run_id}",
        "start_time": attempt.start,
        "setup_duration": 0,
        "execution_duration": max(0, attempt.end - attempt.start),
        "cleanup_duration": 0,
        "end_time": attempt.end,
        "attempt_number": attempt.number,
        "status": _status(attempt.state, attempt.ended),
    }


def _status(state: str, ended: Termination | None) -> dict[str, Any]:
    if state == "QUEUED":
        message = "Queued due to reaching maximum concurrent runs."
        details = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": message}
        return {"state": state, "queue_details": details}
    if state in ("TERMINATED", "TERMINATING") and ended:
        return {"state": state, "termination_details": ended.body()}
    return {"state": state}


def _ending(run: Run) -> bool:
    return run.state == "TERMINATING"


def _run_state(run: Run) -> dict[str, Any]:
    """Return the legacy state. Of a run whose code failed it is INTERNAL_ERROR, as measured."""
    ended = run.ended or (run.cancel if _ending(run) else None)
    if ended is None:
        return _legacy(run.state, None, "")
    if ended.code == "MAX_CONCURRENT_RUNS_EXCEEDED":
        return _legacy("SKIPPED", None, ended.message)
    if "timeout" in ended.message:
        return _legacy(run.state, "TIMEDOUT", ended.message, ended=True)
    result = _RESULTS.get(ended.code)
    if result is None:
        return _legacy("INTERNAL_ERROR", "FAILED", ended.message)
    return _legacy(run.state, result, ended.message, ended=result == "CANCELED")


def _task_state(attempt: Attempt) -> dict[str, Any]:
    if attempt.state == "WAITING":
        return _legacy("WAITING_FOR_RETRY", None, "")
    if attempt.ended is None:
        return _legacy(attempt.state, None, "")
    result = _RESULTS.get(attempt.ended.code, "FAILED")
    state = "INTERNAL_ERROR" if attempt.ended.type == "INTERNAL_ERROR" else attempt.state
    return _legacy(state, result, attempt.ended.message, ended=result == "CANCELED")


def _legacy(state: str, result: str | None, message: str, *, ended: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {"life_cycle_state": state}
    if result:
        body["result_state"] = result
    return body | {"state_message": message, "user_cancelled_or_timedout": ended}
