"""A workspace with a volume, and the real SDK signed in as its app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from mcp_jobs_server.testing.fake_workspace.principals import Identity

JOBS = "main.research.jobs"
ROOT = "/Volumes/main/research/jobs"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.add_volume(JOBS)
        yield workspace


@pytest.fixture
def app(workspace: FakeWorkspace) -> WorkspaceClient:
    return signed_in(workspace, workspace.app)


def signed_in(workspace: FakeWorkspace, who: Identity) -> WorkspaceClient:
    """Return the SDK's client as this identity: a principal with its secret, a person by token."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    principal = bool(who.client_secret)
    config = Config(
        host=workspace.url,
        token=None if principal else who.token,
        client_id=who.client_id or None,
        client_secret=who.client_secret or None,
        http_timeout_seconds=2,
        retry_timeout_seconds=10,
        disable_experimental_files_api_client=True,
    )
    return WorkspaceClient(config=config)
