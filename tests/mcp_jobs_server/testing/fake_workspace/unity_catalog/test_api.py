"""Names, privileges and connections of Unity Catalog as the SDK reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@pytest.fixture
def creator(workspace: FakeWorkspace) -> WorkspaceClient:
    """Sign in as a user who may create schemas in the catalog."""
    workspace.rights.grant("catalog main", workspace.eve.name, "CREATE_SCHEMA")
    return signed_in(workspace, workspace.eve)


def test_names_are_lower_case_and_unique(creator: WorkspaceClient) -> None:
    from databricks.sdk.errors import BadRequest, ResourceAlreadyExists
    from databricks.sdk.service.catalog import VolumeType

    assert creator.schemas.create("Reports", "MAIN").full_name == "main.reports"
    volume = creator.volumes.create("main", "reports", "Jobs", VolumeType.MANAGED)
    assert volume.full_name == "main.reports.jobs"
    with pytest.raises(BadRequest, match="already exists"):
        creator.schemas.create("reports", "main")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        creator.volumes.create("main", "reports", "jobs", VolumeType.MANAGED)
    for invalid in ("a b", "a.b", "a/b", "x" * 256):
        with pytest.raises(BadRequest, match="not a valid name"):
            creator.schemas.create(invalid, "main")


def test_without_privileges_a_user_creates_and_sees_nothing(
    workspace: FakeWorkspace, creator: WorkspaceClient
) -> None:
    from databricks.sdk.errors import NotFound, PermissionDenied

    ada = signed_in(workspace, workspace.ada)
    with pytest.raises(PermissionDenied, match="CREATE SCHEMA"):
        ada.schemas.create("mine", "main")
    with pytest.raises(PermissionDenied, match="any privilege"):
        ada.volumes.read("main.research.jobs")
    with pytest.raises(NotFound):
        ada.volumes.read("main.research.none")
    creator.schemas.create("private", "main")
    assert {schema.name for schema in creator.schemas.list("main")} == {"private", "research"}
    assert {schema.name for schema in ada.schemas.list("main")} == {"research"}


def test_privileges_are_granted_inherited_and_revoked(
    workspace: FakeWorkspace, creator: WorkspaceClient
) -> None:
    from databricks.sdk.errors import NotFound, PermissionDenied
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    creator.schemas.create("shared", "main")
    workspace.catalog.add_volume("main.shared.files")
    change = PermissionsChange(principal="law", add=[Privilege.READ_VOLUME])
    creator.grants.update("schema", "main.shared", changes=[change])
    effective = creator.grants.get_effective("volume", "main.shared.files")
    [law] = [a for a in effective.privilege_assignments or [] if a.principal == "law"]
    [read] = law.privileges or []
    assert (read.privilege, read.inherited_from_name) == (Privilege.READ_VOLUME, "main.shared")
    ada = signed_in(workspace, workspace.ada)
    assert list(ada.files.list_directory_contents("/Volumes/main/shared/files")) == []
    change = PermissionsChange(principal="law", remove=[Privilege.READ_VOLUME])
    creator.grants.update("schema", "main.shared", changes=[change])
    with pytest.raises(PermissionDenied):
        list(ada.files.list_directory_contents("/Volumes/main/shared/files"))
    with pytest.raises(PermissionDenied, match="MANAGE"):
        ada.grants.update("schema", "main.shared", changes=[change])
    with pytest.raises(NotFound):
        creator.grants.get("volume", "main.shared.none")


def test_the_secrets_of_a_connection_are_hidden(workspace: FakeWorkspace) -> None:
    from databricks.sdk.service.catalog import ConnectionType

    workspace.rights.grant("schema main.research", workspace.eve.name, "CREATE_CONNECTION")
    connection = signed_in(workspace, workspace.eve).connections.create(
        "Http",
        ConnectionType.HTTP,
        {"host": "https://app", "port": "443", "bearer_token": "t0ps3cret", "client_secret": "x"},
        parent="schemas/main.research",
    )
    assert connection.full_name == "main.research.http"
    assert connection.options == {"host": "https://app", "port": "443"}
