"""Response bodies of jobs and runs. A run has its state in two forms: ``state`` and ``status``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_jobs_server.testing.fake_workspace.jobs.runs import Attempt, Run, Termination
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import LOG_BYTES

_RESULTS = {"SUCCESS": "SUCCESS", "USER_CANCELED": "CANCELED", "CANCELED": "CANCELED"}
_WAITING_FOR_COMPUTE = "Waiting for cluster"


def job_body(job: JobSettings) -> dict[str, Any]:
    """Return the body of ``jobs/get``."""
    task = {
        "task_key": "research",
        "run_if": "ALL_SUCCESS",
        "python_wheel_task": _wheel_task(job, job.task.parameters),
        "max_retries": job.max_retries,
        "environment_key": "default",
        "timeout_seconds": 0,
        "email_notifications": {},
    }
    spec = {"environment_version": "5", "dependencies": [f"./dist/{job.task.package_name}"]}
    settings = {
        "name": job.name,
        "description": "Does one research job.",
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": int(job.timeout_seconds),
        "max_concurrent_runs": job.max_concurrent_runs,
        "queue": {"enabled": job.queue},
        "tags": {"component": "researcher"},
        "parameters": [{"name": name, "default": text} for name, text in job.defaults.items()],
        "performance_target": "STANDARD",
        "format": "MULTI_TASK",
        "edit_mode": "UI_LOCKED",
        "deployment": {
            "kind": "BUNDLE",
            "metadata_file_path": "/Workspace/Shared/.bundle/research-jobs/metadata.json",
        },
        "tasks": [task],
        "environments": [{"environment_key": "default", "spec": spec}],
    }
    return {
        "job_id": job.job_id,
        "creator_user_name": "deployer@example.com",
        "run_as_user_name": job.run_as.name,
        "run_as_owner": False,
        "settings": settings,
        "created_time": job.created,
    }


def run_body(run: Run, host: str, *, tasks: bool = True) -> dict[str, Any]:
    """Return the body of ``runs/get``, or, without its tasks, an item of ``runs/list``."""
    times = {
        "state": _run_state(run),
        "start_time": run.start,
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
        "end_time": run.end,
    }
    status = _status(run.state, _termination(run, run), run)
    body = _run_fields(run, run.run_id, host, times, status)
    if run.end:
        body["run_duration"] = run.end - run.start
    is_success = run.termination is not None and run.termination.code == "SUCCESS"
    if run.state == "QUEUED" or is_success:
        body["queue_duration"] = 0
    if tasks and run.attempts:
        body["tasks"] = [_task_body(run, attempt, host) for attempt in run.attempts]
    return body | run.overrides


def output_body(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    """Return the body of ``runs/get-output`` for one attempt."""
    task = _task_body(run, attempt, host)
    names = ("state", "start_time", "setup_duration", "execution_duration", "cleanup_duration")
    times = {name: task[name] for name in (*names, "end_time")}
    metadata = {
        **_run_fields(run, attempt.run_id, host, times, task["status"]),
        "tasks": [task],
        "parent_run_id": run.run_id,
        "task_key": "research",
    }
    body: dict[str, Any] = {"metadata": metadata}
    if attempt.error:
        body |= {"error": attempt.error, "error_trace": attempt.trace}
    truncated = len(attempt.log.encode()) >= LOG_BYTES
    return body | {"logs": attempt.log, "logs_truncated": truncated}


def _run_fields(
    run: Run, run_id: int, host: str, times: dict[str, Any], status: dict[str, Any]
) -> dict[str, Any]:
    """Return the fields that the bodies of a run and of its output share."""
    values = {**run.job.defaults, **run.parameters}
    return {
        "job_id": run.job.job_id,
        "run_id": run_id,
        "creator_user_name": run.creator.name,
        "number_in_job": run_id,
        "original_attempt_run_id": run_id,
        **times,
        "trigger": "ONE_TIME",
        "run_name": run.job.name,
        "run_page_url": _page_url(run, run_id, host),
        "run_type": "JOB_RUN",
        "format": "MULTI_TASK",
        "status": status,
        "job_parameters": [
            {"name": name, "default": run.job.defaults.get(name, ""), "value": value}
            for name, value in values.items()
        ],
        "job_run_id": run.run_id,
        "effective_performance_target": "STANDARD",
    }


def _task_body(run: Run, attempt: Attempt, host: str) -> dict[str, Any]:
    return {
        "run_id": attempt.run_id,
        "task_key": "research",
        "python_wheel_task": _wheel_task(run.job, run.arguments),
        "environment_key": "default",
        "run_if": "ALL_SUCCESS",
        "state": _task_state(run, attempt),
        "run_page_url": _page_url(run, attempt.run_id, host),
        "start_time": attempt.start,
        "setup_duration": 0,
        "execution_duration": max(0, attempt.end - attempt.start) if attempt.start else 0,
        "cleanup_duration": 0,
        "end_time": attempt.end,
        "attempt_number": attempt.number,
        "status": _status(attempt.state, _termination(run, attempt), run),
        "effective_performance_target": "STANDARD",
    }


def _wheel_task(job: JobSettings, parameters: Sequence[str]) -> dict[str, Any]:
    return {
        "package_name": job.task.package_name,
        "entry_point": job.task.entry_point,
        "parameters": list(parameters),
    }


def _page_url(run: Run, run_id: int, host: str) -> str:
    return f"{host}/?o=900800700600#job/{run.job.job_id}/run/{run_id}"


def _termination(run: Run, item: Run | Attempt) -> Termination | None:
    """Return how the run or an attempt of it ended or, in state TERMINATING, will end."""
    return item.termination or (run.cancel if item.state == "TERMINATING" else None)


def _status(state: str, termination: Termination | None, run: Run) -> dict[str, Any]:
    if state == "QUEUED":
        details = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": _queue_message(run)}
        return {"state": state, "queue_details": details}
    return {"state": state} | ({"termination_details": vars(termination)} if termination else {})


def _queue_message(run: Run) -> str:
    limit = run.job.max_concurrent_runs
    return f"Queued due to reaching maximum concurrent runs of {limit}."


def _run_state(run: Run) -> dict[str, Any]:
    """Return the legacy state. For a run whose task failed it is INTERNAL_ERROR, as measured."""
    termination = _termination(run, run)
    if run.state == "QUEUED":
        message = _queue_message(run)
        return {**_legacy_state("QUEUED", None, message), "queue_reason": message}
    if termination is None:
        return _legacy_state(
            run.state, None, _WAITING_FOR_COMPUTE if run.state == "PENDING" else ""
        )
    if termination.code == "MAX_CONCURRENT_RUNS_EXCEEDED":
        return _legacy_state("SKIPPED", None, termination.message)
    if run.timed_out:
        return _legacy_state(run.state, "TIMEDOUT", termination.message)
    result = _RESULTS.get(termination.code)
    if result is None:
        return _legacy_state("INTERNAL_ERROR", "FAILED", termination.message)
    return _legacy_state(run.state, result, termination.message)


def _task_state(run: Run, attempt: Attempt) -> dict[str, Any]:
    if attempt.state == "WAITING":
        return _legacy_state("WAITING_FOR_RETRY", None, "")
    termination = _termination(run, attempt)
    if termination is None:
        messages = {"PENDING": _WAITING_FOR_COMPUTE, "RUNNING": "In run"}
        return _legacy_state(attempt.state, None, messages.get(attempt.state, ""))
    result = _RESULTS.get(termination.code, "FAILED")
    state = "INTERNAL_ERROR" if termination.type == "INTERNAL_ERROR" else attempt.state
    return _legacy_state(state, result, termination.message)


def _legacy_state(state: str, result: str | None, message: str) -> dict[str, Any]:
    body: dict[str, Any] = {"life_cycle_state": state}
    if result:
        body["result_state"] = result
    stopped = result in ("CANCELED", "TIMEDOUT")
    return body | {"state_message": message, "user_cancelled_or_timedout": stopped}
