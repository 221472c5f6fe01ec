"""Users, service principals, groups and tokens."""

from __future__ import annotations

import pytest

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import signed_in


def test_scim_lists_users_service_principals_and_groups(workspace: FakeWorkspace) -> None:
    app = signed_in(workspace, workspace.app)
    [law] = app.groups.list(filter='displayName eq "law"')
    assert [member.value for member in law.members or []] == [workspace.ada.id]
    assert law.id is not None
    assert app.groups.get(law.id).display_name == "law"
    users = [user.user_name for user in app.users.list()]
    assert users == [workspace.ada.name, workspace.eve.name]
    [runner] = app.service_principals.list(filter=f"applicationId eq {workspace.runner.name}")
    assert runner.application_id == workspace.runner.client_id
    me = signed_in(workspace, workspace.eve).current_user.me()
    assert {group.display for group in me.groups or []} == {"users", "sales"}


@pytest.mark.parametrize("person", ["ada", "eve"])
def test_an_oauth_token_expires(workspace: FakeWorkspace, person: str) -> None:
    import requests

    identity: Identity = getattr(workspace, person)
    workspace.identities.token_seconds = 0
    headers = {"Authorization": f"Bearer {workspace.identities.sign_in(identity)}"}
    url = f"{workspace.url}/api/2.0/preview/scim/v2/Me"
    assert requests.get(url, headers=headers, timeout=10).status_code == 403
