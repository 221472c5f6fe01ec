"""How runs of the fake workspace move: in turn, through accidents, and to what end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.runs import Run
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

LONGEST = 60
NOTHING = WheelTask(command=(sys.executable, "-c", ""))
SLEEP = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(600)"))


def until(so: Callable[[], bool]) -> None:
    """Wait; a net for what hangs, no measure."""
    end = time.monotonic() + LONGEST
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def started(workspace: FakeWorkspace, app: WorkspaceClient, job_id: int, token: str = "") -> Run:
    app.jobs.run_now(job_id, idempotency_token=token or None)
    return workspace.runs()[-1]


def ended(run: Run) -> str:
    until(lambda: not run.active)
    return run.ended.code if run.ended else ""


def test_runs_begin_in_the_order_in_which_they_were_asked_for(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=NOTHING, max_concurrent_runs=1)
    runs = [started(workspace, app, job.job_id) for _ in range(5)]
    assert [ended(run) for run in runs] == ["SUCCESS"] * 5
    begun = [run.attempts[0].start for run in runs]
    assert begun == sorted(begun)


def test_without_a_queue_a_run_that_finds_no_place_is_skipped(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, max_concurrent_runs=1, queue=False)
    first, second = (started(workspace, app, job.job_id) for _ in range(2))
    assert ended(second) == "MAX_CONCURRENT_RUNS_EXCEEDED"
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
def test_a_run_meets_an_accident_before_its_first_step(
    workspace: FakeWorkspace, app: WorkspaceClient, accident: str, code: str
) -> None:
    job = workspace.add_job(task=NOTHING, accidents=[accident])
    first, second = (started(workspace, app, job.job_id) for _ in range(2))
    assert (ended(first), ended(second)) == (code, "SUCCESS")
    assert first.execution is None
    state = app.jobs.get_run(first.run_id).state
    assert state is not None
    assert state.life_cycle_state is not None
    assert state.life_cycle_state.value == "INTERNAL_ERROR"


def test_a_cancelled_run_goes_on_then_ends_then_is_gone(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(task=SLEEP, cancel_seconds=0.5)
    run = started(workspace, app, job.job_id)
    until(lambda: run.execution is not None)
    app.jobs.cancel_run(run.run_id)
    states = [run.state]
    while run.active:
        if run.state != states[-1]:
            states.append(run.state)
        time.sleep(0.02)
    assert states == ["RUNNING", "TERMINATING"]
    assert ended(run) == "USER_CANCELED"
    app.jobs.cancel_run(run.run_id)  # changes nothing any more
    assert ended(run) == "USER_CANCELED"


def test_a_run_that_ends_well_before_it_is_stopped_has_ended_well(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    task = WheelTask(command=(sys.executable, "-c", "import time; time.sleep(0.5)"))
    job = workspace.add_job(task=task, cancel_seconds=LONGEST)
    run = started(workspace, app, job.job_id)
    until(lambda: run.execution is not None)
    app.jobs.cancel_run(run.run_id)
    assert ended(run) == "SUCCESS"


def test_the_platform_stops_a_run(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(task=SLEEP)
    run = started(workspace, app, job.job_id)
    until(lambda: run.execution is not None)
    workspace.stop_as_platform(run)
    assert ended(run) == "CANCELED"


def test_the_token_of_a_run_that_was_deleted_starts_nothing(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    from databricks.sdk.errors import BadRequest

    job = workspace.add_job(task=NOTHING)
    run = started(workspace, app, job.job_id, "t" * 64)
    ended(run)
    app.jobs.delete_run(run.run_id)
    with pytest.raises(BadRequest, match="deleted"):
        started(workspace, app, job.job_id, "t" * 64)
    with pytest.raises(BadRequest, match="64 characters"):
        started(workspace, app, job.job_id, "t" * 65)
    assert workspace.runs() == []


def test_a_listing_stays_in_place_while_runs_are_added(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    runs = [started(workspace, app, job.job_id).run_id for _ in range(5)]
    seen = []
    for run in app.jobs.list_runs(job_id=job.job_id, limit=2):
        seen.append(run.run_id)
        if len(seen) < 3:
            started(workspace, app, job.job_id)
    assert seen == runs[::-1]


def test_a_missing_package_or_script_fails_the_task(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    for task, said in (
        (WheelTask(package_name="no-such-package"), "No package metadata was found"),
        (WheelTask(entry_point="no-such-script"), "has no entry point no-such-script"),
    ):
        job = workspace.add_job(task=task)
        run = started(workspace, app, job.job_id)
        assert ended(run) == "RUN_EXECUTION_ERROR"
        output = app.jobs.get_run_output(run.attempts[-1].run_id)
        assert said in (output.error or "")
        assert "Traceback" in (output.error_trace or "")


def test_a_fault_waits_for_its_caller_and_its_turn(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import InternalError

    workspace.fail("GET", "/Me$", "500", who=workspace.eve, after=1)
    ada, eve = signed_in(workspace, workspace.ada), signed_in(workspace, workspace.eve)
    for _ in range(2):
        ada.current_user.me()
    eve.current_user.me()
    with pytest.raises(InternalError):
        eve.current_user.me()
    eve.current_user.me()
    told = [(seen.who, seen.status) for seen in workspace.requests if seen.path.endswith("/Me")]
    ada_name, eve_name = workspace.ada.name, workspace.eve.name
    assert told == [(ada_name, 200)] * 2 + [(eve_name, 200), (eve_name, 500), (eve_name, 200)]


def test_a_request_is_noted_before_its_answer_is_lost(workspace: FakeWorkspace) -> None:
    import requests

    fault = workspace.fail("GET", "/Me$", "lost answer", seconds=LONGEST)
    headers = {"Authorization": f"Bearer {workspace.ada.token}"}
    url = f"{workspace.url}/api/2.0/preview/scim/v2/Me?attributes=id"
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, headers=headers, timeout=0.5)
    [seen] = workspace.requests
    assert (seen.status, seen.query, fault.times) == (200, {"attributes": "id"}, 0)
