"""A workspace with a volume, SDK clients signed in to it, and helpers for runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.jobs.runs import Run
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity

JOBS = "main.research.jobs"
ROOT = "/Volumes/main/research/jobs"
SAFETY_SECONDS = 60
"""Time after which a waiting test fails: protects from hanging, measures nothing."""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path) as workspace:
        workspace.add_volume(JOBS)
        yield workspace


@pytest.fixture
def app(workspace: FakeWorkspace) -> WorkspaceClient:
    return signed_in(workspace, workspace.app)


def signed_in(workspace: FakeWorkspace, identity: Identity) -> WorkspaceClient:
    """Return an SDK client for an identity: a service principal by its secret, a user by token."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    is_principal = bool(identity.client_secret)
    config = Config(
        host=workspace.url,
        token=None if is_principal else identity.token,
        client_id=identity.client_id or None,
        client_secret=identity.client_secret or None,
        http_timeout_seconds=2,
        retry_timeout_seconds=10,
        disable_experimental_files_api_client=True,
    )
    return WorkspaceClient(config=config)


def start_run(
    workspace: FakeWorkspace, client: WorkspaceClient, job_id: int, token: str = ""
) -> Run:
    client.jobs.run_now(job_id, idempotency_token=token or None)
    return workspace.runs()[-1]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SAFETY_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def end_of(run: Run) -> str:
    """Wait until a run has ended; return its termination code."""
    wait_until(lambda: not run.active)
    return run.termination.code if run.termination else ""
