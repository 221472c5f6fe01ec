"""A server as a Databricks App: the workspace is asked who is calling, through the real SDK."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import anyio
import httpx2
import pytest

from tests.benchmarks.bare import free_port
from tests.server.apart import assert_apart, connected, offered
from tests.server.local_issuer import serving
from tests.server.serving import (
    ERAS,
    LONGEST,
    Home,
    fields,
    home,
    listening,
    served,
    standing_still,
    start,
    text,
    until_ended,
)
from tests.server.tiny_workspace import CLIENT, Person, TinyWorkspace, lines

pytestmark = pytest.mark.anyio

ANA, EVE, ROBOT = "token-of-ana", "token-of-eve", "token-of-a-robot"
RULES = """
[sources.shared]
uri = "documents"
audience = "users"

[sources.private]
uri = "documents"
audience = "finance"
"""


@pytest.fixture
def workspace() -> Iterator[TinyWorkspace]:
    people = {
        ANA: Person("11", "ana@example.com", ("users", "finance")),
        EVE: Person("12", "eve@example.com"),
        ROBOT: Person("13", CLIENT),
    }
    found = TinyWorkspace(people)
    with serving(found.app) as url:
        found.url = url
        yield found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        (tmp_path / "research.toml").write_text(RULES)
        yield found


def env(here: Home, workspace: TinyWorkspace, **more: str) -> dict[str, str]:
    return {
        "MCP_JOBS_CONFIG": str(here.root / "research.toml"),
        "DATABRICKS_APP_NAME": "mcp-research",
        "DATABRICKS_HOST": workspace.url,
        **more,
    }


def as_person(token: str) -> dict[str, str]:
    return {"X-Forwarded-Access-Token": token}


@pytest.mark.parametrize("era", ERAS)
async def test_each_person_sees_own_jobs_only_and_no_header_changes_that(
    here: Home, workspace: TinyWorkspace, era: Literal["auto", "legacy"], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    forged = {
        "X-Forwarded-Email": "ana@example.com",
        "X-Forwarded-User": "11",
        "X-Forwarded-Preferred-Username": "ana@example.com",
        "Authorization": f"Bearer {ANA}",
    }
    async with (
        served(here, log=log, env=env(here, workspace)) as url,
        connected(url, as_person(ANA), era=era) as ana,
        connected(url, {**as_person(EVE), **forged}, era=era) as eve,
    ):
        await assert_apart(ana, eve)
    assert workspace.asked.count("/api/2.0/preview/scim/v2/Me") == 2
    said = log.read_text()
    for secret in (ANA, EVE, "@example.com", "litres", "How much water"):
        assert secret not in said
    requests = [line for line in lines(said) if line["message"] == "request"]
    calls = [line for line in requests if line.get("tool") == "get_status"]
    assert {"request_id", "job_id", "status", "ms"} <= set(calls[0])
    assert any(line.get("error") == "not_found" for line in requests)


async def test_each_person_is_offered_own_sources_only(
    here: Home, workspace: TinyWorkspace
) -> None:
    async with (
        served(here, env=env(here, workspace)) as url,
        connected(url, as_person(ANA)) as ana,
        connected(url, as_person(EVE)) as eve,
    ):
        assert "private" in await offered(ana)
        assert "private" not in await offered(eve)
        for name in ("private", "unknown"):
            asked = {"question": "What is in it?", "sources": [name]}
            answer = await eve.call_tool("start_research", asked)
            assert text(answer).startswith(f"There is no source '{name}'")
            assert "private" not in text(answer).replace(f"'{name}'", "")


async def test_without_user_authorization_it_is_said_what_to_switch_on(
    here: Home, workspace: TinyWorkspace
) -> None:
    headers = {"X-Forwarded-Email": "ana@example.com", "X-Forwarded-User": "11"}
    async with served(here, env=env(here, workspace)) as url, connected(url, headers) as nobody:
        assert "shared" not in await offered(nobody)
        answer = await nobody.call_tool("list_active_jobs", {})
        assert answer.is_error
        assert "user authorization is switched off" in text(answer)
        assert isinstance(answer.structured_content, dict)
        assert answer.structured_content["error"]["kind"] == "unidentified"


async def test_a_sign_in_that_expired_is_told_and_nothing_is_lost(
    here: Home, workspace: TinyWorkspace
) -> None:
    async with served(here, env=env(here, workspace)) as url:
        async with connected(url, as_person(ANA)) as ana:
            job_id = await start(ana, sources=["shared"])
        async with connected(url, as_person("an expired token")) as late:
            answer = await late.call_tool("get_status", {"job_id": job_id})
            assert "Sign in again" in text(answer)
        async with connected(url, as_person(ANA)) as ana:
            assert (await until_ended(ana, job_id))["outcome"] == "answered"


async def test_a_service_principal_may_call_only_where_it_is_listed(
    here: Home, workspace: TinyWorkspace
) -> None:
    async with (
        served(here, env=env(here, workspace)) as url,
        connected(url, as_person(ROBOT)) as robot,
    ):
        answer = await robot.call_tool("list_active_jobs", {})
        assert answer.is_error
        assert "MCP_JOBS_PRINCIPALS" in text(answer)
        assert CLIENT not in text(answer)
    async with (
        served(here, env=env(here, workspace, MCP_JOBS_PRINCIPALS=CLIENT)) as url,
        connected(url, as_person(ROBOT)) as robot,
    ):
        assert fields(await robot.call_tool("list_active_jobs", {}))["jobs"] == []


async def test_a_page_of_another_site_cannot_use_a_persons_sign_in(
    here: Home, workspace: TinyWorkspace
) -> None:
    ours = {**as_person(ANA), "X-Forwarded-Host": "mcp-research.databricksapps.com"}
    async with served(here, env=env(here, workspace)) as url, httpx2.AsyncClient() as client:
        for origin, status in (
            ("https://evil.example", 403),
            ("https://mcp-research.databricksapps.com", 400),
        ):
            headers = {**ours, "Origin": origin}
            answer = await client.post(f"{url}/mcp", json={}, headers=headers)
            assert answer.status_code == status


async def test_a_request_keeps_the_name_that_the_proxy_gave_it(
    here: Home, workspace: TinyWorkspace
) -> None:
    async with served(here, env=env(here, workspace)) as url, httpx2.AsyncClient() as client:
        named = await client.get(f"{url}/health", headers={"X-Request-Id": "req-1"})
        assert named.headers["X-Request-Id"] == "req-1"
        odd = await client.get(f"{url}/health", headers={"X-Request-Id": 'a" b'})
        assert odd.headers["X-Request-Id"] not in ("", 'a" b')


async def test_a_waiting_call_is_answered_before_the_server_ends(
    here: Home, workspace: TinyWorkspace
) -> None:
    here.write(1000)
    port = free_port()
    told = env(here, workspace, DATABRICKS_APP_PORT=str(port), MCP_JOBS_MAX_RUNNING="1")
    command = [sys.executable, "-m", "mcp_jobs_server"]  # as an app it knows the rest by itself
    process = await anyio.open_process(command, env={**here.env, **told}, stdout=None, stderr=None)
    states: list[str] = []
    try:
        await listening(port)
        async with (
            connected(f"http://127.0.0.1:{port}", as_person(ANA)) as ana,
            standing_still(here, ana, sources=["shared"]),
        ):
            job_id = await start(ana, sources=["shared"], question="Where does pump 8 stand?")
            seen = fields(await ana.call_tool("get_status", {"job_id": job_id}))

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
