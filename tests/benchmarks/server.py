"""Start, memory and the latency of each tool, beside a bare SDK server in the same run."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from tests.benchmarks.measures import (
    BARE,
    OURS,
    Row,
    client,
    cold_start,
    documents,
    http_command,
    in_turn,
    memory,
    served,
)

CALLS = 200
STARTS = 30
COLD_STARTS = 9


def beside_bare(root: Path) -> list[Row]:
    """Return the rows; all jobs that are started for them are ended."""
    data = {"MCP_JOBS_DATA_DIR": str(root / "data"), "MCP_JOBS_MAX_RUNNING": "1"}
    env = {**os.environ, **data}
    try:
        return anyio.run(_measure, root, env)
    finally:
        subprocess.run([*OURS[:-1], "stop"], env=env, check=True, stdout=subprocess.DEVNULL)


async def _measure(root: Path, env: Mapping[str, str]) -> list[Row]:
    source = f"pumps={documents(root)}"
    run = [*OURS, "--source", source]
    rows = await _starting(run, env)
    async with client(run, env) as ours, client(BARE, env) as bare:
        job = await _finished_job(ours)
        rows += await _each_tool("stdio", ours, bare, job)
    our_command, our_port = http_command(["--source", source])
    bare_command, bare_port = http_command(None)
    async with (
        served(our_command, env, our_port) as ours,
        served(bare_command, env, bare_port) as bare,
    ):
        return rows + await _each_tool("HTTP", ours, bare, job)


async def _starting(run: list[str], env: Mapping[str, str]) -> list[Row]:
    """Measure start and memory, the two servers in turn so that both meet the same machine."""
    ours, bare = [], []
    for _ in range(COLD_STARTS):
        ours.append(await cold_start(run, env))
        bare.append(await cold_start(BARE, env))
    spent = statistics.median(ours), statistics.median(bare)
    used = await memory(run, env, "list_active_jobs"), await memory(BARE, env, "echo")
    return [
        Row("cold start to the first reply", *spent, "ms", "≤ 1.25×"),
        Row("resident memory", *used, "MB", "≤ 1.3×"),
    ]


async def _each_tool(transport: str, ours: Client, bare: Client, job: str) -> list[Row]:
    """Measure every tool on a finished job, then starts, which leave work behind."""
    evidence = _call(ours, "fetch_report", job_id=job, part="evidence")
    calls = {
        "get_status": _call(ours, "get_status", job_id=job),
        "list_active_jobs": _call(ours, "list_active_jobs"),
        "cancel": _call(ours, "cancel", job_id=job),
        "fetch_report": _call(ours, "fetch_report", job_id=job),
        "fetch_report evidence": evidence,
    }
    rows = await _beside(transport, bare, calls, CALLS)
    rows += await _beside(transport, bare, {"start_research": _numbered_start(ours)}, STARTS)
    await _cancel_all(ours)
    return rows


_AIMS = {"get_status": "≤ 1.5×", "start_research": "≤ 10 ms more"}


async def _beside(
    transport: str, bare: Client, calls: Mapping[str, Callable[[], Awaitable[Any]]], count: int
) -> list[Row]:
    spent = await in_turn({"bare": _call(bare, "echo"), **calls}, count)
    floor = spent.pop("bare")
    rows = []
    for name, own in spent.items():
        title = f"{transport} {name}"
        rows.append(Row(f"{title} p50", own.p50, floor.p50, "ms", _AIMS.get(name, "")))
        rows.append(Row(f"{title} p99", own.p99, floor.p99, "ms"))
    return rows


def _call(opened: Client, tool: str, **arguments: object) -> Callable[[], Awaitable[Any]]:
    async def call() -> None:
        answer = await opened.call_tool(tool, arguments)
        if answer.is_error:
            raise RuntimeError(str(answer.content))

    return call


def _numbered_start(opened: Client) -> Callable[[], Awaitable[Any]]:
    """Return a call that starts another job each time."""
    numbers = iter(range(10_000))

    async def start() -> None:
        question = f"How much water does pump {next(numbers)} move?"
        await _call(opened, "start_research", question=question)()

    return start


async def _finished_job(opened: Client) -> str:
    """Run one job to its end and return its id."""
    arguments: dict[str, object] = {"question": "How much water does pump 7 move a minute?"}
    answer = await opened.call_tool("start_research", arguments)
    job = str((answer.structured_content or {})["job_id"])
    cursor = ""
    while True:
        looking = {"job_id": job, "wait_seconds": 30, "cursor": cursor}
        status = (await opened.call_tool("get_status", looking)).structured_content or {}
        if status["state"] in ("completed", "failed", "cancelled"):
            return job
        cursor = status["cursor"]


async def _cancel_all(opened: Client) -> None:
    listed = await opened.call_tool("list_active_jobs", {"limit": 100})
    for job in (listed.structured_content or {})["jobs"]:
        await opened.call_tool("cancel", {"job_id": job["job_id"]})
