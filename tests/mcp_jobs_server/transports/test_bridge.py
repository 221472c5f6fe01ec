"""``serve --app``: a stdio client, the bridge, the proxy in front of an app, and the app."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from mcp_jobs_server.transports.bridge.serve import endpoint
from tests.benchmarks.bare import free_port
from tests.mcp_jobs_server.auth.local_issuer import serving
from tests.mcp_jobs_server.transports.serving import (
    ERAS,
    LONGEST,
    Home,
    fields,
    home,
    served,
    standing_still,
    start,
    until_ended,
)
from tests.repository import ROOT

pytestmark = pytest.mark.anyio

RULES = '[sources.shared]\nuri = "documents"\naudience = "*"\n'


@dataclass
class Deployment:
    """An app with its proxy and workspace."""

    here: Home
    workspace: FakeWorkspace
    url: str
    log: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of a laptop that is signed in to the workspace."""
        ours = ("MCP_JOBS", "DATABRICKS")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.here.root),
            "DATABRICKS_HOST": self.workspace.url,
            "DATABRICKS_CLIENT_ID": self.workspace.runner.client_id,
            "DATABRICKS_CLIENT_SECRET": self.workspace.runner.client_secret,
        }

    def client(self, era: Literal["auto", "legacy"] = "auto", **env: str) -> Client:
        rest = ["-m", "mcp_jobs_server", "serve", "--app", self.url]
        parameters = StdioServerParameters(
            command=sys.executable, args=rest, env={**self.env, **env}
        )
        return Client(parameters, mode=era)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        (tmp_path / "research.toml").write_text(RULES)
        yield found


@asynccontextmanager
async def deployed(here: Home) -> AsyncIterator[Deployment]:
    """Deploy an app that the laptop's identity may use."""
    with FakeWorkspace(here.root / "workspace") as workspace:
        env = {
            "MCP_JOBS_CONFIG": str(here.root / "research.toml"),
            "DATABRICKS_APP_NAME": "mcp-research",
            "DATABRICKS_HOST": workspace.url,
            "MCP_JOBS_PRINCIPALS": workspace.runner.name,
            "MCP_JOBS_MAX_RUNNING": "1",
        }
        log = here.root / "app.log"
        async with served(here, env=env, log=log) as app:
            url = workspace.add_app("mcp-research", app, workspace.runner)
            yield Deployment(here, workspace, url, log)


@pytest.mark.parametrize("era", ERAS)
async def test_tools_resources_and_progress_work_through_the_bridge(
    here: Home, era: Literal["auto", "legacy"]
) -> None:
    here.write(300)
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with deployed(here) as app, app.client(era) as client:
        tools = (await client.list_tools()).tools
        assert "shared" in next(str(t.description) for t in tools if t.name == "start_research")
        job_id = await start(client)
        asked = {"job_id": job_id, "wait_seconds": 20}
        await client.call_tool("get_status", asked, progress_callback=hear)
        assert (await until_ended(client, job_id))["outcome"] == "evidence"
        report = await client.read_resource(f"research://{job_id}/report.md")
        assert "Pump 7 moves 21 litres" in str(report.contents)
        templates = (await client.list_resource_templates()).resource_templates
        assert len(templates) == 3
        answer = await client.call_tool("get_status", {"job_id": "nothing"})
        assert answer.is_error
    assert heard


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_ends_and_others_continue(
    here: Home, era: Literal["auto", "legacy"]
) -> None:
    here.write(1000)
    async with (
        deployed(here) as app,
        app.client(era) as client,
        standing_still(here, client),
    ):
        job_id = await start(client, question="Where does pump 8 stand?")
        began = len(ended(app.log))
        with anyio.move_on_after(1) as given_up:
            await client.call_tool("get_status", {"job_id": job_id, "wait_seconds": 45})
        assert given_up.cancelled_caught
        with anyio.fail_after(20):
            while len(ended(app.log)) == began:
                await client.call_tool("list_active_jobs", {})


def ended(log: Path) -> list[object]:
    """Return the finished calls of ``get_status``."""
    said = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in said if line.get("tool") == "get_status"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HTMLResponse("<html><title>Sign in</title></html>"), "asks for a sign-in"),
        (RedirectResponse("https://login.example.com/oidc", 302), "databricks auth login"),
        (JSONResponse({"error": "invalid"}, 401), "rejects your sign-in"),
        (PlainTextResponse("Forbidden", 403), "CAN_USE"),
        (HTMLResponse("<html>App not available</html>", 503), "may be stopped or starting"),
        (HTMLResponse("<html>no app</html>", 404), "databricks apps get NAME"),
    ],
    ids=("login", "redirect", "expired", "forbidden", "stopped", "unknown"),
)
async def test_responses_of_the_proxy_are_explained(
    here: Home, answer: Response, words: str
) -> None:
    with FakeWorkspace(here.root / "workspace") as workspace, serving(answer) as url:
        app = Deployment(here, workspace, url, here.root / "app.log")
        assert words in await refused(app.client("legacy"))


async def test_a_call_works_again_after_the_problem_is_fixed(here: Home) -> None:
    async with deployed(here) as app, app.client() as client:
        rights, who = app.workspace.rights, app.workspace.runner
        rights.revoke("app mcp-research", who.name, "CAN_USE")
        with pytest.raises(MCPError, match="CAN_USE"):
            await client.call_tool("list_active_jobs", {})
        rights.grant("app mcp-research", who.name, "CAN_USE")
        assert fields(await client.call_tool("list_active_jobs", {}))["jobs"] == []


async def test_an_expired_sign_in_is_renewed(here: Home) -> None:
    async with deployed(here) as app, app.client() as client:
        assert fields(await client.call_tool("list_active_jobs", {}))["jobs"] == []
        app.workspace.identities.expire(app.workspace.runner)
        assert fields(await client.call_tool("list_active_jobs", {}))["jobs"] == []


async def refused(client: Client) -> str:
    """Return the error with which a client fails to connect."""
    with anyio.fail_after(LONGEST), pytest.raises(ExceptionGroup) as caught:
        async with client:
            pass
    [found] = leaves(caught.value)
    return str(found)


def leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for one in error.exceptions for leaf in leaves(one)]


async def test_a_personal_access_token_is_refused(here: Home) -> None:
    async with deployed(here) as app:
        none = {"DATABRICKS_CLIENT_ID": "", "DATABRICKS_CLIENT_SECRET": ""}
        words = await refused(
            app.client("legacy", DATABRICKS_TOKEN=app.workspace.ada.token, **none)
        )
        assert "no personal access tokens" in words
        assert "databricks auth login" in words


async def test_an_unreachable_app_is_reported(here: Home) -> None:
    async with deployed(here) as app:
        app.url = f"http://127.0.0.1:{free_port()}"
        assert "databricks apps start" in await refused(app.client("legacy"))


def test_a_sign_in_is_sent_to_apps_only() -> None:
    app = "mcp-research-900800700600.3.azure.databricksapps.com"
    assert endpoint(app) == endpoint(f"https://{app}/mcp/") == f"https://{app}/mcp"
    for url in (
        "http://x.databricksapps.com",
        "https://evil.example",
        "https://databricksapps.com.evil.example",
        "https://evil.example/databricksapps.com",
        "https://x.databricksapps.com@evil.example",
        "",
    ):
        with pytest.raises(InvalidArgument, match="not the address of a Databricks App"):
            endpoint(url)
