"""States of runs and other bodies, as recorded and as the fake answers them, read by the SDK.

Field sets are compared, and the words that say where something stands. Numbers, times and names
differ, of course.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mcp_jobs_server.testing.fake_workspace.genie import Space
from mcp_jobs_server.testing.fake_workspace.runs import CANCELLED, FAILED, Attempt, Run, Termination
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, signed_in
from tests.mcp_jobs_server.testing.fake_workspace.test_recorded import (
    PLACE,
    RECORDED,
    ask,
    recorded,
    shape,
    words,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"the recorded bodies are not there: {RECORDED.name}"
)

STOPPED = Termination("USER_CANCELED", "SUCCESS", CANCELLED)


def queued(run: Run) -> None:
    run.job.max_concurrent_runs = 2


def pending(run: Run) -> None:
    run.state = run.attempts[-1].state = "PENDING"


def waiting_for_compute(run: Run) -> None:
    run.state, run.attempts[-1].state = "RUNNING", "PENDING"


def terminating(run: Run) -> None:
    run.cancel = STOPPED
    run.state = run.attempts[-1].state = "TERMINATING"


def timed_out(run: Run) -> None:
    run.timed_out = True
    attempt = run.attempts[-1]
    attempt.state, attempt.ended = "TERMINATED", Termination("CANCELED", "CLIENT_ERROR", CANCELLED)
    run.close(Termination("CANCELED", "CLIENT_ERROR", "Run exceeded the timeout of 7200 seconds."))


def waiting_for_retry(run: Run) -> None:
    first = run.attempts[-1]
    first.state = "TERMINATED"
    first.ended = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
    run.state = "RUNNING"
    run.attempts.append(Attempt(first.run_id + 1, 1, "WAITING"))


MOVES: dict[str, Callable[[Run], None]] = {
    "jobs_run_queued": queued,
    "jobs_run_pending": pending,
    "jobs_run_running_task_pending": waiting_for_compute,
    "jobs_run_terminating_after_cancel": terminating,
    "jobs_run_timedout": timed_out,
    "jobs_run_waiting_for_retry": waiting_for_retry,
}


@pytest.mark.parametrize("name", MOVES)
def test_a_run_in_any_state(workspace: FakeWorkspace, app: WorkspaceClient, name: str) -> None:
    from databricks.sdk.service.jobs import Run as SdkRun

    was = recorded(name)["body"]
    job = workspace.add_job(by_hand=True)
    ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
    run = workspace.runs()[-1]
    MOVES[name](run)
    seen = ask(workspace, "GET", f"/api/2.2/jobs/runs/get?run_id={run.run_id}").json()
    assert shape(seen) == shape(was)
    assert words(seen) == words(was)
    read = app.jobs.get_run(run.run_id).as_dict()
    assert shape(read) == shape(SdkRun.from_dict(was).as_dict())


def test_a_run_that_found_no_place(workspace: FakeWorkspace) -> None:
    was = recorded("jobs_run_skipped_max_concurrent")["body"]
    job = workspace.add_job(by_hand=True, max_concurrent_runs=1, accidents=["skipped"])
    ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
    path = f"/api/2.2/jobs/runs/get?run_id={workspace.runs()[-1].run_id}"
    seen = ask(workspace, "GET", path).json()
    assert shape(seen) == shape(was)
    assert (seen["state"], seen["status"]) == (was["state"], was["status"])


def test_the_output_of_a_task(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.service.jobs import RunOutput

    was = recorded("jobs_runs_get_output_python_error")["body"]
    job = workspace.add_job(by_hand=True)
    ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
    run = workspace.runs()[-1]
    runs = workspace.jobs.runs
    runs.begin(run)
    runs.end(run, Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED), error="E: none left")
    number = run.attempts[-1].run_id
    seen = ask(workspace, "GET", f"/api/2.2/jobs/runs/get-output?run_id={number}").json()
    assert shape(seen) == shape(was)
    assert words(seen["metadata"]) == words(was["metadata"])
    read = app.jobs.get_run_output(number).as_dict()
    assert shape(read) == shape(RunOutput.from_dict(was).as_dict())
    whole = recorded("jobs_runs_get_output_of_multitask_run")
    answer = ask(workspace, "GET", f"/api/2.2/jobs/runs/get-output?run_id={run.run_id}")
    assert (answer.status_code, answer.json()) == (whole["status"], whole["body"])


def test_a_deployed_job(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.service.jobs import Job

    was = recorded("jobs_get")["body"]
    job = workspace.add_job(timeout_seconds=7200)
    seen = ask(workspace, "GET", f"/api/2.2/jobs/get?job_id={job.job_id}").json()
    assert shape(seen) - {".settings.tasks[].max_retries"} == shape(was)
    read = shape(app.jobs.get(job.job_id).as_dict())
    assert read - {".settings.tasks[].max_retries"} == shape(Job.from_dict(was).as_dict())


def test_what_may_not_be_run(workspace: FakeWorkspace) -> None:
    job = workspace.add_job(by_hand=True)
    was = recorded("error_403_permission_denied_run_job")
    answer = ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job, who=workspace.eve)
    assert answer.status_code == was["status"]
    mended = was["body"]["message"].replace("625234784902960", str(job.job_id))
    assert answer.json() == {
        **was["body"],
        "message": mended.replace("8f1c6a52-3d0e-4c7b-9a41-5be0c2d7f913", workspace.eve.name),
    }
    was = recorded("error_400_job_does_not_exist_on_run_now")
    answer = ask(workspace, "POST", "/api/2.2/jobs/run-now", body={"job_id": 0})
    assert (answer.status_code, answer.json()) == (was["status"], was["body"])


def test_a_cancelled_run_answers_nothing(workspace: FakeWorkspace) -> None:
    job = workspace.add_job(by_hand=True)
    ask(workspace, "POST", "/api/2.2/jobs/run-now", job=job)
    body = {"run_id": workspace.runs()[-1].run_id}
    answer = ask(workspace, "POST", "/api/2.2/jobs/runs/cancel", body=body)
    assert answer.json() == recorded("jobs_runs_cancel")["body"]


def test_where_to_get_a_token(workspace: FakeWorkspace) -> None:
    import requests

    for path, name in (
        ("/.well-known/databricks-config", "well_known_databricks_config"),
        ("/oidc/.well-known/oauth-authorization-server", "oidc_discovery"),
    ):
        seen = requests.get(f"{workspace.url}{path}", timeout=10).json()
        assert shape(seen) == shape(recorded(name)["body"])
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    url = f"{workspace.url}/oidc/v1/token"
    for secret, name in (
        (workspace.app.client_secret, "oidc_token_client_credentials"),
        ("wrong", "oidc_token_invalid_client"),
    ):
        was = recorded(name)
        answer = requests.post(url, data=form, auth=(workspace.app.client_id, secret), timeout=10)
        assert answer.status_code == was["status"]
        kept = {key: text for key, text in was["body"].items() if key != "access_token"}
        got = {key: text for key, text in answer.json().items() if key != "access_token"}
        assert got == kept


def test_who_sends_no_token(workspace: FakeWorkspace) -> None:
    import requests

    was = recorded("error_401_credential_not_sent")
    path = was["request"]["path"]
    answer = requests.get(f"{workspace.url}{path}", timeout=10)
    assert answer.status_code == was["status"]
    assert answer.json()["error_code"] == was["body"]["error_code"]


def test_files_and_their_headers(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    import requests

    folder = workspace.volumes / "main/research/jobs/u-3f2a/01JBZ6Q8R4"
    folder.mkdir(parents=True)
    (folder / "steps.jsonl").write_text("x" * 20784 + '{"n":3,"kind":"completed"}\n')
    was = recorded("files_get_range_206")
    headers = {"Authorization": f"Bearer {workspace.app.token}", "Range": "bytes=20784-"}
    answer = requests.get(f"{workspace.url}{was['request']['path']}", headers=headers, timeout=10)
    assert (answer.status_code, answer.text) == (was["status"], was["body"])
    assert answer.headers["Content-Range"] == was["headers"]["Content-Range"]
    was = recorded("files_metadata_headers")
    answer = ask(workspace, "HEAD", f"/api/2.0/fs/files{PLACE}/steps.jsonl")
    assert [name for name in was["headers"] if name not in answer.headers] == []
    (folder / "empty").mkdir()
    seen = ask(workspace, "GET", f"/api/2.0/fs/directories{PLACE}/empty").json()
    assert seen == recorded("files_list_empty_directory")["body"]
    assert [one.name for one in app.files.list_directory_contents(f"{ROOT}/u-3f2a")]


def test_what_unity_catalog_makes(workspace: FakeWorkspace) -> None:
    for right in ("CREATE_SCHEMA", "CREATE_VOLUME", "CREATE_CONNECTION", "CREATE_SERVICE"):
        workspace.rights.grant("catalog main", workspace.app.name, right)
    made: dict[str, dict[str, Any]] = {
        "schemas_create": {"catalog_name": "main", "name": "reports", "comment": "Reports."},
        "volumes_create": {
            "catalog_name": "main",
            "schema_name": "reports",
            "name": "jobs",
            "volume_type": "MANAGED",
            "comment": "Jobs.",
        },
        "connection_create_http_mcp": {
            "name": "research_jobs_http",
            "connection_type": "HTTP",
            "parent": "schemas/main.reports",
            "options": recorded("connection_create_http_mcp")["body"]["options"],
        },
        "mcp_service_create": {
            "comment": "Jobs.",
            "config": {
                "source_connection": {"name": "connections/main.reports.research_jobs_http"},
                "include_tool_selectors": ["start_research"],
            },
        },
    }
    for name, body in made.items():
        was = recorded(name)
        path = was["request"]["path"].replace("main.research", "main.reports")
        answer = ask(workspace, "POST", path, body=body)
        assert answer.status_code == was["status"], answer.text
        assert shape(answer.json()) == shape(was["body"]), name
    for name in ("schemas_create", "volumes_create"):
        was = recorded(f"{name}_already_exists")
        answer = ask(workspace, "POST", was["request"]["path"], body=made[name])
        told = was["body"]["message"].replace("research", "reports")
        assert (answer.status_code, answer.json()) == (
            was["status"],
            {**was["body"], "message": told},
        )
    seen = ask(workspace, "GET", "/api/2.1/unity-catalog/volumes/main.reports.jobs").json()
    assert shape(seen) == shape(recorded("volumes_read")["body"])


GENIE = {
    "genie_message_1_submitted": "SUBMITTED",
    "genie_message_2_filtering_context": "FILTERING_CONTEXT",
    "genie_message_3_asking_ai": "ASKING_AI",
    "genie_message_4_pending_warehouse": "PENDING_WAREHOUSE",
    "genie_message_5_executing_query": "EXECUTING_QUERY",
    "genie_message_6_completed": "COMPLETED",
    "genie_message_failed": "FAILED",
}


@pytest.mark.parametrize("name", GENIE)
def test_a_message_of_genie(workspace: FakeWorkspace, name: str) -> None:
    space = workspace.add_space(Space("01f0", "Plant", statuses=(GENIE[name],)), workspace.ada)
    asked = {"content": "How many pumps?"}
    path = "/api/2.0/genie/spaces/01f0"
    who = workspace.ada
    began = ask(workspace, "POST", f"{path}/start-conversation", body=asked, who=who).json()
    if name.endswith("1_submitted"):
        assert shape(began) == shape(recorded("genie_start_conversation")["body"])
    conversation = f"{path}/conversations/{began['conversation_id']}"
    look = f"{conversation}/messages/{began['message_id']}"
    seen, was = ask(workspace, "GET", look, who=who).json(), recorded(name)["body"]
    assert shape(seen) == shape(was)
    assert seen["status"] == was["status"]
    if name.endswith("6_completed"):
        attachment = seen["attachments"][0]["attachment_id"]
        rows = ask(workspace, "GET", f"{look}/attachments/{attachment}/query-result", who=who)
        assert shape(rows.json()) == shape(recorded("genie_query_result")["body"])
        more = ask(workspace, "POST", f"{conversation}/messages", body=asked, who=who).json()
        assert more["message_id"] != began["message_id"]
        assert len(space.messages) == 2
    other = ask(workspace, "GET", look, who=workspace.eve)
    assert other.status_code == 404


def test_a_model_that_wants_a_tool(workspace: FakeWorkspace) -> None:
    was = recorded("serving_chat_completion_tool_calls")["body"]
    message = {k: v for k, v in was["choices"][0]["message"].items() if k != "role"}
    workspace.platform.endpoints["model"] = {"replies": [message]}
    workspace.rights.grant("serving-endpoint model", workspace.ada.name, "CAN_QUERY")
    path = "/serving-endpoints/model/invocations"
    seen = ask(workspace, "POST", path, who=workspace.ada, body={"messages": []}).json()
    assert shape(seen) == shape(was)
    assert seen["choices"] == was["choices"]


def test_the_sdk_says_what_it_says_of_recorded_errors(workspace: FakeWorkspace) -> None:
    from databricks.sdk import errors

    app = signed_in(workspace, workspace.app)
    eve = signed_in(workspace, workspace.eve)
    job = workspace.add_job(by_hand=True)
    for kind, call in (
        (errors.ResourceDoesNotExist, lambda: app.jobs.get_run(5)),
        (errors.ResourceDoesNotExist, lambda: app.jobs.get_run_output(5)),
        (errors.InvalidParameterValue, lambda: app.jobs.cancel_run(5)),
        (errors.InvalidParameterValue, lambda: app.jobs.run_now(42)),
        (errors.NotFound, lambda: app.jobs.get(42)),
        (errors.PermissionDenied, lambda: eve.jobs.run_now(job.job_id)),
        (errors.NotFound, lambda: app.files.get_metadata(f"{ROOT}/none")),
        (errors.NotFound, lambda: app.api_client.do("GET", "/api/2.0/unknown")),
    ):
        with pytest.raises(kind):
            call()
