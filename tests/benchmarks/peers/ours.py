"""Measures this server's jobs with the SDK's client, the way the peers are measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from mcp import Client

from tests.benchmarks.measures import OURS, client


def connect(source: Path, env: Mapping[str, str]) -> Client:
    """Return a client that starts a server of its own."""
    return client([*OURS, "--source", f"pumps={source}"], env)


async def one_by_one(source: Path, env: Mapping[str, str], count: int) -> dict[str, float]:
    """Run jobs one after the other; return median milliseconds."""
    starts, looks, heard = [], [], []
    async with connect(source, env) as opened:
        for number in range(count):
            began = time.perf_counter()
            job = await _start(opened, number)
            starts.append(time.perf_counter() - began)
            began = time.perf_counter()
            await opened.call_tool("get_status", {"job_id": job, "wait_seconds": 0})
            looks.append(time.perf_counter() - began)
            await until_ended(opened, job)
            heard.append(time.time() - _written(env, job))
    named = {"start": starts, "status": looks, "heard": heard}
    return {name: statistics.median(taken) * 1000 for name, taken in named.items()}


async def survivors(source: Path, env: Mapping[str, str], count: int) -> int:
    """Start jobs, kill the server, start another, and count the reports it can give."""
    jobs: list[str] = []
    before = set(psutil.Process().children())
    async with connect(source, env) as opened:
        jobs += [await _start(opened, 100 + number) for number in range(count)]
        server = (set(psutil.Process().children()) - before).pop()
        server.kill()
    async with connect(source, env) as opened:
        return sum([await until_ended(opened, job) == "completed" for job in jobs])


async def _start(opened: Client, number: int) -> str:
    asked = {"question": f"How much water does pump {number} move a minute?", "again": True}
    return str(_fields(await opened.call_tool("start_research", asked))["job_id"])


async def until_ended(opened: Client, job: str) -> str:
    """Wait in get_status until the job ended, and return its state."""
    cursor, state = "", "queued"
    while state in ("queued", "running"):
        asked = {"job_id": job, "cursor": cursor, "wait_seconds": 30}
        found = _fields(await opened.call_tool("get_status", asked))
        cursor, state = str(found["cursor"]), str(found["state"])
    return state


def _fields(answer: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever the SDK returns
    return dict(answer.structured_content or {})


def _written(env: Mapping[str, str], job: str) -> float:
    [found] = Path(env["MCP_JOBS_DATA_DIR"]).glob(f"jobs/*/*/{job}/outcome.json")
    return found.stat().st_mtime
