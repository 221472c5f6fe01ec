"""Helpers for tests of the local backend, each with a data directory of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psutil

from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.models import Job, Owner, Started, StartOptions
from mcp_jobs_server.core.settings import Settings
from research_contract.files import decode, read_whole
from research_contract.records import ENDED, Depth, Ended, Request, SourceRef, new_job_id

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in_job.py")))
OWNER = Owner("test", "ada")
LONGEST = 60
"""Seconds after which a test counts as hanging. It measures nothing."""


@contextmanager
def data_directory(path: Path, **changes: float) -> Iterator[Settings]:
    """Yield settings for a data directory below ``path``; its processes end with the block."""
    settings = replace(Settings(data_dir=path / "data", stop_grace_seconds=1.0), **changes)  # type: ignore[arg-type]  # numbers of Settings only
    try:
        yield settings
    finally:
        stop_all(settings, wait_seconds=10)
        assert os_processes.data_dir_processes(settings.data_dir) == []


def request(
    question: str = "wait",
    *,
    at: datetime | None = None,
    depth: Depth = "standard",
    sources: tuple[str, ...] = (),
) -> Request:
    now = at or datetime.now(UTC)
    return Request(
        job_id=new_job_id(now),
        question=question,
        sources=tuple(SourceRef(name=name, uri=f"file:///{name}") for name in sources),
        depth=depth,
        created_at=now,
    )


async def start(runner: LocalRunner, question: str = "wait", *, key: str = "") -> Job:
    started = await start_request(runner, request(question), key=key)
    return started.job


async def start_request(runner: LocalRunner, asked: Request, *, key: str = "") -> Started:
    return await runner.start(asked, owner=OWNER, options=StartOptions(key=key))


async def until(runner: LocalRunner, job: Job, true: Callable[[Job], bool]) -> Job:
    """Wait through the port until the condition holds for the job."""
    with anyio.fail_after(LONGEST):
        async with runner.changes(job) as changes:
            while True:
                found = await runner.job(job.owner, job.id)
                assert found is not None
                if true(found):
                    return found
                await changes.wait()


async def until_ended(runner: LocalRunner, job: Job) -> Job:
    return await until(runner, job, lambda job: job.ended)


async def until_running(runner: LocalRunner, job: Job) -> Job:
    """Wait until the process of the job works."""
    return await until(
        runner, job, lambda job: job.state == "running" and lines(runner, job, "starts") != []
    )


def folder(runner: LocalRunner, job: Job) -> Path:
    return runner.data_dir / "jobs" / job.folder


def lines(runner: LocalRunner, job: Job, name: str) -> list[str]:
    """Return the lines that the stand-in job wrote to this file of its folder."""
    path = folder(runner, job) / name
    return path.read_text().split() if path.exists() else []


def let_go(runner: LocalRunner, job: Job) -> None:
    """Let the waiting stand-in job finish."""
    path = folder(runner, job)
    path.mkdir(parents=True, exist_ok=True)
    (path / "go").touch()


async def moment() -> None:
    """Give other processes some time."""
    await anyio.sleep(0.02)


def ended_file(runner: LocalRunner, job: Job) -> Ended:
    """Return ``ended.json`` of a job that failed or was cancelled; it is written after the row."""
    until = time.monotonic() + LONGEST
    while (ended := decode(Ended, read_whole(folder(runner, job) / ENDED))) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    return ended


def processes(settings: Settings) -> list[psutil.Process]:
    """Return the runner and job processes of the data directory."""
    return os_processes.data_dir_processes(settings.data_dir)


def runners(settings: Settings) -> list[psutil.Process]:
    """Return the runner processes of the data directory."""
    return [process for process in processes(settings) if not os_processes.is_job(process)]


def kill(found: list[psutil.Process]) -> None:
    """Kill the processes, at least one, and wait for their ends."""
    assert found != []
    for process in found:
        process.kill()
    psutil.wait_procs(found, timeout=LONGEST)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def child_of(runner: LocalRunner, job: Job) -> psutil.Process:
    """Return the process that the stand-in job started in a session of its own."""
    [pid] = lines(runner, job, "child")
    return psutil.Process(int(pid))
