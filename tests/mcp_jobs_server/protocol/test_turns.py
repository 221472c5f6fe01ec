"""How many calls a model makes that follows ``next`` from the question to the report."""

from __future__ import annotations

from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.types import Implementation

from tests.mcp_jobs_server.stage import Stage

pytestmark = pytest.mark.anyio

WORKS_SECONDS = 4.0
"""Longer than a call of an unknown client waits, shorter than one of a patient client."""


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(("client_name", "calls"), [("claude-ai", 3), ("openai-agents", 4)])
async def test_a_short_job_takes_few_calls(
    stage: Stage, client_name: str, calls: int, mode: Literal["auto", "legacy"]
) -> None:
    made: list[str] = []

    async def work(job_id: str) -> None:
        await stage.begin(job_id)
        for number in range(1, 5):  # small steps end no wait
            await stage.log(job_id, 1, first=number)
            await anyio.sleep(WORKS_SECONDS / 4)
        stage.complete(job_id)

    information = Implementation(name=client_name, version="1")
    async with (
        anyio.create_task_group() as tasks,
        Client(stage.server, client_info=information, mode=mode) as client,
    ):
        name, arguments = "start_research", {"question": "How much water does pump 7 move?"}
        while made[-1:] != ["fetch_report"]:
            answer = await client.call_tool(name, arguments)
            assert not answer.is_error
            made.append(name)
            said: dict[str, Any] = answer.structured_content or {}
            if name == "start_research":
                tasks.start_soon(work, said["job_id"])
            assert said["next"]["action"] == "call"
            name, arguments = said["next"]["tool"], said["next"]["arguments"]
    assert len(made) == calls, made
