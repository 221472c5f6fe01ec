"""Assertions for two users of one server: each cannot see the other's jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.mcp_jobs_server.transports.serving import error_of, fields, start, text, until_ended


@asynccontextmanager
async def connected(
    url: str, headers: dict[str, str], *, era: Literal["auto", "legacy"] = "auto"
) -> AsyncIterator[Client]:
    """Connect a client that sends these headers."""
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


async def offered(client: Client) -> str:
    """Return the description of ``start_research``, which names the sources."""
    tools = (await client.list_tools()).tools
    return next(tool.description or "" for tool in tools if tool.name == "start_research")


async def assert_apart(ana: Client, eve: Client) -> None:
    """Start a job as one user and look for it in every way as the other."""
    job_id = await start(ana, idempotency_key="k", sources=["shared"])
    await until_ended(ana, job_id)
    page = fields(await ana.call_tool("list_active_jobs", {"include_recent": True, "limit": 1}))
    assert [job["job_id"] for job in page["jobs"]] == [job_id]
    cursor = fields(await ana.call_tool("get_status", {"job_id": job_id}))["cursor"]
    for named in (job_id, job_id[:12], job_id[9:15]):
        for tool, more in (
            ("get_status", {"cursor": cursor}),
            ("get_status", {}),
            ("fetch_report", {"part": "evidence"}),
            ("cancel", {"mode": "stop"}),
            ("steer_research", {"text": "drop: 1"}),
            ("check_citations", {"text": "Pump 7 moves 21 litres. [1]"}),
        ):
            await _not_found(eve, tool, {"job_id": named, **more}, job_id)
        for name in ("follow_up_of", "refresh_of"):
            asked = {"question": "And then?", name: named}
            await _not_found(eve, "start_research", asked, job_id)
    await _not_found(eve, "get_status", {}, job_id)
    with pytest.raises(MCPError, match="no research job"):
        await eve.read_resource(f"research://{job_id}/report.md")
    assert fields(await eve.call_tool("list_active_jobs", {"include_recent": True}))["jobs"] == []
    other = await start(eve, idempotency_key="k", sources=["shared"])
    assert other != job_id
    assert job_id in text(await ana.call_tool("get_status", {"job_id": job_id}))
    await until_ended(eve, other)


async def _not_found(client: Client, tool: str, asked: dict[str, str], job_id: str) -> None:
    answer = await client.call_tool(tool, asked)
    assert answer.is_error, (tool, asked)
    assert error_of(answer)["kind"] == "not_found", (tool, text(answer))
    if asked.get("job_id") != job_id and job_id not in asked.values():
        assert job_id not in text(answer)
