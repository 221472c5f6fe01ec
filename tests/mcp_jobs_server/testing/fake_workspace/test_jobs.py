"""Runs of the fake workspace really run, wait, are cancelled and tried again."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.runs import Run
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.files import encode
from research_contract.records import Request, SourceRef, new_job_id
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

LONGEST = 60
SLEEP = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(60)"))
FAIL = WheelTask(command=(sys.executable, "-c", "raise ValueError('nothing left')"))


def until(so: Callable[[], bool]) -> None:
    """Wait; a net for what hangs, no measure."""
    end = time.monotonic() + LONGEST
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def started(workspace: FakeWorkspace, app: WorkspaceClient, job_id: int, token: str = "") -> Run:
    app.jobs.run_now(
        job_id, job_parameters={"job_folder": "", "job_id": "x"}, idempotency_token=token or None
    )
    return workspace.runs()[-1]


def test_the_researcher_is_run_from_the_wheels_metadata_in_a_mounted_volume(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    documents = workspace.add_volume("main.docs.handbook")
    (documents / "leave.md").write_text("# Leave\n\nEvery employee has 28 days of leave a year.\n")
    job = workspace.add_job()
    now = datetime.now(UTC)
    source = SourceRef(name="handbook", uri="volume:/main/docs/handbook")
    asked = Request(
        job_id=new_job_id(now),
        question="How many days of leave are there?",
        sources=(source,),
        created_at=now,
    )
    folder = f"{ROOT}/ada-0/2026-11/{asked.job_id}"
    app.files.upload(f"{folder}/request.json", io.BytesIO(encode(asked)), overwrite=False)
    app.jobs.run_now(job.job_id, job_parameters={"job_folder": folder, "job_id": asked.job_id})
    run = workspace.runs()[-1]
    until(lambda: not run.active)
    assert run.attempts[-1].log.count("How many") == 0
    assert run.ended is not None
    assert run.ended.code == "SUCCESS", run.attempts[-1].log
    names = {entry.name for entry in app.files.list_directory_contents(folder)}
    assert {"outcome.json", "report.md", "evidence.jsonl"} <= names


def test_the_same_token_is_the_same_run(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(by_hand=True)
    first = started(workspace, app, job.job_id, token="t" * 64)
    assert started(workspace, app, job.job_id, token="t" * 64) is first
    assert len(workspace.runs()) == 1


def test_a_run_waits_for_its_place_and_is_cancelled(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, max_concurrent_runs=1)
    first, second = (started(workspace, app, job.job_id) for _ in range(2))
    until(lambda: first.state == "RUNNING" and first.execution is not None)
    assert second.state == "QUEUED"
    for run in (first, second):
        app.jobs.cancel_run(run.run_id)
    until(lambda: not first.active and not second.active)
    assert first.ended is not None
    assert first.ended.code == "USER_CANCELED"


def test_a_failed_attempt_is_made_again(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=FAIL, max_retries=2)
    run = started(workspace, app, job.job_id)
    until(lambda: not run.active)
    assert [attempt.error for attempt in run.attempts] == ["ValueError: nothing left"] * 3
    output = app.jobs.get_run_output(run.attempts[-1].run_id)
    assert output.error == "ValueError: nothing left"


def test_a_run_over_its_time_is_stopped(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=SLEEP, timeout_seconds=0.2)
    run = started(workspace, app, job.job_id)
    until(lambda: not run.active)
    found = app.jobs.get_run(run.run_id)
    assert found.state is not None
    assert found.state.result_state is not None
    assert found.state.result_state.value == "TIMEDOUT"


def test_nothing_runs_on_when_the_workspace_is_gone(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP)
    run = started(workspace, app, job.job_id)
    until(lambda: run.execution is not None)
    execution = run.execution
    workspace.__exit__(None, None, None)
    assert execution is not None
    assert execution.returned() is not None


def test_only_who_may_run_a_job_does(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    job = workspace.add_job(by_hand=True)
    ada = signed_in(workspace, workspace.ada)
    with pytest.raises(PermissionDenied, match="does not have Manage Run"):
        ada.jobs.run_now(job.job_id)
    with pytest.raises(PermissionDenied):
        list(ada.jobs.list_runs(job_id=job.job_id))
    assert workspace.runs() == []
