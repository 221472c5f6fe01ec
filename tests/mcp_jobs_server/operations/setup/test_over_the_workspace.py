"""The commands and tasks of the bundle, run by a fake workspace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.bundle.document import bundle, written
from tests.docs.documents import fences
from tests.mcp_jobs_server.cli.command_line import CommandLine, Done
from tests.mcp_jobs_server.operations.retention.volume import ANA, BEN, NOW, Volume

PLACE = ("--catalog", "main", "--schema", "research", "--volume", "jobs")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as made:
        made.catalog.add_schema("main.default")
        yield made


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", tmp_path)


def run(
    cli: CommandLine, workspace: FakeWorkspace, who: Identity, *words: str, **more: str
) -> Done:
    return cli.run(
        *words, DATABRICKS_HOST=workspace.url, DATABRICKS_TOKEN=who.token, HOME=str(cli.cwd), **more
    )


def changes(workspace: FakeWorkspace) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in workspace.requests if seen.method != "GET"]


def test_setup_creates_the_volume_once(cli: CommandLine, workspace: FakeWorkspace) -> None:
    job = workspace.add_job()
    workspace.rights.grant(f"job {job.job_id}", workspace.ada.name, "CAN_MANAGE")
    workspace.rights.grant(
        "catalog main", workspace.ada.name, "USE_CATALOG", "CREATE_SCHEMA", "MANAGE"
    )
    words = ("setup", *PLACE, "--job", str(job.job_id), "--apply")
    first = run(cli, workspace, workspace.ada, *words)
    assert first.code == 0, first.out
    assert first.out.count("done: ") == 5
    volume = "volume main.research.jobs"
    assert workspace.rights.allows(workspace.runner, {"READ_VOLUME"}, volume)
    assert (workspace.volumes / "main/research/jobs").is_dir()
    before = changes(workspace)
    again = run(cli, workspace, workspace.ada, *words)
    assert again.out.endswith("There is nothing to do.\n")
    assert changes(workspace) == before


def test_setup_prints_the_consequence_of_a_missing_privilege(
    cli: CommandLine, workspace: FakeWorkspace
) -> None:
    done = run(cli, workspace, workspace.eve, "setup", *PLACE, "--apply")
    assert done.code == 1
    assert "failed: create the schema main.research\n" in done.out
    assert "Without this step no job can be started." in done.out
    assert "left out: create the volume main.research.jobs\n" in done.out


# --- retention ----------------------------------------------------------------------------


def retention_task() -> WheelTask:
    """Return the task as the bundle deploys it."""
    [task] = bundle(written(), "prod").resources("jobs")["retention"]["tasks"]
    said = task["python_wheel_task"]
    return WheelTask(said["package_name"], said["entry_point"], tuple(said["parameters"]))


def start(cli: CommandLine, workspace: FakeWorkspace, job_id: int, **parameters: str) -> str:
    """Run a job to its end as its scheduler does; return the result."""
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient(host=workspace.url, token=workspace.app.token)
    run_id = client.jobs.run_now(job_id, job_parameters=parameters).run_id
    ended = client.jobs.wait_get_run_job_terminated_or_skipped(run_id)
    state = ended.state.result_state if ended.state else None
    return state.value if state else ""


@pytest.mark.parametrize("owner", ["", ANA])
def test_the_scheduled_task_deletes_expired_jobs(
    cli: CommandLine, workspace: FakeWorkspace, owner: str
) -> None:
    volume = Volume(workspace.add_volume("main.research.jobs"))
    ago = (NOW - datetime.now(UTC)) / timedelta(days=1)
    old, young = volume.job(ANA, days=ago + 100, key="a"), volume.job(ANA, days=ago + 1)
    of_ben = volume.job(BEN, days=ago + 100)
    job = workspace.add_job(task=retention_task())
    days = "all" if owner else "90"
    assert start(cli, workspace, job.job_id, days=days, owner=owner) == "SUCCESS"
    assert volume.traces(old) == []
    assert bool(volume.traces(young)) is not bool(owner)
    assert bool(volume.traces(of_ben)) is bool(owner)


# --- a job of one's own -------------------------------------------------------------------


def test_a_custom_job_works_with_the_server(
    cli: CommandLine, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    workspace.add_volume("main.research.jobs")
    (workspace.add_volume("main.documents.handbook") / "leave.md").write_text("Leave.")
    [fence] = [fence for fence in fences("docs/own-job.md") if fence.language == "py"]
    file = tmp_path / "own_job.py"
    file.write_text(fence.text, encoding="utf-8")
    job = workspace.add_job(task=WheelTask(command=(sys.executable, str(file))))
    config = tmp_path / "research.toml"
    config.write_text('[sources.handbook]\nuri = "volume:main.documents.handbook"\n')
    done = run(
        *(cli, workspace, workspace.app, "research", "Who grants leave?"),
        MCP_JOBS_BACKEND="lakeflow",
        MCP_JOBS_VOLUME="/Volumes/main/research/jobs",
        MCP_JOBS_JOB_ID=str(job.job_id),
        MCP_JOBS_CONFIG=str(config),
    )
    assert done.code == 0, done.err
    assert "Somebody asked this." in done.out
