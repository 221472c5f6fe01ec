"""What is measured, and how a row of the table comes about."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import psutil
from mcp import Client, StdioServerParameters

from tests.benchmarks.bare import free_port

OURS = [sys.executable, "-m", "mcp_jobs_server", "serve"]
BARE = [sys.executable, "-m", "tests.benchmarks.bare"]


@dataclass(frozen=True)
class Row:
    """One line of the table: a measure of ours beside the bare server's, and the aim."""

    name: str
    ours: float
    bare: float
    unit: str
    aim: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


@dataclass(frozen=True)
class Latency:
    """Milliseconds of many like calls."""

    p50: float
    p99: float


def client(command: Sequence[str], env: Mapping[str, str]) -> Client:
    """Return a real stdio client of a server that it starts itself."""
    head, *rest = command
    return Client(StdioServerParameters(command=head, args=rest, env=dict(env)))


async def cold_start(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return milliseconds from the start of the process to its first list of tools."""
    began = time.perf_counter()
    async with client(command, env) as opened:
        await opened.list_tools()
        return (time.perf_counter() - began) * 1000


async def memory(command: Sequence[str], env: Mapping[str, str], call: str) -> float:
    """Return megabytes resident in a server after its first call of a tool."""
    before = set(psutil.Process().children())
    async with client(command, env) as opened:
        await opened.call_tool(call, {})
        server = (set(psutil.Process().children()) - before).pop()
        return float(server.memory_info().rss) / 1e6


async def in_turn(
    calls: Mapping[str, Callable[[], Awaitable[Any]]], count: int
) -> dict[str, Latency]:
    """Make each call ``count`` times, one after the other, so that all meet the same machine."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(count):
        for name, call in calls.items():
            began = time.perf_counter()
            await call()
            spent[name].append((time.perf_counter() - began) * 1000)
    return {name: _latency(taken) for name, taken in spent.items()}


def _latency(spent: Sequence[float]) -> Latency:
    return Latency(p50=statistics.median(spent), p99=statistics.quantiles(spent, n=100)[98])


@asynccontextmanager
async def served(
    command: Sequence[str], env: Mapping[str, str], port: int
) -> AsyncIterator[Client]:
    """Run a server over HTTP and yield a client of it."""
    process = await anyio.open_process(list(command), env=dict(env), stderr=None)
    try:
        await _listening(port)
        async with Client(f"http://127.0.0.1:{port}/mcp") as opened:
            yield opened
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    with anyio.fail_after(30):
        while True:
            try:
                stream = await anyio.connect_tcp("127.0.0.1", port)
            except OSError:
                await anyio.sleep(0.05)
                continue
            await stream.aclose()
            return


def http_command(extra: Sequence[str] | None) -> tuple[list[str], int]:
    """Return the command of our server over HTTP (``None``: of the bare one) and its port."""
    port = free_port()
    if extra is None:
        return [*BARE, str(port)], port
    return [*OURS, "--transport", "http", "--port", str(port), *extra], port


def documents(root: Path, count: int = 20) -> Path:
    """Make a folder of small documents for the jobs that the benchmark starts."""
    folder = root / "documents"
    folder.mkdir(parents=True)
    for number in range(count):
        text = f"# Pump {number}\n\nPump {number} moves {number * 3} litres of water a minute.\n"
        (folder / f"pump-{number}.md").write_text(text, encoding="utf-8")
    return folder
