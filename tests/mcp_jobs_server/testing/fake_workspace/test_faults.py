"""Injected faults, expired tokens and missing privileges as the SDK reports them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, SAFETY_SECONDS, signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def test_the_sdk_retries_a_rate_limited_call(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    app.current_user.me()
    workspace.fail("GET", "/Me$", "429", retry_after="0")
    assert app.current_user.me().user_name == workspace.app.name
    assert [request.status for request in workspace.requests][-2:] == [429, 200]


def test_the_sdk_repeats_a_start_whose_answer_was_lost(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    workspace.fail("POST", "run-now", "lost answer", seconds=2.5)
    app.jobs.run_now(job.job_id, idempotency_token="k" * 64)
    assert len(workspace.runs()) == 1


def test_a_truncated_answer_is_an_error(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(by_hand=True)
    workspace.fail("GET", "jobs/get", "truncated")
    with pytest.raises(Exception, match=r"(?i)json|parse|expecting|delimiter|unterminated"):
        app.jobs.get(job.job_id)


def test_the_sdk_reads_unknown_words_as_none(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    workspace.fail("GET", "runs/get", "unknown words")
    status = app.jobs.get_run(run.run_id).status
    assert status is not None
    assert status.state is None


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
    calls = [(r.who, r.status) for r in workspace.requests if r.path.endswith("/Me")]
    ada_name, eve_name = workspace.ada.name, workspace.eve.name
    assert calls == [(ada_name, 200)] * 2 + [(eve_name, 200), (eve_name, 500), (eve_name, 200)]


def test_a_request_is_logged_before_its_answer_is_lost(workspace: FakeWorkspace) -> None:
    import requests

    fault = workspace.fail("GET", "/Me$", "lost answer", seconds=SAFETY_SECONDS)
    headers = {"Authorization": f"Bearer {workspace.ada.token}"}
    url = f"{workspace.url}/api/2.0/preview/scim/v2/Me?attributes=id"
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, headers=headers, timeout=0.5)
    [request] = workspace.requests
    assert (request.status, request.query, fault.times) == (200, {"attributes": "id"}, 0)


def test_an_expired_token_is_invalid(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    ada = signed_in(workspace, workspace.ada)
    assert ada.current_user.me().user_name == "ada@example.com"
    workspace.identities.expire(workspace.ada)
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        ada.current_user.me()


def test_a_purged_run_does_not_exist(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.errors import ResourceDoesNotExist

    job = workspace.add_job(by_hand=True)
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    workspace.purge(run)
    with pytest.raises(ResourceDoesNotExist):
        app.jobs.get_run(run.run_id)


def test_a_file_can_become_visible_late(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.errors import NotFound

    app.files.upload(f"{ROOT}/a.txt", io.BytesIO(b"a"), overwrite=True)
    workspace.files.late_seconds = 3600
    with pytest.raises(NotFound):
        app.files.download(f"{ROOT}/a.txt")
    workspace.files.late_seconds = 0
    contents = app.files.download(f"{ROOT}/a.txt").contents
    assert contents is not None
    assert contents.read() == b"a"


def test_a_volume_is_closed_without_a_grant(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    eve = signed_in(workspace, workspace.eve)
    with pytest.raises(PermissionDenied, match="READ VOLUME"):
        list(eve.files.list_directory_contents(ROOT))
    with pytest.raises(PermissionDenied, match="WRITE VOLUME"):
        eve.files.upload(f"{ROOT}/a.txt", io.BytesIO(b"a"), overwrite=True)
