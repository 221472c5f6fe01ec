"""HTTP outside Databricks with static tokens: real processes and clients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx2
import pytest

from tests.mcp_jobs_server.transports.apart import assert_apart, connected, offered
from tests.mcp_jobs_server.transports.serving import ERAS, Home, home, served, text

pytestmark = pytest.mark.anyio

ANA = "ana-0123456789abcdefghij"
EVE = "eve-0123456789abcdefghij"
ENV = {"ANA_TOKEN": ANA, "EVE_TOKEN": EVE}
RULES = """
[auth.tokens]
ana = "env:ANA_TOKEN"
eve = "env:EVE_TOKEN"

[sources.shared]
uri = "documents"
audience = "*"

[sources.private]
uri = "documents"
audience = "ana"

[sources.nobodys]
uri = "documents"
"""


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        (tmp_path / "research.toml").write_text(RULES)
        yield found


def env(here: Home) -> dict[str, str]:
    return {**ENV, "MCP_JOBS_CONFIG": str(here.root / "research.toml")}


@pytest.mark.parametrize("era", ERAS)
async def test_each_user_sees_only_their_own_jobs(
    here: Home, era: Literal["auto", "legacy"], tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    async with (
        served(here, log=log, env={**env(here), "MCP_JOBS_LOG_LEVEL": "INFO"}) as url,
        connected(url, bearing(ANA), era=era) as ana,
        connected(url, {**bearing(EVE), "X-Forwarded-Email": "ana"}, era=era) as eve,
    ):
        await assert_apart(ana, eve)
    said = log.read_text()
    assert "request" in said
    assert not re.search("0123456789abcdefghij|litres", said)


async def test_each_user_is_offered_only_their_own_sources(here: Home) -> None:
    async with (
        served(here, env=env(here)) as url,
        connected(url, bearing(ANA)) as ana,
        connected(url, bearing(EVE)) as eve,
    ):
        assert "private" in await offered(ana)
        assert "private" not in await offered(eve)
        assert "nobodys" not in await offered(ana)
        for name in ("private", "nobodys", "unknown"):
            asked = {"question": "What is in it?", "sources": [name]}
            answer = await eve.call_tool("start_research", asked)
            assert answer.is_error
            assert text(answer).startswith(f"There is no source '{name}'")
        path = str(here.documents)
        answer = await eve.call_tool("start_research", {"question": "What?", "sources": [path]})
        assert "cannot see your computer" in text(answer)


async def test_requests_without_a_valid_token_are_rejected(here: Home) -> None:
    async with served(here, env=env(here)) as url, httpx2.AsyncClient() as client:
        for headers in ({}, bearing("guess"), bearing(ANA[:-1]), {"X-Forwarded-Email": "ana"}):
            answer = await client.post(f"{url}/mcp", json={}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert (await client.get(f"{url}/health")).status_code == 200
        ready = await client.get(f"{url}/ready")
        assert ready.json() == {"ready": True, "parts": {"data": "ready"}}


async def test_with_authentication_other_hosts_are_allowed(here: Home) -> None:
    async with (
        served(here, "--host", "0.0.0.0", env=env(here)) as url,  # noqa: S104 - that is the point
        connected(url, {**bearing(ANA), "Host": "research.example.com"}) as ana,
    ):
        assert "shared" in await offered(ana)
