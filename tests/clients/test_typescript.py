"""The TypeScript SDK and the inspectors, on which most desktop clients are built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.clients import node
from tests.mcp_jobs_server.transports.serving import Home, home, served

pytestmark = pytest.mark.anyio

WRONG: Mapping[str, tuple[Mapping[str, str], str]] = {
    "start_research": ({"question": "Who?", "sources": '["nowhere"]'}, "nowhere"),
    "list_active_jobs": ({"limit": "-3"}, "limit"),
    "get_status": ({"job_id": "99999999-nobody"}, "99999999-nobody"),
    "cancel": ({"job_id": "99999999-nobody"}, "99999999-nobody"),
    "steer_research": ({"job_id": "99999999-nobody", "text": "drop: 1"}, "99999999-nobody"),
    "fetch_report": ({"job_id": "99999999-nobody"}, "99999999-nobody"),
    "check_citations": ({"job_id": "99999999-nobody", "text": "It is."}, "99999999-nobody"),
}
"""By tool, arguments that it refuses and what its answer names."""

PARSED: Mapping[str, Any] = {"sources": ["nowhere"], "limit": -3}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


@pytest.fixture(params=["stdio", "http"])
async def server(here: Home, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, Any]]:
    """How a client of the SDK reaches the server: by a command, or by the address of one."""
    if request.param == "http":
        async with served(here) as url:
            yield {"url": f"{url}/mcp"}
    else:
        program, *arguments = here.command
        yield {"stdio": {"command": program, "args": arguments, "env": here.env}}


async def calls(server: Mapping[str, Any], *asked: tuple[str, Mapping[str, Any]]) -> list[Any]:
    given = {**server, "calls": [{"name": name, "arguments": said} for name, said in asked]}
    seen = await anyio.to_thread.run_sync(node.run, "session.mjs", given)
    assert isinstance(seen, list)
    return seen


async def test_the_text_of_each_error_reaches_a_client(server: Mapping[str, Any]) -> None:
    asked = [
        (tool, {name: PARSED.get(name, value) for name, value in said.items()})
        for tool, (said, _) in WRONG.items()
    ]
    for (tool, _), answer in zip(asked, await calls(server, *asked), strict=True):
        assert "thrown" not in answer, (tool, answer)
        assert answer["isError"], tool
        assert WRONG[tool][1] in answer["content"][0]["text"], tool
        assert "structuredContent" not in answer, tool


async def test_each_answer_of_a_job_fits_its_schema(server: Mapping[str, Any]) -> None:
    asked = {"question": "How much water does pump 7 move a minute?"}
    cited = "Pump 7 moves 21 litres of water a minute. [1]"
    [started] = await calls(server, ("start_research", asked))
    job = {"job_id": started["structuredContent"]["job_id"]}
    *answers, refused = await calls(
        server,
        ("get_status", {**job, "wait_seconds": 45}),
        ("list_active_jobs", {"include_recent": True}),
        ("fetch_report", job),
        ("fetch_report", {**job, "part": "evidence"}),
        ("check_citations", {**job, "text": cited}),
        ("cancel", job),
        ("steer_research", {**job, "text": "drop: 1"}),
    )
    assert [answer.get("isError", False) for answer in answers] == [False] * 6, answers
    assert answers[0]["structuredContent"]["state"] == "completed"
    assert "21 litres" in answers[2]["content"][0]["text"]
    assert "thrown" not in refused


@pytest.mark.parametrize("inspector", ["inspector-1", "inspector-2"])
async def test_an_inspector_shows_the_text_of_each_error(
    server: Mapping[str, Any], inspector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool, (said, named) in WRONG.items():
        _, shown = await anyio.to_thread.run_sync(
            node.inspect, inspector, _arguments(server, inspector, monkeypatch), tool, said
        )
        assert "does not match" not in shown, tool
        assert named in shown, tool


def _arguments(
    server: Mapping[str, Any], inspector: str, monkeypatch: pytest.MonkeyPatch
) -> Sequence[str]:
    """Return how an inspector is told of the server."""
    if "url" in server:
        return [server["url"], "--transport", "http"]
    stdio = server["stdio"]
    for name, value in stdio["env"].items():
        monkeypatch.setenv(name, value)
    return [stdio["command"], *stdio["args"]]
