"""Errors and bodies of the other APIs have the fields and texts of recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcp_jobs_server.testing.fake_workspace.faults import Fault, Kind
from mcp_jobs_server.testing.fake_workspace.genie import Space
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import JOBS, ROOT, signed_in
from tests.mcp_jobs_server.testing.fake_workspace.recorded import (
    FOLDER,
    call,
    fields,
    needs_recordings,
    recorded,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

pytestmark = needs_recordings

# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("error_400_run_does_not_exist", "GET", "/api/2.2/jobs/runs/get?run_id=5"),
        ("error_404_job_does_not_exist", "GET", "/api/2.2/jobs/get?job_id=42"),
        ("error_404_endpoint_not_found", "GET", "/api/2.0/unknown"),
        ("files_missing_file", "GET", f"/api/2.0/fs/files{FOLDER}/none.md"),
        ("files_invalid_path", "PUT", "/api/2.0/fs/files/Workspace/Users/x/report.md"),
        ("volumes_read_missing", "GET", "/api/2.1/unity-catalog/volumes/main.research.none"),
        ("files_presigned_disabled", "POST", "/api/2.0/fs/create-download-url"),
        ("files_list_missing_directory", "GET", f"/api/2.0/fs/directories{FOLDER}"),
    ],
)
def test_an_error(workspace: FakeWorkspace, name: str, method: str, path: str) -> None:
    expected, answer = recorded(name), call(workspace, method, path)
    assert answer.status_code == expected["status"]
    assert answer.json().get("error_code") == expected["body"].get("error_code")
    message = answer.json()["message"].replace("main.research.none", JOBS)
    assert message == expected["body"]["message"]
    details = expected["body"].get("details", ())
    reasons = [detail["reason"] for detail in details if "reason" in detail]
    assert [detail["reason"] for detail in answer.json().get("details", ())] == reasons


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
    expected = recorded(name)
    workspace.faults.add(Fault("GET", "/api/2.2/jobs", kind, retry_after="2"))
    answer = call(workspace, "GET", "/api/2.2/jobs/runs/get?run_id=1")
    assert answer.status_code == expected["status"]
    content_type = expected["headers"]["Content-Type"].split(";")[0]
    assert answer.headers["content-type"].split(";")[0] == content_type
    if isinstance(expected["body"], dict):
        assert answer.json()["error_code"] == expected["body"]["error_code"]


def test_a_request_without_token(workspace: FakeWorkspace) -> None:
    import requests

    expected = recorded("error_401_credential_not_sent")
    answer = requests.get(f"{workspace.url}{expected['request']['path']}", timeout=10)
    assert answer.status_code == expected["status"]
    assert answer.json()["error_code"] == expected["body"]["error_code"]


def test_the_sdk_raises_the_same_errors(workspace: FakeWorkspace) -> None:
    from databricks.sdk import errors

    app = signed_in(workspace, workspace.app)
    eve = signed_in(workspace, workspace.eve)
    job = workspace.add_job(by_hand=True)
    for error, request in (
        (errors.ResourceDoesNotExist, lambda: app.jobs.get_run(5)),
        (errors.ResourceDoesNotExist, lambda: app.jobs.get_run_output(5)),
        (errors.InvalidParameterValue, lambda: app.jobs.cancel_run(5)),
        (errors.InvalidParameterValue, lambda: app.jobs.run_now(42)),
        (errors.NotFound, lambda: app.jobs.get(42)),
        (errors.PermissionDenied, lambda: eve.jobs.run_now(job.job_id)),
        (errors.NotFound, lambda: app.files.get_metadata(f"{ROOT}/none")),
        (errors.NotFound, lambda: app.api_client.do("GET", "/api/2.0/unknown")),
    ):
        with pytest.raises(error):
            request()


# --- identity ---------------------------------------------------------------------------------


def test_the_current_user(workspace: FakeWorkspace) -> None:
    path = "/api/2.0/preview/scim/v2/Me"
    for identity, name in (
        (workspace.ada, "current_user_me"),
        (workspace.app, "current_user_me_service_principal"),
    ):
        expected, answer = recorded(name), call(workspace, "GET", path, who=identity)
        org_id = "X-Databricks-Org-Id"
        assert answer.headers[org_id] == expected["headers"][org_id]
        assert fields(answer.json()) | {".name.familyName"} >= fields(expected["body"])
        assert set(answer.json()) == set(expected["body"])


def test_oauth(workspace: FakeWorkspace) -> None:
    import requests

    for path, name in (
        ("/.well-known/databricks-config", "well_known_databricks_config"),
        ("/oidc/.well-known/oauth-authorization-server", "oidc_discovery"),
    ):
        body = requests.get(f"{workspace.url}{path}", timeout=10).json()
        assert fields(body) == fields(recorded(name)["body"])
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    url = f"{workspace.url}/oidc/v1/token"
    for secret, name in (
        (workspace.app.client_secret, "oidc_token_client_credentials"),
        ("wrong", "oidc_token_invalid_client"),
    ):
        expected = recorded(name)
        answer = requests.post(url, data=form, auth=(workspace.app.client_id, secret), timeout=10)
        assert answer.status_code == expected["status"]
        assert {**answer.json(), "access_token": ""} == {**expected["body"], "access_token": ""}


# --- files ------------------------------------------------------------------------------------


def test_directories_and_existing_files(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    folder = workspace.volumes / "main/research/jobs/u-3f2a/01JBZ6Q8R4"
    (folder / "evidence").mkdir(parents=True)
    (folder / "report.md").write_text("# Report\n")
    path = f"/api/2.0/fs/directories{FOLDER}?page_size=2"
    page = call(workspace, "GET", path).json()
    expected = recorded("files_list_page_1")["body"]
    assert fields(page) == fields(expected) - {".next_page_token"}
    assert [set(e) for e in page["contents"]] == [set(e) for e in expected["contents"]]
    conflict = call(workspace, "PUT", f"/api/2.0/fs/files{FOLDER}/report.md?overwrite=false")
    assert conflict.json() == recorded("files_put_exists")["body"]
    body = call(workspace, "GET", f"/api/2.0/fs/directories{FOLDER}/evidence").json()
    assert body == recorded("files_list_empty_directory")["body"]
    assert [entry.name for entry in app.files.list_directory_contents(f"{ROOT}/u-3f2a")]


def test_ranges_and_headers_of_files(workspace: FakeWorkspace) -> None:
    import requests

    folder = workspace.volumes / "main/research/jobs/u-3f2a/01JBZ6Q8R4"
    folder.mkdir(parents=True)
    (folder / "steps.jsonl").write_text("x" * 20784 + '{"n":3,"kind":"completed"}\n')
    expected = recorded("files_get_range_206")
    headers = {"Authorization": f"Bearer {workspace.app.token}", "Range": "bytes=20784-"}
    url = f"{workspace.url}{expected['request']['path']}"
    answer = requests.get(url, headers=headers, timeout=10)
    assert (answer.status_code, answer.text) == (expected["status"], expected["body"])
    assert answer.headers["Content-Range"] == expected["headers"]["Content-Range"]
    expected = recorded("files_metadata_headers")
    answer = call(workspace, "HEAD", f"/api/2.0/fs/files{FOLDER}/steps.jsonl")
    assert [name for name in expected["headers"] if name not in answer.headers] == []


# --- Unity Catalog ----------------------------------------------------------------------------


def test_new_securables(workspace: FakeWorkspace) -> None:
    for privilege in ("CREATE_SCHEMA", "CREATE_VOLUME", "CREATE_CONNECTION", "CREATE_SERVICE"):
        workspace.rights.grant("catalog main", workspace.app.name, privilege)
    requests: dict[str, dict[str, Any]] = {
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
    for name, body in requests.items():
        expected = recorded(name)
        path = expected["request"]["path"].replace("main.research", "main.reports")
        answer = call(workspace, "POST", path, body=body)
        assert answer.status_code == expected["status"], answer.text
        assert fields(answer.json()) == fields(expected["body"]), name
    for name in ("schemas_create", "volumes_create"):
        expected = recorded(f"{name}_already_exists")
        answer = call(workspace, "POST", expected["request"]["path"], body=requests[name])
        message = expected["body"]["message"].replace("research", "reports")
        body = {**expected["body"], "message": message}
        assert (answer.status_code, answer.json()) == (expected["status"], body)
    volume = call(workspace, "GET", "/api/2.1/unity-catalog/volumes/main.reports.jobs").json()
    assert fields(volume) == fields(recorded("volumes_read")["body"])


# --- Genie and model serving ------------------------------------------------------------------

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
    question = {"content": "How many pumps?"}
    path = "/api/2.0/genie/spaces/01f0"
    who = workspace.ada
    first = call(workspace, "POST", f"{path}/start-conversation", body=question, who=who).json()
    if name.endswith("1_submitted"):
        assert fields(first) == fields(recorded("genie_start_conversation")["body"])
    conversation = f"{path}/conversations/{first['conversation_id']}"
    message = f"{conversation}/messages/{first['message_id']}"
    body, expected = call(workspace, "GET", message, who=who).json(), recorded(name)["body"]
    assert fields(body) == fields(expected)
    assert body["status"] == expected["status"]
    if name.endswith("6_completed"):
        attachment = f"{message}/attachments/{body['attachments'][0]['attachment_id']}"
        result = call(workspace, "GET", f"{attachment}/query-result", who=who)
        assert fields(result.json()) == fields(recorded("genie_query_result")["body"])
        path = f"{conversation}/messages"
        second = call(workspace, "POST", path, body=question, who=who).json()
        assert second["message_id"] != first["message_id"]
        assert len(space.messages) == 2
    assert call(workspace, "GET", message, who=workspace.eve).status_code == 404


def test_a_conversation_with_genie(workspace: FakeWorkspace) -> None:
    workspace.add_space(Space("01f0", "Plant"), workspace.app)
    path = "/api/2.0/genie/spaces/01f0"
    body = {"content": "How many pumps?"}
    first = call(workspace, "POST", f"{path}/start-conversation", body=body).json()
    expected = recorded("genie_start_conversation")["body"]
    names = {"conversation_id", "message_id", "conversation", "message"}
    assert names <= set(expected) & set(first)
    message = f"{path}/conversations/{first['conversation_id']}/messages/{first['message_id']}"
    polls = [call(workspace, "GET", message).json() for _ in range(6)]
    assert [poll["status"] for poll in polls][-4:] == [
        "PENDING_WAREHOUSE",
        "ASKING_AI",
        "COMPLETED",
        "COMPLETED",
    ]
    assert "query" in polls[-1]["attachments"][0]
    result = call(workspace, "GET", f"{message}/attachments/1/query-result").json()
    expected = recorded("genie_query_result")["body"]
    names = set(result["statement_response"]) & set(expected["statement_response"])
    assert {"manifest", "result", "status"} <= names


def test_a_tool_call_of_a_model(workspace: FakeWorkspace) -> None:
    expected = recorded("serving_chat_completion_tool_calls")["body"]
    message = {k: v for k, v in expected["choices"][0]["message"].items() if k != "role"}
    workspace.platform.endpoints["model"] = {"replies": [message]}
    workspace.rights.grant("serving-endpoint model", workspace.ada.name, "CAN_QUERY")
    path = "/serving-endpoints/model/invocations"
    body = call(workspace, "POST", path, who=workspace.ada, body={"messages": []}).json()
    assert fields(body) == fields(expected)
    assert body["choices"] == expected["choices"]
