"""``python -m tests.benchmarks``: measure, print the table, and write it where ``--write`` says."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
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
    latency,
    memory,
    served,
)

CALLS = 200
STARTS = 30
COLD_STARTS = 9


def main() -> int:
    """Measure everything once; exit 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="Markdown file to write the table to")
    chosen = parser.parse_args()
    with TemporaryDirectory() as directory:
        root = Path(directory)
        data = {"MCP_JOBS_DATA_DIR": str(root / "data"), "MCP_JOBS_MAX_RUNNING": "1"}
        env = {**os.environ, **data}
        try:
            rows = anyio.run(_measure, root, env)
        finally:
            subprocess.run([*OURS[:-1], "stop"], env=env, check=True, stdout=subprocess.DEVNULL)
    table = _table(rows)
    print(table)
    if chosen.write:
        chosen.write.write_text(_page(table), encoding="utf-8")
    return 0


async def _measure(root: Path, env: dict[str, str]) -> list[Row]:
    run = [*OURS, "--source", f"pumps={documents(root)}"]
    rows = await _starting(run, env)
    rows += await _over_stdio(run, env)
    return rows + await _over_http(env)


async def _starting(run: list[str], env: dict[str, str]) -> list[Row]:
    """Measure start and memory, the two servers in turn so that both meet the same machine."""
    ours, bare = [], []
    for _ in range(COLD_STARTS):
        ours.append(await cold_start(run, env))
        bare.append(await cold_start(BARE, env))
    return [
        Row(
            "cold start to the first reply",
            statistics.median(ours),
            statistics.median(bare),
            "ms",
            "≤ 1.25×",
        ),
        Row(
            "resident memory",
            await memory(run, env, "list_active_jobs"),
            await memory(BARE, env, "echo"),
            "MB",
            "≤ 1.3×",
        ),
    ]


async def _over_stdio(run: list[str], env: dict[str, str]) -> list[Row]:
    async with client(run, env) as ours, client(BARE, env) as bare:
        job = await _finished_job(ours)
        rows = await _each_tool("stdio", ours, bare, job)
        floor = await latency(_call(bare, "echo"), CALLS)
        start = await latency(_numbered_start(ours), STARTS)
        rows.append(Row("stdio start_research p50", start.p50, floor.p50, "ms", "≤ floor + 10 ms"))
        rows.append(Row("stdio start_research p99", start.p99, floor.p99, "ms"))
        await _cancel_all(ours)
    return rows


async def _over_http(env: dict[str, str]) -> list[Row]:
    our_command, our_port = http_command(bare=False)
    bare_command, bare_port = http_command(bare=True)
    async with (
        served(our_command, env, our_port) as ours,
        served(bare_command, env, bare_port) as bare,
    ):
        return await _each_tool("HTTP", ours, bare, "")


async def _each_tool(transport: str, ours: Client, bare: Client, job: str) -> list[Row]:
    floor = await latency(_call(bare, "echo"), CALLS)
    rows = []
    for tool, arguments, aim in (
        ("get_status", {"job_id": job}, "≤ 1.5×"),
        ("list_active_jobs", {}, ""),
        ("fetch_report", {"job_id": job}, ""),
        ("fetch_report", {"job_id": job, "part": "evidence"}, ""),
    ):
        name = f"{transport} {tool} {arguments.get('part', '')}".strip()
        spent = await latency(_call(ours, tool, **arguments), CALLS)
        rows.append(Row(f"{name} p50", spent.p50, floor.p50, "ms", aim))
        rows.append(Row(f"{name} p99", spent.p99, floor.p99, "ms"))
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


def _table(rows: list[Row]) -> str:
    lines = ["| measure | this server | bare SDK server | ratio | aim |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.ours:.1f} {row.unit} | {row.bare:.1f} {row.unit}"
        f" | {row.ratio:.2f}× | {row.aim} |"
        for row in rows
    ]
    return "\n".join(lines)


def _page(table: str) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        "# Benchmarks\n\nWritten by `make bench`; both servers are measured in the same run, on"
        f" Python {version} with {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}. The bare"
        " server is one SDK tool that returns its argument.\n\n" + table + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
