"""The server over streamable HTTP: a real client, a real process, both protocol generations."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import anyio
import httpx2
import pytest
from mcp import Client

from tests.mcp_jobs_server.transports.serving import (
    ERAS,
    LONGEST,
    Home,
    fields,
    home,
    served,
    start,
    text,
    until_ended,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


@pytest.mark.parametrize("era", ERAS)
async def test_a_job_from_the_question_to_the_report(
    here: Home, era: Literal["auto", "legacy"]
) -> None:
    async with served(here) as url, Client(f"{url}/mcp", mode=era) as client:
        job_id = await start(client)
        assert (await until_ended(client, job_id))["outcome"] == "evidence"
        answer = await client.call_tool("fetch_report", {"job_id": job_id})
        assert "Pump 7 moves 21 litres" in text(answer)
        assert str(here.root) not in text(answer)


async def test_any_server_on_the_same_data_serves_any_job(here: Home) -> None:
    async with served(here) as first, served(here) as second:
        async with Client(f"{first}/mcp") as client:
            job_id = await start(client)
        async with Client(f"{second}/mcp") as client:
            assert (await until_ended(client, job_id))["state"] == "completed"


async def test_paths_are_rejected_over_http(here: Home) -> None:
    async with served(here) as url, Client(f"{url}/mcp") as client:
        asked = {"question": "What is in it?", "sources": [str(here.documents)]}
        answer = await client.call_tool("start_research", asked)
        assert answer.is_error
        assert "cannot see your computer" in text(answer)
        assert "pumps" in text(answer)


async def test_progress_is_sent_while_a_call_waits(here: Home) -> None:
    here.write(300)
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with served(here) as url, Client(f"{url}/mcp") as client:
        job_id = await start(client)
        state = "queued"
        with anyio.fail_after(LONGEST):
            while state in ("queued", "running"):
                asked = {"job_id": job_id, "wait_seconds": 20}
                answer = await client.call_tool("get_status", asked, progress_callback=hear)
                state = fields(answer)["state"]
    assert heard


async def test_health_responds(here: Home) -> None:
    async with served(here) as url, httpx2.AsyncClient() as client:
        answer = await client.get(f"{url}/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_requests_from_another_origin_are_rejected(here: Home) -> None:
    async with served(here) as url, httpx2.AsyncClient() as client:
        head = {"Origin": "https://evil.example", "Accept": "application/json, text/event-stream"}
        answer = await client.post(f"{url}/mcp", json={}, headers=head)
    assert answer.status_code == 403


def test_a_public_address_is_refused_without_authentication(here: Home) -> None:
    command = [*here.command, "--transport", "http", "--host", "192.0.2.1"]
    done = subprocess.run(
        command, env=here.env, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode != 0
    assert "Use --host 127.0.0.1," in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_reported(here: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*here.command, "--transport", "http", "--port", port],
            env=here.env,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used (Address already in use)." in done.stderr
    assert "Serving" not in done.stderr
