"""Successful ways to sign in: browser, profile, Databricks command line."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.mcp_jobs_server.cli.command_line import CommandLine, Done
from tests.mcp_jobs_server.databricks.test_workspace import big_program
from tests.mcp_jobs_server.transports.serving import home, start, until_ended
from tests.mcp_jobs_server.transports.test_bridge import RULES, deployed

ADA = "ada@example.com"
VOLUME = "main.research.jobs"
PRINCIPAL = ("DATABRICKS_HOST", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")
BROWSER = Path(__file__).with_name("browser.py")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as made:
        made.add_volume(VOLUME)
        made.rights.grant(f"volume {VOLUME}", made.ada.name, "READ_VOLUME", "WRITE_VOLUME")
        yield made


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", tmp_path)


def doctor(cli: CommandLine, workspace: FakeWorkspace, **environ: str) -> Done:
    job = workspace.add_job()
    workspace.rights.grant(f"job {job.job_id}", workspace.ada.name, "CAN_MANAGE")
    return cli.run(
        *("doctor", "--json", "--without-run"),
        MCP_JOBS_BACKEND="lakeflow",
        MCP_JOBS_VOLUME=f"/Volumes/{VOLUME.replace('.', '/')}",
        MCP_JOBS_JOB_ID=str(job.job_id),
        HOME=str(cli.cwd),
        **environ,
    )


def signed_in(done: Done) -> tuple[str, str]:
    [found] = [each for each in done.json["checks"] if each["name"] == "signed in"]
    return found["state"], found["found"]


def in_browser(workspace: FakeWorkspace) -> dict[str, str]:
    return {
        "DATABRICKS_HOST": workspace.url,
        "DATABRICKS_AUTH_TYPE": "external-browser",
        "BROWSER": f"{shlex.join([sys.executable, str(BROWSER)])} %s &",
    }


def profiles(cli: CommandLine, workspace: FakeWorkspace) -> None:
    (cli.cwd / ".databrickscfg").write_text(
        f"[DEFAULT]\nhost = {workspace.url}\ntoken = {workspace.ada.token}\n\n"
        f"[app]\nhost = {workspace.url}\nclient_id = {workspace.app.client_id}\n"
        f"client_secret = {workspace.app.client_secret}\n"
    )


def test_a_browser_sign_in_happens_once(cli: CommandLine, workspace: FakeWorkspace) -> None:
    workspace.oauth.at_browser = workspace.ada
    assert signed_in(doctor(cli, workspace, **in_browser(workspace))) == ("ok", f"as {ADA}")
    workspace.oauth.at_browser = None  # the second time, nobody is asked
    assert signed_in(doctor(cli, workspace, **in_browser(workspace))) == ("ok", f"as {ADA}")


def test_an_expired_token_is_refreshed_without_a_browser(
    cli: CommandLine, workspace: FakeWorkspace
) -> None:
    workspace.oauth.at_browser = workspace.ada
    workspace.identities.token_seconds = 1
    doctor(cli, workspace, **in_browser(workspace))
    workspace.oauth.at_browser = None
    workspace.identities.token_seconds = 3600
    refreshed = workspace.oauth.refreshed
    assert signed_in(doctor(cli, workspace, **in_browser(workspace))) == ("ok", f"as {ADA}")
    assert workspace.oauth.refreshed > refreshed


def test_a_browser_without_a_session_is_reported(
    cli: CommandLine, workspace: FakeWorkspace
) -> None:
    done = doctor(cli, workspace, **in_browser(workspace))
    assert signed_in(done)[0] == "broken"
    assert workspace.url not in done.out


@pytest.mark.parametrize("profile", ["", "app"])
def test_a_profile_signs_in(cli: CommandLine, workspace: FakeWorkspace, profile: str) -> None:
    profiles(cli, workspace)
    chosen = {"DATABRICKS_CONFIG_PROFILE": profile} if profile else {}
    who = workspace.app.name if profile else ADA
    assert signed_in(doctor(cli, workspace, **chosen)) == ("ok", f"as {who}")


@pytest.mark.anyio
async def test_a_profile_signs_in_to_the_app(tmp_path: Path) -> None:
    with home(tmp_path) as here:
        (tmp_path / "research.toml").write_text(RULES)
        here.write(10)
        async with deployed(here) as app:
            ada = app.workspace.ada
            app.workspace.rights.grant("app mcp-research", ada.name, "CAN_USE")
            app.workspace.oauth.at_browser = ada
            app.workspace.identities.token_seconds = 30  # less is left than what is renewed
            (tmp_path / ".databrickscfg").write_text(
                f"[olga]\nhost = {app.workspace.url}\nauth_type = external-browser\n"
            )
            browser = in_browser(app.workspace)["BROWSER"]
            profile = dict.fromkeys(PRINCIPAL, "") | {"DATABRICKS_CONFIG_PROFILE": "olga"}
            async with app.client("auto", BROWSER=browser, **profile) as client:
                job_id = await start(client)
                app.workspace.oauth.at_browser = None
                ended = await until_ended(client, job_id)
            assert app.workspace.oauth.refreshed
    assert ended["outcome"] == "evidence"


def test_the_databricks_command_line_signs_in(cli: CommandLine, workspace: FakeWorkspace) -> None:
    """A program with the name and output of the Databricks command line, which is not installed."""
    told = {
        "access_token": workspace.identities.sign_in(workspace.ada),
        "token_type": "Bearer",
        "expiry": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    place = cli.cwd / "bin"
    big_program(place / "databricks", f"echo {shlex.quote(json.dumps(told))}; exit 0")
    done = doctor(
        cli,
        workspace,
        DATABRICKS_HOST=workspace.url,
        DATABRICKS_AUTH_TYPE="databricks-cli",
        PATH=f"{place}:/usr/bin:/bin",
    )
    assert signed_in(done) == ("ok", f"as {ADA}")
