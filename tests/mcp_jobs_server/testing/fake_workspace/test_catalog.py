"""Names, rights and identities of the fake workspace, as the real SDK sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@pytest.fixture
def maker(workspace: FakeWorkspace) -> WorkspaceClient:
    """Sign in somebody who may make schemas in the catalog."""
    workspace.rights.grant("catalog main", workspace.eve.name, "CREATE_SCHEMA")
    return signed_in(workspace, workspace.eve)


def test_names_are_lower_case_and_made_once(maker: WorkspaceClient) -> None:
    from databricks.sdk.errors import BadRequest, ResourceAlreadyExists
    from databricks.sdk.service.catalog import VolumeType

    assert maker.schemas.create("Reports", "MAIN").full_name == "main.reports"
    made = maker.volumes.create("main", "reports", "Jobs", VolumeType.MANAGED)
    assert made.full_name == "main.reports.jobs"
    with pytest.raises(BadRequest, match="already exists"):
        maker.schemas.create("reports", "main")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        maker.volumes.create("main", "reports", "jobs", VolumeType.MANAGED)
    for wrong in ("a b", "a.b", "a/b", "x" * 256):
        with pytest.raises(BadRequest, match="not a valid name"):
            maker.schemas.create(wrong, "main")


def test_who_has_no_right_makes_and_sees_nothing(
    workspace: FakeWorkspace, maker: WorkspaceClient
) -> None:
    from databricks.sdk.errors import NotFound, PermissionDenied

    ada = signed_in(workspace, workspace.ada)
    with pytest.raises(PermissionDenied, match="CREATE SCHEMA"):
        ada.schemas.create("mine", "main")
    with pytest.raises(PermissionDenied, match="any privilege"):
        ada.volumes.read("main.research.jobs")
    with pytest.raises(NotFound):
        ada.volumes.read("main.research.none")
    maker.schemas.create("private", "main")
    assert {one.name for one in maker.schemas.list("main")} == {"private", "research"}
    assert {one.name for one in ada.schemas.list("main")} == {"research"}


def test_rights_are_given_taken_and_handed_down(
    workspace: FakeWorkspace, maker: WorkspaceClient
) -> None:
    from databricks.sdk.errors import NotFound, PermissionDenied
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    maker.schemas.create("shared", "main")
    workspace.catalog.add_volume("main.shared.files")
    change = PermissionsChange(principal="law", add=[Privilege.READ_VOLUME])
    maker.grants.update("schema", "main.shared", changes=[change])
    given = maker.grants.get_effective("volume", "main.shared.files").privilege_assignments or []
    [of_law] = [one for one in given if one.principal == "law"]
    [right] = of_law.privileges or []
    assert (right.privilege, right.inherited_from_name) == (Privilege.READ_VOLUME, "main.shared")
    ada = signed_in(workspace, workspace.ada)
    assert list(ada.files.list_directory_contents("/Volumes/main/shared/files")) == []
    change = PermissionsChange(principal="law", remove=[Privilege.READ_VOLUME])
    maker.grants.update("schema", "main.shared", changes=[change])
    with pytest.raises(PermissionDenied):
        list(ada.files.list_directory_contents("/Volumes/main/shared/files"))
    with pytest.raises(PermissionDenied, match="MANAGE"):
        ada.grants.update("schema", "main.shared", changes=[change])
    with pytest.raises(NotFound):
        maker.grants.get("volume", "main.shared.none")


def test_a_connection_shows_no_secret(workspace: FakeWorkspace) -> None:
    from databricks.sdk.service.catalog import ConnectionType

    workspace.rights.grant("schema main.research", workspace.eve.name, "CREATE_CONNECTION")
    made = signed_in(workspace, workspace.eve).connections.create(
        "Http",
        ConnectionType.HTTP,
        {"host": "https://app", "port": "443", "bearer_token": "t0ps3cret", "client_secret": "x"},
        parent="schemas/main.research",
    )
    assert made.full_name == "main.research.http"
    assert made.options == {"host": "https://app", "port": "443"}


def test_people_principals_and_groups_are_found(workspace: FakeWorkspace) -> None:
    app = signed_in(workspace, workspace.app)
    [law] = app.groups.list(filter='displayName eq "law"')
    assert [member.value for member in law.members or []] == [workspace.ada.id]
    assert law.id is not None
    assert app.groups.get(law.id).display_name == "law"
    assert [one.user_name for one in app.users.list()] == [workspace.ada.name, workspace.eve.name]
    [found] = app.service_principals.list(filter=f"applicationId eq {workspace.runner.name}")
    assert found.application_id == workspace.runner.client_id
    me = signed_in(workspace, workspace.eve).current_user.me()
    assert {group.display for group in me.groups or []} == {"users", "sales"}


def test_jobs_are_listed_to_those_who_may_see_them(workspace: FakeWorkspace) -> None:
    job = workspace.add_job(name="researcher-test")
    workspace.rights.grant(f"job {job.job_id}", "law", "CAN_VIEW")
    for who, seen in ((workspace.app, 1), (workspace.ada, 1), (workspace.eve, 0)):
        assert len(list(signed_in(workspace, who).jobs.list(name="Researcher-Test"))) == seen
    lists = signed_in(workspace, workspace.ada).permissions.get("jobs", str(job.job_id))
    given = {
        one.group_name or one.service_principal_name for one in lists.access_control_list or []
    }
    assert given == {"law", workspace.app.name}


@pytest.mark.parametrize("who", ["ada", "eve"])
def test_an_oauth_token_ends(workspace: FakeWorkspace, who: str) -> None:
    import requests

    identity: Identity = getattr(workspace, who)
    workspace.identities.token_seconds = 0
    headers = {"Authorization": f"Bearer {workspace.identities.sign_in(identity)}"}
    url = f"{workspace.url}/api/2.0/preview/scim/v2/Me"
    assert requests.get(url, headers=headers, timeout=10).status_code == 403


def test_an_endpoint_answers_what_it_was_given(workspace: FakeWorkspace) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    workspace.platform.endpoints["model"] = {
        "replies": [{"content": "", "tool_calls": [call]}, {"content": "Done."}]
    }
    workspace.rights.grant("serving-endpoint model", workspace.runner.name, "CAN_QUERY")
    runner = signed_in(workspace, workspace.runner)
    asked = {"messages": [{"role": "user", "content": "Go"}]}
    answers = [
        runner.api_client.do("POST", "/serving-endpoints/model/invocations", body=asked)
        for _ in range(3)
    ]
    reasons = [answer["choices"][0]["finish_reason"] for answer in answers]
    assert reasons == ["tool_calls", "stop", "stop"]
    assert workspace.platform.asked == [asked] * 3
