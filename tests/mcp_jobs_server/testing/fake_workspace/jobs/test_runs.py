"""The life cycle of runs: order, accidents, cancellation, deletion and lists."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import (
    SAFETY_SECONDS,
    end_of,
    start_run,
    wait_until,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

NOTHING = WheelTask(command=(sys.executable, "-c", ""))
SLEEP = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(600)"))


def test_runs_begin_in_the_order_of_their_starts(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=NOTHING, max_concurrent_runs=1)
    runs = [start_run(workspace, app, job.job_id) for _ in range(5)]
    assert [end_of(run) for run in runs] == ["SUCCESS"] * 5
    times = [run.attempts[0].start for run in runs]
    assert times == sorted(times)


def test_without_a_queue_a_run_over_the_limit_is_skipped(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, max_concurrent_runs=1, queue=False)
    first, second = (start_run(workspace, app, job.job_id) for _ in range(2))
    assert end_of(second) == "MAX_CONCURRENT_RUNS_EXCEEDED"
    assert first.active


@pytest.mark.parametrize(
    ("accident", "code"),
    [
        ("internal error", "INTERNAL_ERROR"),
        ("library error", "LIBRARY_INSTALLATION_ERROR"),
        ("CLOUD_FAILURE", "CLOUD_FAILURE"),
        ("CLUSTER_TERMINATED_BY_USER", "CLUSTER_TERMINATED_BY_USER"),
    ],
)
def test_an_accident_ends_one_run_before_its_task_starts(
    workspace: FakeWorkspace, app: WorkspaceClient, accident: str, code: str
) -> None:
    job = workspace.add_job(task=NOTHING, accidents=[accident])
    first, second = (start_run(workspace, app, job.job_id) for _ in range(2))
    assert (end_of(first), end_of(second)) == (code, "SUCCESS")
    assert first.process is None
    state = app.jobs.get_run(first.run_id).state
    assert state is not None
    assert state.life_cycle_state is not None
    assert state.life_cycle_state.value == "INTERNAL_ERROR"


def test_a_cancelled_run_keeps_running_then_terminates(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, cancel_seconds=0.5)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: run.process is not None)
    app.jobs.cancel_run(run.run_id)
    states = [run.state]
    while run.active:
        if run.state != states[-1]:
            states.append(run.state)
        time.sleep(0.02)
    assert states == ["RUNNING", "TERMINATING"]
    assert end_of(run) == "USER_CANCELED"
    app.jobs.cancel_run(run.run_id)  # has no effect any more
    assert end_of(run) == "USER_CANCELED"


def test_a_task_that_succeeds_before_it_is_stopped_stays_successful(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    task = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(0.5)"))
    job = workspace.add_job(task=task, cancel_seconds=SAFETY_SECONDS)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: run.process is not None)
    app.jobs.cancel_run(run.run_id)
    assert end_of(run) == "SUCCESS"


def test_the_platform_stops_a_run(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=SLEEP)
    run = start_run(workspace, app, job.job_id)
    wait_until(lambda: run.process is not None)
    workspace.stop_as_platform(run)
    assert end_of(run) == "CANCELED"


def test_the_token_of_a_deleted_run_and_a_long_token_start_nothing(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    from databricks.sdk.errors import BadRequest

    job = workspace.add_job(task=NOTHING)
    run = start_run(workspace, app, job.job_id, "t" * 64)
    end_of(run)
    app.jobs.delete_run(run.run_id)
    with pytest.raises(BadRequest, match="deleted"):
        start_run(workspace, app, job.job_id, "t" * 64)
    with pytest.raises(BadRequest, match="64 characters"):
        start_run(workspace, app, job.job_id, "t" * 65)
    assert workspace.runs() == []


def test_new_runs_do_not_move_the_pages_of_a_list(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    run_ids = [start_run(workspace, app, job.job_id).run_id for _ in range(5)]
    listed = []
    for run in app.jobs.list_runs(job_id=job.job_id, limit=2):
        listed.append(run.run_id)
        if len(listed) < 3:
            start_run(workspace, app, job.job_id)
    assert listed == run_ids[::-1]


def test_a_missing_package_or_script_fails_the_task(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    for task, error in (
        (WheelTask(package_name="no-such-package"), "No package metadata was found"),
        (WheelTask(entry_point="no-such-script"), "has no entry point no-such-script"),
    ):
        job = workspace.add_job(task=task)
        run = start_run(workspace, app, job.job_id)
        assert end_of(run) == "RUN_EXECUTION_ERROR"
        output = app.jobs.get_run_output(run.attempts[-1].run_id)
        assert error in (output.error or "")
        assert "Traceback" in (output.error_trace or "")
