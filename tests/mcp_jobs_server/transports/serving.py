"""Runs the server as a process, with clients of both protocol generations."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import anyio
import psutil
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.protocol.tools import ERROR_META
from tests.benchmarks.bare import free_port
from tests.repository import ROOT

ERAS: tuple[Literal["auto", "legacy"], ...] = ("auto", "legacy")
ENDED = ("completed", "failed", "cancelled")
LONGEST = 120
"""Seconds after which a test counts as hanging; a safety limit, not a measurement."""


@dataclass(frozen=True)
class Home:
    """Data directory and documents of one test, and clients for servers that use them."""

    root: Path

    @property
    def documents(self) -> Path:
        return self.root / "documents"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def env(self) -> dict[str, str]:
        ours = {name: text for name, text in os.environ.items() if not name.startswith("MCP_JOBS")}
        return {**ours, "MCP_JOBS_DATA_DIR": str(self.data), "PYTHONPATH": str(ROOT)}

    @property
    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "mcp_jobs_server",
            "serve",
            "--source",
            f"pumps={self.documents}",
        ]

    def client(self, era: Literal["auto", "legacy"] = "auto") -> Client:
        """Return a stdio client that starts and stops the server."""
        head, *rest = self.command
        return Client(StdioServerParameters(command=head, args=rest, env=self.env), mode=era)

    def write(self, count: int) -> None:
        """Write ``count`` documents, one of which answers the question of the tests."""
        self.documents.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (self.documents / f"pump-{number}.md").write_text(
                f"# Pump {number}\n\nPump {number} moves {number * 3} litres of water a minute."
                f" It stands in hall {number % 9}.\n\n## Care\n\nOil pump {number} every month.\n",
                encoding="utf-8",
            )


@contextmanager
def home(root: Path, *, documents: int = 20) -> Iterator[Home]:
    """Create a home; all its processes are stopped at the end of the block."""
    found = Home(root)
    found.write(documents)
    try:
        yield found
    finally:
        stop = [sys.executable, "-m", "mcp_jobs_server", "stop"]
        subprocess.run(stop, env=found.env, check=True, stdout=subprocess.DEVNULL)
        assert os_processes.data_dir_processes(found.data) == []


def fields(answer: CallToolResult) -> Mapping[str, Any]:
    """Return the fields of a successful answer."""
    assert not answer.is_error, answer.content
    assert isinstance(answer.structured_content, dict)
    return answer.structured_content


def text(answer: CallToolResult) -> str:
    [block] = answer.content
    assert isinstance(block, TextContent)
    return block.text


def error_of(answer: CallToolResult) -> Mapping[str, Any]:
    """Return the details of an error; its content is text only."""
    assert answer.is_error
    assert answer.structured_content is None
    details = (answer.meta or {})[ERROR_META]
    assert isinstance(details, dict)
    return details


async def start(client: Client, **said: object) -> str:
    """Start a job and return its id."""
    asked = {"question": "How much water does pump 7 move a minute?", **said}
    return str(fields(await client.call_tool("start_research", asked))["job_id"])


async def until_running(client: Client, job_id: str) -> None:
    """Wait until the job has left the queue."""
    asked = {"job_id": job_id, "wait_seconds": 0.05}
    with anyio.fail_after(LONGEST):
        while fields(await client.call_tool("get_status", asked))["state"] == "queued":
            pass  # the call itself waits


async def until_ended(client: Client, job_id: str) -> Mapping[str, Any]:
    """Follow a job to its end as a model does: with the cursor, waiting in the call."""
    cursor = ""
    with anyio.fail_after(LONGEST):
        while True:
            asked = {"job_id": job_id, "cursor": cursor, "wait_seconds": 20}
            found = fields(await client.call_tool("get_status", asked))
            if found["state"] in ENDED:
                return found
            cursor = str(found["cursor"])


@asynccontextmanager
async def served(
    home: Home,
    *options: str,
    address: str = "127.0.0.1",
    port: int = 0,
    log: Path | None = None,
    sources: bool = True,
    env: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[str]:
    """Serve over HTTP and yield the URL; ``log`` receives standard error.

    ``address``: where clients connect. ``sources``: whether the documents of the home are a source
    of this server.
    """
    port = port or free_port()
    began = home.command if sources else home.command[:4]
    command = [*began, "--transport", "http", "--port", str(port), *options]
    told = log.open("wb") if log else None
    process = await anyio.open_process(command, env={**home.env, **env}, stdout=None, stderr=told)
    try:
        await listening(port, address)
        yield f"http://{f'[{address}]' if ':' in address else address}:{port}"
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.wait()
        if told:
            told.close()


async def listening(port: int, address: str = "127.0.0.1") -> None:
    """Return as soon as a process listens on the port."""
    with anyio.fail_after(LONGEST):
        while True:
            try:
                stream = await anyio.connect_tcp(address, port)
            except OSError:
                await anyio.sleep(0.05)
                continue
            await stream.aclose()
            return


@asynccontextmanager
async def standing_still(home: Home, client: Client, **said: object) -> AsyncIterator[None]:
    """Run one job that makes no progress, so that the next jobs stay queued."""
    await until_running(client, await start(client, **said))
    held = [one for one in os_processes.data_dir_processes(home.data) if os_processes.is_job(one)]
    for process in held:
        process.suspend()
    try:
        assert held
        yield
    finally:
        for process in held:
            process.resume()


def kill_tree(process: psutil.Process) -> None:
    """Kill a process and its descendants, as clients do."""
    for member in [*process.children(recursive=True), process]:
        member.kill()
