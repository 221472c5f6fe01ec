"""Jobs whose runs execute a task, are queued, cancelled, retried and stopped by a timeout."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.files import encode
from research_contract.records import Request, SourceRef, new_job_id
from tests.mcp_jobs_server.testing.fake_workspace.conftest import (
    ROOT,
    end_of,
    signed_in,
    start_run,
    wait_until,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

SLEEP = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(60)"))
FAIL = WheelTask(command=(sys.executable, "-c", "raise ValueError('nothing left')"))


def test_the_researcher_runs_from_its_wheel_with_mounted_volumes(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    documents = workspace.add_volume("main.docs.handbook")
    (documents / "leave.md").write_text("# Leave\n\nEvery employee has 28 days of leave a year.\n")
    job = workspace.add_job()
    now = datetime.now(UTC)
    source = SourceRef(name="handbook", uri="volume:/main/docs/handbook")
    request = Request(
        job_id=new_job_id(now),
        question="How many days of leave are there?",
        sources=(source,),
        created_at=now,
    )
    folder = f"{ROOT}/ada-0/2026-11/{request.job_id}"
    app.files.upload(f"{folder}/request.json", io.BytesIO(encode(request)), overwrite=False)
    app.jobs.run_now(job.job_id, job_parameters={"job_folder": folder, "job_id": request.job_id})
    run = workspace.runs()[-1]
    code = end_of(run)
    assert run.attempts[-1].log.count("How many") == 0
    assert code == "SUCCESS", run.attempts[-1].log
    names = {entry.name for entry in app.files.list_directory_contents(folder)}
    assert {"outcome.json", "report.md", "evidence.jsonl"} <= names


def test_the_same_idempotency_token_returns_the_same_run(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    first = start_run(workspace, app, job.job_id, token="t" * 64)
    assert start_run(workspace, app, job.job_id, token="t" * 64) is first
    assert len(workspace.runs()) == 1


def test_a_queued_and_a_running_run_are_cancelled(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, max_concurrent_runs=1)
    first, second = (start_run(workspace, app, job.job_id) for _ in range(2))
    wait_until(lambda: first.state == "RUNNING" and first.process is not None)
    assert second.state == "QUEUED"
    for run in (first, second):
        app.jobs.cancel_run(run.run_id)
    wait_until(lambda: not first.active and not second.active)
    assert first.termination is not None
    assert first.termination.code == "USER_CANCELED"


def test_a_failed_task_is_retried(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=FAIL, max_retries=2)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: not run.active)
    assert [attempt.error for attempt in run.attempts] == ["ValueError: nothing left"] * 3
    output = app.jobs.get_run_output(run.attempts[-1].run_id)
    assert output.error == "ValueError: nothing left"


def test_a_run_is_stopped_after_its_timeout(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=SLEEP, timeout_seconds=0.2)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: not run.active)
    state = app.jobs.get_run(run.run_id).state
    assert state is not None
    assert state.result_state is not None
    assert state.result_state.value == "TIMEDOUT"


def test_processes_end_with_the_workspace(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=SLEEP)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: run.process is not None)
    process = run.process
    workspace.__exit__(None, None, None)
    assert process is not None
    assert process.exit_code() is not None


def test_starting_and_listing_runs_needs_permission(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    job = workspace.add_job(by_hand=True)
    ada = signed_in(workspace, workspace.ada)
    with pytest.raises(PermissionDenied, match="does not have Manage Run"):
        ada.jobs.run_now(job.job_id)
    with pytest.raises(PermissionDenied):
        list(ada.jobs.list_runs(job_id=job.job_id))
    assert workspace.runs() == []


def test_jobs_are_listed_to_callers_who_may_see_them(workspace: FakeWorkspace) -> None:
    job = workspace.add_job(name="researcher-test")
    workspace.rights.grant(f"job {job.job_id}", "law", "CAN_VIEW")
    for identity, count in ((workspace.app, 1), (workspace.ada, 1), (workspace.eve, 0)):
        client = signed_in(workspace, identity)
        assert len(list(client.jobs.list(name="Researcher-Test"))) == count
    permissions = signed_in(workspace, workspace.ada).permissions.get("jobs", str(job.job_id))
    principals = {
        entry.group_name or entry.service_principal_name
        for entry in permissions.access_control_list or []
    }
    assert principals == {"law", workspace.app.name}
