"""What the fake answers has the shape of what workspaces answered.

The recorded bodies are not part of the repository; they are read from the folder beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mcp_jobs_server.testing.fake_workspace.faults import Fault, Kind
from mcp_jobs_server.testing.fake_workspace.genie import Space
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.runs import JobSettings, Run, Termination
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import JOBS
from tests.repository import SHARED

RECORDED = SHARED / "databricks" / "fixtures"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"the recorded bodies are not there: {RECORDED.name}"
)

PLACE = "/Volumes/main/research/jobs/u-3f2a/01JBZ6Q8R4"
PARAMETERS = {"job_folder": PLACE, "job_id": "01JBZ6Q8R4"}
NOT_KEPT: set[str] = set()


@pytest.fixture
def moved(workspace: FakeWorkspace) -> Iterator[tuple[FakeWorkspace, JobSettings]]:
    yield workspace, workspace.add_job(by_hand=True)


class Stage:
    """A run of a job that is moved by hand, brought to where a recorded one was."""

    def __init__(self, workspace: FakeWorkspace, job: JobSettings) -> None:
        self.workspace = workspace
        self.runs = workspace.jobs.runs
        self.job = job
        self.answer = ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
        self.run: Run = workspace.runs()[-1]

    def seen(self) -> dict[str, Any]:
        path = f"/api/2.2/jobs/runs/get?run_id={self.run.run_id}"
        body: dict[str, Any] = ask(self.workspace, "GET", path).json()
        return body

    def begin(self) -> None:
        self.runs.begin(self.run)

    def end(self, code: str, kind: str, message: str = "") -> None:
        self.runs.end(self.run, Termination(code, kind, message), error="ValueError: none left")


def ask(
    workspace: FakeWorkspace,
    method: str,
    path: str,
    *,
    job: JobSettings | None = None,
    who: Identity | None = None,
    body: dict[str, Any] | None = None,
) -> requests.Response:
    if job:
        body = {"job_id": job.job_id, "job_parameters": PARAMETERS}
    return requests.request(
        method,
        f"{workspace.url}{path}",
        headers={"Authorization": f"Bearer {(who or workspace.app).token}"},
        json=body,
        timeout=10,
    )


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return found


def shape(value: object, path: str = "") -> set[str]:
    """Return the paths of all fields of an answer, lists by their first item."""
    if isinstance(value, dict):
        return {
            deeper
            for name, below in value.items()
            if name not in NOT_KEPT
            for deeper in (f"{path}.{name}", *shape(below, f"{path}.{name}"))
        }
    return shape(value[0], f"{path}[]") if isinstance(value, list) and value else set()


def words(body: dict[str, Any]) -> list[object]:
    """Return what tells where a run stands: its own words and those of its tasks."""
    return [
        (one.get("state"), _without_message(one.get("status", {})))
        for one in (body, *body.get("tasks", ()))
    ]


def _without_message(status: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: text for key, text in value.items() if key != "message"}
        if isinstance(value, dict)
        else value
        for name, value in status.items()
    }


def test_a_run_at_work(moved: tuple[FakeWorkspace, JobSettings]) -> None:
    stage = Stage(*moved)
    stage.begin()
    was = recorded("jobs_run_running")["body"]
    assert shape(stage.seen()) == shape(was)
    assert words(stage.seen()) == words(was)


def test_a_started_run(moved: tuple[FakeWorkspace, JobSettings]) -> None:
    stage = Stage(*moved)
    assert shape(stage.answer.json()) == shape(recorded("jobs_run_now")["body"])
    assert stage.run.run_id > 10**14


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        ("jobs_run_success", "SUCCESS", "SUCCESS"),
        ("jobs_run_user_canceled", "USER_CANCELED", "SUCCESS"),
        ("jobs_run_internal_error", "INTERNAL_ERROR", "INTERNAL_ERROR"),
    ],
)
def test_a_run_that_ended(
    moved: tuple[FakeWorkspace, JobSettings], name: str, code: str, kind: str
) -> None:
    was = recorded(name)["body"]
    stage = Stage(*moved)
    stage.begin()
    stage.end(code, kind, was["status"]["termination_details"]["message"])
    assert shape(stage.seen()) >= shape(was) - {".queue_duration"}
    assert words(stage.seen()) == words(was)


def test_a_run_whose_code_failed(moved: tuple[FakeWorkspace, JobSettings]) -> None:
    was = recorded("jobs_run_failed_run_execution_error")["body"]
    stage = Stage(*moved)
    stage.begin()
    task = "Workload failed, see run output for details"
    stage.end("RUN_EXECUTION_ERROR", "CLIENT_ERROR", task)
    stage.run.ended = Termination(
        "RUN_EXECUTION_ERROR", "CLIENT_ERROR", was["state"]["state_message"]
    )
    assert words(stage.seen()) == words(was)
    path = f"/api/2.2/jobs/runs/get-output?run_id={stage.run.attempts[-1].run_id}"
    output = ask(stage.workspace, "GET", path).json()
    assert {"error", "error_trace", "metadata"} <= set(output)


def test_a_list_of_runs(moved: tuple[FakeWorkspace, JobSettings]) -> None:
    workspace, job = moved
    for _ in range(3):
        ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
    path = f"/api/2.2/jobs/runs/list?active_only=true&job_id={job.job_id}&limit=2"
    page, was = ask(workspace, "GET", path).json(), recorded("jobs_runs_list_page_1")["body"]
    waits = {field for field in shape(page) if "queue" in field}  # the recorded one is at work
    assert shape(page) - waits == shape(was)
    for run in workspace.runs():
        workspace.jobs.runs.end(run, Termination("SUCCESS", "SUCCESS"))
    assert ask(workspace, "GET", path).json() == recorded("jobs_runs_list_empty")["body"]


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("error_400_run_does_not_exist", "GET", "/api/2.2/jobs/runs/get?run_id=5"),
        ("error_404_job_does_not_exist", "GET", "/api/2.2/jobs/get?job_id=42"),
        ("error_404_endpoint_not_found", "GET", "/api/2.0/unknown"),
        ("files_missing_file", "GET", f"/api/2.0/fs/files{PLACE}/none.md"),
        ("files_invalid_path", "PUT", "/api/2.0/fs/files/Workspace/Users/x/report.md"),
        ("volumes_read_missing", "GET", "/api/2.1/unity-catalog/volumes/main.research.none"),
        ("files_presigned_disabled", "POST", "/api/2.0/fs/create-download-url"),
        ("files_list_missing_directory", "GET", f"/api/2.0/fs/directories{PLACE}"),
    ],
)
def test_an_error(workspace: FakeWorkspace, name: str, method: str, path: str) -> None:
    was, answer = recorded(name), ask(workspace, method, path)
    assert answer.status_code == was["status"]
    assert answer.json().get("error_code") == was["body"].get("error_code")
    same = answer.json()["message"].replace("main.research.none", JOBS)
    assert same == was["body"]["message"]
    reasons = [one["reason"] for one in was["body"].get("details", ()) if "reason" in one]
    assert [one["reason"] for one in answer.json().get("details", ())] == reasons


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("429", "error_429_rate_limit"),
        ("503", "error_503_temporarily_unavailable"),
        ("500", "error_500_internal_empty_message"),
        ("401", "error_401_html"),
        ("403", "error_403_invalid_access_token"),
    ],
)
def test_a_fault(workspace: FakeWorkspace, kind: Kind, name: str) -> None:
    was = recorded(name)
    workspace.faults.add(Fault("GET", "/api/2.2/jobs", kind, retry_after="2"))
    answer = ask(workspace, "GET", "/api/2.2/jobs/runs/get?run_id=1")
    assert answer.status_code == was["status"]
    assert (
        answer.headers["content-type"].split(";")[0] == was["headers"]["Content-Type"].split(";")[0]
    )
    if isinstance(was["body"], dict):
        assert answer.json()["error_code"] == was["body"]["error_code"]


def test_files(workspace: FakeWorkspace) -> None:
    folder = workspace.volumes / "main/research/jobs/u-3f2a/01JBZ6Q8R4"
    (folder / "evidence").mkdir(parents=True)
    (folder / "report.md").write_text("# Report\n")
    path = f"/api/2.0/fs/directories{PLACE}?page_size=2"
    page = ask(workspace, "GET", path).json()
    was = recorded("files_list_page_1")["body"]
    assert shape(page) == shape(was) - {".next_page_token"}
    assert [set(entry) for entry in page["contents"]] == [set(one) for one in was["contents"]]
    taken = ask(workspace, "PUT", f"/api/2.0/fs/files{PLACE}/report.md?overwrite=false")
    assert taken.json() == recorded("files_put_exists")["body"]


def test_who_calls(workspace: FakeWorkspace) -> None:
    path = "/api/2.0/preview/scim/v2/Me"
    for who, name in (
        (workspace.ada, "current_user_me"),
        (workspace.app, "current_user_me_service_principal"),
    ):
        was, answer = recorded(name), ask(workspace, "GET", path, who=who)
        assert answer.headers["X-Databricks-Org-Id"] == was["headers"]["X-Databricks-Org-Id"]
        assert shape(answer.json()) | {".name.familyName"} >= shape(was["body"])
        assert set(answer.json()) == set(was["body"])


def test_a_question_to_genie(workspace: FakeWorkspace) -> None:
    workspace.add_space(Space("01f0", "Plant"), workspace.app)
    path = "/api/2.0/genie/spaces/01f0"
    body = {"content": "How many pumps?"}
    began = ask(workspace, "POST", f"{path}/start-conversation", body=body).json()
    was = recorded("genie_start_conversation")["body"]
    assert {"conversation_id", "message_id", "conversation", "message"} <= set(was) & set(began)
    look = f"{path}/conversations/{began['conversation_id']}/messages/{began['message_id']}"
    seen = [ask(workspace, "GET", look).json() for _ in range(6)]
    assert [one["status"] for one in seen][-4:] == [
        "PENDING_WAREHOUSE",
        "ASKING_AI",
        "COMPLETED",
        "COMPLETED",
    ]
    assert "query" in seen[-1]["attachments"][0]
    rows = ask(workspace, "GET", f"{look}/attachments/1/query-result").json()
    told = recorded("genie_query_result")["body"]["statement_response"]
    assert {"manifest", "result", "status"} <= set(rows["statement_response"]) & set(told)
