"""Bodies of jobs and runs have the fields and states of recorded ones, also as the SDK reads them.

Numbers, times and names differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.runs import (
    CANCELLED,
    FAILED,
    Attempt,
    Run,
    Termination,
)
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.recorded import (
    call,
    fields,
    needs_recordings,
    recorded,
    run_now,
    states,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

pytestmark = needs_recordings


@pytest.fixture
def job(workspace: FakeWorkspace) -> JobSettings:
    return workspace.add_job(by_hand=True)


@pytest.fixture
def run(workspace: FakeWorkspace, job: JobSettings) -> Run:
    run_now(workspace, job.job_id)
    return workspace.runs()[-1]


def body_of(workspace: FakeWorkspace, run: Run) -> dict[str, Any]:
    path = f"/api/2.2/jobs/runs/get?run_id={run.run_id}"
    body: dict[str, Any] = call(workspace, "GET", path).json()
    return body


def queued(run: Run) -> None:
    run.job.max_concurrent_runs = 2


def pending(run: Run) -> None:
    run.state = run.attempts[-1].state = "PENDING"


def waiting_for_compute(run: Run) -> None:
    run.state, run.attempts[-1].state = "RUNNING", "PENDING"


def terminating(run: Run) -> None:
    run.cancel = Termination("USER_CANCELED", "SUCCESS", CANCELLED)
    run.state = run.attempts[-1].state = "TERMINATING"


def timed_out(run: Run) -> None:
    run.timed_out = True
    attempt = run.attempts[-1]
    attempt.state = "TERMINATED"
    attempt.termination = Termination("CANCELED", "CLIENT_ERROR", CANCELLED)
    run.close(Termination("CANCELED", "CLIENT_ERROR", "Run exceeded the timeout of 7200 seconds."))


def waiting_for_retry(run: Run) -> None:
    first = run.attempts[-1]
    first.state = "TERMINATED"
    first.termination = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
    run.state = "RUNNING"
    run.attempts.append(Attempt(first.run_id + 1, 1, "WAITING"))


CHANGES: dict[str, Callable[[Run], None]] = {
    "jobs_run_queued": queued,
    "jobs_run_pending": pending,
    "jobs_run_running_task_pending": waiting_for_compute,
    "jobs_run_terminating_after_cancel": terminating,
    "jobs_run_timedout": timed_out,
    "jobs_run_waiting_for_retry": waiting_for_retry,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_in_any_state(
    workspace: FakeWorkspace, app: WorkspaceClient, run: Run, name: str
) -> None:
    from databricks.sdk.service.jobs import Run as SdkRun

    expected = recorded(name)["body"]
    CHANGES[name](run)
    body = body_of(workspace, run)
    assert fields(body) == fields(expected)
    assert states(body) == states(expected)
    read = app.jobs.get_run(run.run_id).as_dict()
    assert fields(read) == fields(SdkRun.from_dict(expected).as_dict())


def test_a_running_run(workspace: FakeWorkspace, run: Run) -> None:
    workspace.jobs.runs.begin(run)
    expected = recorded("jobs_run_running")["body"]
    body = body_of(workspace, run)
    assert fields(body) == fields(expected)
    assert states(body) == states(expected)


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("jobs_run_success", "SUCCESS", "SUCCESS"),
        ("jobs_run_user_canceled", "USER_CANCELED", "SUCCESS"),
        ("jobs_run_internal_error", "INTERNAL_ERROR", "INTERNAL_ERROR"),
    ],
)
def test_a_run_that_ended(
    workspace: FakeWorkspace, run: Run, name: str, code: str, kind: str
) -> None:
    expected = recorded(name)["body"]
    message = expected["status"]["termination_details"]["message"]
    workspace.jobs.runs.begin(run)
    workspace.jobs.runs.end(run, Termination(code, kind, message), error="ValueError: none left")
    body = body_of(workspace, run)
    assert fields(body) >= fields(expected) - {".queue_duration"}
    assert states(body) == states(expected)


def test_a_run_whose_task_failed(workspace: FakeWorkspace, run: Run) -> None:
    expected = recorded("jobs_run_failed_run_execution_error")["body"]
    failure = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
    workspace.jobs.runs.begin(run)
    workspace.jobs.runs.end(run, failure, error="ValueError: none left")
    run.termination = Termination(
        "RUN_EXECUTION_ERROR", "CLIENT_ERROR", expected["state"]["state_message"]
    )
    assert states(body_of(workspace, run)) == states(expected)
    path = f"/api/2.2/jobs/runs/get-output?run_id={run.attempts[-1].run_id}"
    output = call(workspace, "GET", path).json()
    assert {"error", "error_trace", "metadata"} <= set(output)


def test_a_skipped_run(workspace: FakeWorkspace) -> None:
    expected = recorded("jobs_run_skipped_max_concurrent")["body"]
    job = workspace.add_job(by_hand=True, max_concurrent_runs=1, accidents=["skipped"])
    run_now(workspace, job.job_id)
    body = body_of(workspace, workspace.runs()[-1])
    assert fields(body) == fields(expected)
    assert (body["state"], body["status"]) == (expected["state"], expected["status"])


def test_the_output_of_a_task(workspace: FakeWorkspace, app: WorkspaceClient, run: Run) -> None:
    from databricks.sdk.service.jobs import RunOutput

    expected = recorded("jobs_runs_get_output_python_error")["body"]
    failure = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
    workspace.jobs.runs.begin(run)
    workspace.jobs.runs.end(run, failure, error="E: none left")
    task_run_id = run.attempts[-1].run_id
    path = "/api/2.2/jobs/runs/get-output?run_id="
    body = call(workspace, "GET", f"{path}{task_run_id}").json()
    assert fields(body) == fields(expected)
    assert states(body["metadata"]) == states(expected["metadata"])
    read = app.jobs.get_run_output(task_run_id).as_dict()
    assert fields(read) == fields(RunOutput.from_dict(expected).as_dict())
    error = recorded("jobs_runs_get_output_of_multitask_run")
    answer = call(workspace, "GET", f"{path}{run.run_id}")
    assert (answer.status_code, answer.json()) == (error["status"], error["body"])


def test_starting_a_run(workspace: FakeWorkspace, job: JobSettings) -> None:
    answer = run_now(workspace, job.job_id)
    assert fields(answer.json()) == fields(recorded("jobs_run_now")["body"])
    assert workspace.runs()[-1].run_id > 10**14


def test_starting_without_permission_or_job(workspace: FakeWorkspace, job: JobSettings) -> None:
    expected = recorded("error_403_permission_denied_run_job")
    answer = run_now(workspace, job.job_id, who=workspace.eve)
    assert answer.status_code == expected["status"]
    message = expected["body"]["message"].replace("625234784902960", str(job.job_id))
    assert answer.json() == {
        **expected["body"],
        "message": message.replace("8f1c6a52-3d0e-4c7b-9a41-5be0c2d7f913", workspace.eve.name),
    }
    expected = recorded("error_400_job_does_not_exist_on_run_now")
    answer = call(workspace, "POST", "/api/2.2/jobs/run-now", body={"job_id": 0})
    assert (answer.status_code, answer.json()) == (expected["status"], expected["body"])


def test_cancelling_a_run(workspace: FakeWorkspace, run: Run) -> None:
    answer = call(workspace, "POST", "/api/2.2/jobs/runs/cancel", body={"run_id": run.run_id})
    assert answer.json() == recorded("jobs_runs_cancel")["body"]


def test_a_list_of_runs(workspace: FakeWorkspace, job: JobSettings) -> None:
    for _ in range(3):
        run_now(workspace, job.job_id)
    path = f"/api/2.2/jobs/runs/list?active_only=true&job_id={job.job_id}&limit=2"
    page, expected = call(workspace, "GET", path).json(), recorded("jobs_runs_list_page_1")["body"]
    # The recorded runs are running, those of the fake are queued.
    of_queue = {field for field in fields(page) if "queue" in field}
    assert fields(page) - of_queue == fields(expected)
    for run in workspace.runs():
        workspace.jobs.runs.end(run, Termination("SUCCESS", "SUCCESS"))
    assert call(workspace, "GET", path).json() == recorded("jobs_runs_list_empty")["body"]


def test_a_deployed_job(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.service.jobs import Job

    expected = recorded("jobs_get")["body"]
    job = workspace.add_job(timeout_seconds=7200)
    body = call(workspace, "GET", f"/api/2.2/jobs/get?job_id={job.job_id}").json()
    assert fields(body) - {".settings.tasks[].max_retries"} == fields(expected)
    read = fields(app.jobs.get(job.job_id).as_dict())
    assert read - {".settings.tasks[].max_retries"} == fields(Job.from_dict(expected).as_dict())
