"""A server as a Databricks App: callers are identified by the workspace, through the real SDK."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import anyio
import httpx2
import psutil
import pytest

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.benchmarks.bare import free_port
from tests.mcp_jobs_server.transports.apart import assert_apart, connected, offered
from tests.mcp_jobs_server.transports.serving import (
    ERAS,
    LONGEST,
    Home,
    error_of,
    fields,
    home,
    listening,
    served,
    standing_still,
    start,
    text,
    until_ended,
)

pytestmark = pytest.mark.anyio

ME = "/api/2.0/preview/scim/v2/Me"
RULES = """
[sources.shared]
uri = "documents"
audience = "users"

[sources.private]
uri = "documents"
audience = "law"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as found:
        yield found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        (tmp_path / "research.toml").write_text(RULES)
        yield found


def env(here: Home, workspace: FakeWorkspace, **more: str) -> dict[str, str]:
    return {
        "MCP_JOBS_CONFIG": str(here.root / "research.toml"),
        "DATABRICKS_APP_NAME": "mcp-research",
        "DATABRICKS_HOST": workspace.url,
        **more,
    }


def as_person(who: Identity) -> dict[str, str]:
    return {"X-Forwarded-Access-Token": who.token}


def lines(log: str) -> list[dict[str, object]]:
    """Return the lines of a log that are JSON objects."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("era", ERAS)
async def test_each_user_sees_only_their_own_jobs_whatever_headers_say(
    here: Home, workspace: FakeWorkspace, era: Literal["auto", "legacy"], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    forged = {
        "X-Forwarded-Email": workspace.ada.name,
        "X-Forwarded-User": workspace.ada.id,
        "X-Forwarded-Preferred-Username": workspace.ada.display,
        "Authorization": f"Bearer {workspace.ada.token}",
    }
    async with (
        served(here, log=log, env=env(here, workspace)) as url,
        connected(url, as_person(workspace.ada), era=era) as ana,
        connected(url, {**as_person(workspace.eve), **forged}, era=era) as eve,
    ):
        await assert_apart(ana, eve)
    assert [seen.path for seen in workspace.requests].count(ME) == 2
    said = log.read_text()
    for secret in (workspace.ada.token, workspace.eve.token, "@example", "litres", "How much"):
        assert secret not in said
    requests = [line for line in lines(said) if line["message"] == "request"]
    calls = [line for line in requests if line.get("tool") == "get_status"]
    assert {"request_id", "job_id", "status", "ms"} <= set(calls[0])
    assert any(line.get("error") == "not_found" for line in requests)


async def test_each_user_is_offered_only_their_own_sources(
    here: Home, workspace: FakeWorkspace
) -> None:
    async with (
        served(here, env=env(here, workspace)) as url,
        connected(url, as_person(workspace.ada)) as ana,
        connected(url, as_person(workspace.eve)) as eve,
    ):
        assert "private" in await offered(ana)
        assert "private" not in await offered(eve)
        for name in ("private", "unknown"):
            asked = {"question": "What is in it?", "sources": [name]}
            answer = await eve.call_tool("start_research", asked)
            assert text(answer).startswith(f"There is no source '{name}'")
            assert "private" not in text(answer).replace(f"'{name}'", "")


async def test_without_user_authorization_the_error_says_what_to_enable(
    here: Home, workspace: FakeWorkspace
) -> None:
    headers = {"X-Forwarded-Email": workspace.ada.name, "X-Forwarded-User": workspace.ada.id}
    async with served(here, env=env(here, workspace)) as url, connected(url, headers) as nobody:
        assert "shared" not in await offered(nobody)
        answer = await nobody.call_tool("list_active_jobs", {})
        assert answer.is_error
        assert "user authorization is switched off" in text(answer)
        assert error_of(answer)["kind"] == "unidentified"


async def test_an_expired_sign_in_is_reported_and_loses_nothing(
    here: Home, workspace: FakeWorkspace
) -> None:
    async with served(here, env=env(here, workspace)) as url:
        async with connected(url, as_person(workspace.ada)) as ana:
            job_id = await start(ana, sources=["shared"])
        workspace.identities.expire(workspace.ada)
        token = workspace.identities.sign_in(workspace.ada)
        workspace.identities.expire(workspace.ada)
        async with connected(url, {"X-Forwarded-Access-Token": token}) as late:
            answer = await late.call_tool("get_status", {"job_id": job_id})
            assert "Sign in again" in text(answer)
        token = workspace.identities.sign_in(workspace.ada)
        async with connected(url, {"X-Forwarded-Access-Token": token}) as ana:
            assert (await until_ended(ana, job_id))["outcome"] == "evidence"


async def test_only_listed_service_principals_may_call(
    here: Home, workspace: FakeWorkspace
) -> None:
    async with (
        served(here, env=env(here, workspace)) as url,
        connected(url, as_person(workspace.runner)) as robot,
    ):
        answer = await robot.call_tool("list_active_jobs", {})
        assert answer.is_error
        assert "MCP_JOBS_PRINCIPALS" in text(answer)
        assert workspace.runner.name not in text(answer)
    async with (
        served(here, env=env(here, workspace, MCP_JOBS_PRINCIPALS=workspace.runner.name)) as url,
        connected(url, as_person(workspace.runner)) as robot,
    ):
        assert fields(await robot.call_tool("list_active_jobs", {}))["jobs"] == []


async def test_a_page_of_another_origin_cannot_use_a_sign_in(
    here: Home, workspace: FakeWorkspace
) -> None:
    ours = {**as_person(workspace.ada), "X-Forwarded-Host": "mcp-research.databricksapps.com"}
    async with served(here, env=env(here, workspace)) as url, httpx2.AsyncClient() as client:
        for origin, status in (
            ("https://evil.example", 403),
            ("https://mcp-research.databricksapps.com", 400),
        ):
            headers = {**ours, "Origin": origin}
            answer = await client.post(f"{url}/mcp", json={}, headers=headers)
            assert answer.status_code == status


async def test_a_request_keeps_the_id_of_the_proxy(here: Home, workspace: FakeWorkspace) -> None:
    async with served(here, env=env(here, workspace)) as url, httpx2.AsyncClient() as client:
        named = await client.get(f"{url}/health", headers={"X-Request-Id": "req-1"})
        assert named.headers["X-Request-Id"] == "req-1"
        odd = await client.get(f"{url}/health", headers={"X-Request-Id": 'a" b'})
        assert odd.headers["X-Request-Id"] not in ("", 'a" b')


async def test_a_waiting_call_is_answered_before_shutdown(
    here: Home, workspace: FakeWorkspace
) -> None:
    here.write(1000)
    port = free_port()
    told = env(here, workspace, DATABRICKS_APP_PORT=str(port), MCP_JOBS_MAX_RUNNING="1")
    command = [sys.executable, "-m", "mcp_jobs_server"]  # as an app it serves HTTP at its port
    process = await anyio.open_process(command, env={**here.env, **told}, stdout=None, stderr=None)
    states: list[str] = []
    try:
        await listening(port)
        async with (
            connected(f"http://127.0.0.1:{port}", as_person(workspace.ada)) as ana,
            standing_still(here, ana, sources=["shared"]),
        ):
            job_id = await start(ana, sources=["shared"], question="Where does pump 8 stand?")
            asked_now = {"job_id": job_id, "wait_seconds": 0}
            seen = fields(await ana.call_tool("get_status", asked_now))

            async def wait() -> None:
                asked = {"job_id": job_id, "cursor": seen["cursor"], "wait_seconds": 45}
                states.append(fields(await ana.call_tool("get_status", asked))["state"])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await anyio.sleep(0.5)
                process.send_signal(signal.SIGTERM)
        with anyio.fail_after(LONGEST):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert states == ["queued"]


async def test_the_name_of_an_app_alone_opens_no_port_to_the_network(
    here: Home, workspace: FakeWorkspace
) -> None:
    port = free_port()
    told = env(here, workspace, DATABRICKS_APP_PORT=str(port))
    command = [sys.executable, "-m", "mcp_jobs_server"]
    process = await anyio.open_process(command, env={**here.env, **told}, stdout=None, stderr=None)
    try:
        await listening(port)
        listeners = [
            where.laddr.ip
            for where in psutil.Process(process.pid).net_connections("tcp")
            if where.status == psutil.CONN_LISTEN
        ]
        assert listeners == ["127.0.0.1"]
    finally:
        process.terminate()
        await process.wait()
