"""The server over stdio: real clients, processes and jobs, both protocol generations."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import anyio
import psutil
import pytest

from tests.mcp_jobs_server.transports.serving import (
    ERAS,
    LONGEST,
    Home,
    fields,
    home,
    kill_tree,
    start,
    text,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


@pytest.mark.parametrize("era", ERAS)
async def test_a_job_from_the_question_to_the_report(
    here: Home, era: Literal["auto", "legacy"]
) -> None:
    async with here.client(era) as client:
        job_id = await start(client)
        ended = await until_ended(client, job_id)
        assert (ended["state"], ended["outcome"]) == ("completed", "evidence")
        summary = text(await client.call_tool("fetch_report", {}))
        assert "Pump 7 moves 21 litres of water a minute." in summary
        evidence = fields(await client.call_tool("fetch_report", {"part": "evidence"}))
        assert "[1]" in evidence["content"]
        links = {
            link["name"]: link["uri"]
            for link in fields(await client.call_tool("fetch_report", {"part": "report"}))["links"]
        }
        [page] = (await client.read_resource(links["report.md"])).contents
        assert "21 litres" in page.model_dump()["text"]
    check = [sys.executable, "-m", "researcher_job", "verify", str(Path(links["open"]).parent)]
    assert (await anyio.run_process(check, check=False)).returncode == 0


async def test_steps_and_progress_arrive_while_the_job_runs(here: Home) -> None:
    here.write(300)
    heard: list[float] = []
    calls = 0

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(calls * 1000 + progress)
        assert total == 1
        assert message

    async with here.client() as client:
        job_id = await start(client)
        seen: list[int] = []
        cursor, state = "", "queued"
        with anyio.fail_after(LONGEST):
            while state in ("queued", "running"):
                asked = {"job_id": job_id, "cursor": cursor, "wait_seconds": 20, "detail": "full"}
                answer = await client.call_tool("get_status", asked, progress_callback=hear)
                calls += 1
                found = fields(answer)
                seen += [step["step"] for step in found["steps"]]
                cursor, state = found["cursor"], found["state"]
        if found["more_steps"]:
            asked = {"job_id": job_id, "cursor": cursor, "detail": "full"}
            seen += [
                step["step"]
                for step in fields(await client.call_tool("get_status", asked))["steps"]
            ]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 4
    assert heard
    assert heard == sorted(set(heard))  # within a call progress only ever grows


async def test_cancelling_stops_the_job(here: Home) -> None:
    here.write(3000)
    async with here.client() as client:
        job_id = await start(client)
        await until_running(client, job_id)
        cancelled = fields(await client.call_tool("cancel", {"job_id": job_id}))
        assert cancelled["state"] in ("cancelling", "cancelled")
        assert (await until_ended(client, job_id))["state"] == "cancelled"


async def test_a_job_survives_killing_the_process_tree_of_the_server(here: Home) -> None:
    here.write(1000)
    server = _Raw(here)
    server.call(INITIALIZE)
    server.send(INITIALIZED)
    began = server.call(_tool("start_research", question="How much water does pump 7 move?"))
    kill_tree(psutil.Process(server.process.pid))
    server.close()
    async with here.client() as client:
        job_id = began["result"]["structuredContent"]["job_id"]
        assert (await until_ended(client, job_id))["outcome"] == "evidence"


async def test_a_client_that_drops_every_call_loses_nothing(here: Home) -> None:
    async with here.client() as client:
        for _ in range(5):
            with anyio.move_on_after(0.05):
                asked = {"question": "Where does pump 7 stand?", "idempotency_key": "dropped"}
                await client.call_tool("start_research", asked)
        for _ in range(5):
            with anyio.move_on_after(0.05):
                await client.call_tool("get_status", {"wait_seconds": 45})
        job_id = await start(client, question="Where does pump 7 stand?", idempotency_key="dropped")
        assert (await until_ended(client, job_id))["state"] == "completed"
        listed = fields(await client.call_tool("list_active_jobs", {"include_recent": True}))
    assert len(listed["jobs"]) == 1


async def test_fifty_starts_with_one_key_on_two_servers_create_one_job(here: Home) -> None:
    ids: set[str] = set()
    async with here.client() as one, here.client() as other, anyio.create_task_group() as tasks:

        async def begin(number: int) -> None:
            ids.add(await start((one, other)[number % 2], idempotency_key="same"))

        for number in range(50):
            tasks.start_soon(begin, number)
    assert len(ids) == 1


async def test_a_new_source_can_be_searched_immediately(here: Home) -> None:
    fans = here.root / "fans"
    fans.mkdir()
    (fans / "fan.md").write_text("# Fan\n\nThe fan turns 900 times a minute.\n")
    async with here.client() as client:
        asked = {"question": "How often does the fan turn?", "sources": ["fans"]}
        refused = await client.call_tool("start_research", asked)
        assert refused.is_error
        add = [sys.executable, "-m", "mcp_jobs_server", "sources", "add", "fans", str(fans)]
        await anyio.run_process(add, env=here.env)
        tools = (await client.list_tools()).tools
        assert any("fans" in (tool.description or "") for tool in tools)
        job_id = await start(client, **asked)
        assert "900 times" in (await until_ended(client, job_id))["summary"]


def _tool(tool: str, **arguments: object) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}


class _Raw:
    """A server process without a client library, to check every byte and the exit code."""

    def __init__(self, here: Home, **env: str) -> None:
        self.process = subprocess.Popen(
            here.command,
            env={**here.env, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdout
        self.send(message)
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> tuple[bytes, bytes]:
        """Disconnect as a client does; return the remaining output of both streams."""
        return self.process.communicate(timeout=LONGEST)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_exits_cleanly_on_a_signal_during_a_call(here: Home, number: int) -> None:
    server = _Raw(here)
    server.call(INITIALIZE)
    server.send(INITIALIZED)
    server.send(_tool("get_status", wait_seconds=45))
    server.process.send_signal(number)
    assert server.process.wait(LONGEST) == 0
    server.close()


def test_the_server_exits_cleanly_when_its_client_disconnects(here: Home) -> None:
    server = _Raw(here)
    server.call(INITIALIZE)
    left, _ = server.close()
    assert (server.process.returncode, left) == (0, b"")


NOISE = """
import atexit, os, sys, threading, time

class Noise:
    # A library that prints in every possible way as soon as the server loads it.
    def find_spec(self, name, path=None, target=None):
        if name == "mcp":
            sys.meta_path.remove(self)
            print("printed while importing")
            threading.Thread(target=self.go_on, daemon=True).start()
            atexit.register(print, "printed at exit")

    def go_on(self):
        while True:
            print("printed later")
            os.write(1, b"written to the descriptor\\n")
            os.system("echo from a child")
            time.sleep(0.01)

sys.meta_path.insert(0, Noise())
"""


def test_only_protocol_messages_reach_standard_output(here: Home) -> None:
    noisy = here.root / "noisy"
    noisy.mkdir()
    (noisy / "sitecustomize.py").write_text(NOISE)
    server = _Raw(here, PYTHONPATH=f"{noisy}:{here.env['PYTHONPATH']}")
    assert server.call(INITIALIZE)["id"] == 1
    server.send(INITIALIZED)
    assert [server.call(_tool("list_active_jobs"))["id"] for _ in range(20)] == [2] * 20
    left, noise = server.close()
    assert left == b""
    for said in (b"while importing", b"later", b"descriptor", b"from a child", b"at exit"):
        assert said in noise
