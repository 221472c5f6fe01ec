"""``doctor`` with a workspace: its own checks, and those of a run of the job."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest

from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.probe import MAX_DURATION, Probe
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.cli.command_line import CommandLine, Done

VOLUME = "/Volumes/main/research/jobs"
APP = "mcp-research-jobs-prod"
States: TypeAlias = dict[str, tuple[str, str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as made:
        made.add_volume("main.research.jobs")
        yield made


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", tmp_path)


def configuration(tmp_path: Path, source: str = "") -> str:
    """Write a configuration and return the job parameter for it."""
    file = tmp_path / "research.toml"
    file.write_text(f'[sources.handbook]\nuri = "{source}"\n' if source else "")
    return f"--config={file}"


def doctor(
    cli: CommandLine,
    workspace: FakeWorkspace,
    job_id: int,
    *words: str,
    how: Sequence[str] = ("--json",),
) -> Done:
    return cli.run(
        "doctor",
        *how,
        *words,
        DATABRICKS_HOST=workspace.url,
        DATABRICKS_CLIENT_ID=workspace.app.client_id,
        DATABRICKS_CLIENT_SECRET=workspace.app.client_secret,
        MCP_JOBS_BACKEND="lakeflow",
        MCP_JOBS_VOLUME=VOLUME,
        MCP_JOBS_JOB_ID=str(job_id),
        HOME=str(cli.cwd),
    )


def states(done: Done) -> States:
    return {each["name"]: (each["state"], each["found"]) for each in done.json["checks"]}


def test_a_run_of_the_job_reports_what_it_can_reach(
    cli: CommandLine, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    handbook = workspace.add_volume("main.documents.handbook")
    (handbook / "leave.md").write_text("Leave is granted by the head.")
    job = workspace.add_job(configuration(tmp_path, "volume:main.documents.handbook"))
    done = doctor(cli, workspace, job.job_id)
    found = states(done)
    assert found["signed in"][0] == found["volume"][0] == "ok"
    assert found["job: volume"][0] == "ok"
    assert found["job: source handbook"][0] == "ok"
    state, said = found["cold start"]
    assert state == "ok"
    assert "s from the request to the first test" in said
    [run] = workspace.runs()
    assert run.parameters["job_folder"].startswith(f"{VOLUME}/probe/")
    assert set(run.parameters) == {"job_folder", "job_id"}
    assert list((workspace.volumes / "main/research/jobs/probe").iterdir()) == []


def test_a_source_that_the_job_cannot_read_is_broken(
    cli: CommandLine, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    job = workspace.add_job(configuration(tmp_path, "volume:main.documents.nothing"))
    done = doctor(cli, workspace, job.job_id)
    assert done.code == 1
    assert states(done)["job: source handbook"][0] == "broken"


def test_a_failed_run_is_reported_with_its_error(
    cli: CommandLine, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    job = workspace.add_job(f"--config={tmp_path / 'none.toml'}")
    state, said = states(doctor(cli, workspace, job.job_id))["run of the job"]
    assert state == "broken"
    assert said


def test_a_run_that_never_began_is_reported(cli: CommandLine, workspace: FakeWorkspace) -> None:
    job = workspace.add_job(accidents=["library error"])
    state, said = states(doctor(cli, workspace, job.job_id))["run of the job"]
    assert (state, "Library installation failed" in said) == ("broken", True)


def test_without_run_nothing_is_started(cli: CommandLine, workspace: FakeWorkspace) -> None:
    job = workspace.add_job()
    done = doctor(cli, workspace, job.job_id, "--without-run")
    assert workspace.runs() == []
    assert states(done)["job"][0] == "ok"


def test_missing_parts_are_reported(cli: CommandLine, workspace: FakeWorkspace) -> None:
    done = doctor(cli, workspace, 7, "--app", APP)
    assert done.code == 1
    assert states(done)["job"] == ("broken", "there is no job 7")
    assert states(done)["app"] == ("broken", f"there is no app {APP}")


def test_a_failed_sign_in_is_one_broken_check(cli: CommandLine, workspace: FakeWorkspace) -> None:
    job = workspace.add_job()
    done = cli.run(
        "doctor",
        "--json",
        DATABRICKS_HOST=workspace.url,
        DATABRICKS_TOKEN="dapi-wrong",
        MCP_JOBS_BACKEND="lakeflow",
        MCP_JOBS_VOLUME=VOLUME,
        MCP_JOBS_JOB_ID=str(job.job_id),
        HOME=str(cli.cwd),
    )
    state, said = states(done)["signed in"]
    assert state == "broken"
    assert "dapi-wrong" not in done.out + done.err
    assert workspace.url not in said


# --- the app ------------------------------------------------------------------------------


@contextmanager
def app_that_answers(status: int) -> Iterator[tuple[str, list[str]]]:
    """Serve an app that answers with ``status``; yield its URL and the received tokens."""
    shown: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", shown
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def deploy_app(workspace: FakeWorkspace, url: str) -> None:
    workspace.platform.apps[APP] = {
        "url": url,
        "service_principal_client_id": workspace.app.name,
        "effective_user_api_scopes": ["iam.current-user:read"],
    }


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (200, "ok", "/ready answers 200"),
        (503, "broken", "/ready answers 503"),
        (302, "broken", "login page"),
    ],
)
def test_the_readiness_of_the_app_is_checked(
    cli: CommandLine, workspace: FakeWorkspace, status: int, state: str, said: str
) -> None:
    job = workspace.add_job()
    with app_that_answers(status) as (url, shown):
        deploy_app(workspace, url)
        done = doctor(cli, workspace, job.job_id, "--app", APP, "--without-run")
    found = states(done)["app is ready"]
    assert (found[0], said in found[1]) == (state, True)
    assert len(shown) == 1
    assert shown[0].startswith("Bearer eyJ-fake-")


def test_a_personal_access_token_is_not_sent_to_the_app(
    cli: CommandLine, workspace: FakeWorkspace
) -> None:
    job = workspace.add_job()
    workspace.rights.grant(f"job {job.job_id}", workspace.ada.name, "CAN_MANAGE")
    workspace.rights.grant(
        "volume main.research.jobs", workspace.ada.name, "READ_VOLUME", "WRITE_VOLUME"
    )
    with app_that_answers(200) as (url, shown):
        deploy_app(workspace, url)
        done = cli.run(
            *("doctor", "--json", "--app", APP, "--without-run"),
            DATABRICKS_HOST=workspace.url,
            DATABRICKS_TOKEN=workspace.ada.token,
            MCP_JOBS_BACKEND="lakeflow",
            MCP_JOBS_VOLUME=VOLUME,
            MCP_JOBS_JOB_ID=str(job.job_id),
            HOME=str(cli.cwd),
        )
    assert states(done)["app is ready"][0] == "warning"
    assert shown == []


def test_nothing_is_sent_to_an_app_without_https(
    cli: CommandLine, workspace: FakeWorkspace
) -> None:
    job = workspace.add_job()
    deploy_app(workspace, "http://app.example.invalid")
    done = doctor(cli, workspace, job.job_id, "--app", APP, "--without-run")
    assert states(done)["app is ready"] == ("broken", "its address is not https")


# --- a run that does not end --------------------------------------------------------------


@pytest.mark.anyio
async def test_a_probe_that_takes_too_long_is_cancelled(
    workspace: FakeWorkspace,
) -> None:
    task = WheelTask(command=("/bin/sh", "-c", "sleep 60"))
    job = workspace.add_job(task=task)
    asked = Workspace.from_token(workspace.app.token, host=workspace.url)
    times = iter([datetime.now(UTC), datetime.now(UTC)])

    def clock() -> datetime:
        return next(times, datetime.now(UTC) + 2 * MAX_DURATION)

    probe = Probe(asked, VOLUME, job.job_id, clock=clock, every_seconds=0.05)
    [check] = await probe.checks()
    assert (check.state, "no result after" in check.found) == ("broken", True)
    [run] = workspace.runs()
    assert run.cancel is not None
