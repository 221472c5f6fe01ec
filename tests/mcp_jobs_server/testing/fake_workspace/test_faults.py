"""Faults of the fake workspace, as the real SDK meets them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.testing.fake_workspace.conftest import ROOT, signed_in

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def test_a_limited_call_is_made_again(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    app.current_user.me()
    workspace.fail("GET", "/Me$", "429", retry_after="0")
    assert app.current_user.me().user_name == workspace.app.name
    assert [seen.status for seen in workspace.requests][-2:] == [429, 200]


def test_a_lost_answer_to_a_start_is_asked_for_again(
    workspace: FakeWorkspace, app: WorkspaceClient
) -> None:
    job = workspace.add_job(by_hand=True)
    workspace.fail("POST", "run-now", "lost answer", seconds=2.5)
    app.jobs.run_now(job.job_id, idempotency_token="k" * 64)
    assert len(workspace.runs()) == 1


def test_half_of_an_answer_is_no_answer(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(by_hand=True)
    workspace.fail("GET", "jobs/get", "truncated")
    with pytest.raises(Exception, match=r"(?i)json|parse|expecting|delimiter|unterminated"):
        app.jobs.get(job.job_id)


def test_unknown_words_read_as_nothing(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    job = workspace.add_job(by_hand=True)
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    workspace.fail("GET", "runs/get", "unknown words")
    found = app.jobs.get_run(run.run_id)
    assert found.status is not None
    assert found.status.state is None


def test_a_token_ends_in_the_middle_of_its_life(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    ada = signed_in(workspace, workspace.ada)
    assert ada.current_user.me().user_name == "ada@example.com"
    workspace.identities.expire(workspace.ada)
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        ada.current_user.me()


def test_a_purged_run_is_not_there(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.errors import ResourceDoesNotExist

    job = workspace.add_job(by_hand=True)
    app.jobs.run_now(job.job_id)
    run = workspace.runs()[-1]
    workspace.purge(run)
    with pytest.raises(ResourceDoesNotExist):
        app.jobs.get_run(run.run_id)


def test_a_file_may_be_seen_late(workspace: FakeWorkspace, app: WorkspaceClient) -> None:
    from databricks.sdk.errors import NotFound

    app.files.upload(f"{ROOT}/a.txt", io.BytesIO(b"a"), overwrite=True)
    workspace.files.late_seconds = 3600
    with pytest.raises(NotFound):
        app.files.download(f"{ROOT}/a.txt")
    workspace.files.late_seconds = 0
    contents = app.files.download(f"{ROOT}/a.txt").contents
    assert contents is not None
    assert contents.read() == b"a"


def test_nobody_reads_a_volume_that_was_not_granted(workspace: FakeWorkspace) -> None:
    from databricks.sdk.errors import PermissionDenied

    eve = signed_in(workspace, workspace.eve)
    with pytest.raises(PermissionDenied, match="READ VOLUME"):
        list(eve.files.list_directory_contents(ROOT))
    with pytest.raises(PermissionDenied, match="WRITE VOLUME"):
        eve.files.upload(f"{ROOT}/a.txt", io.BytesIO(b"a"), overwrite=True)
