"""Does a look cost the same however many jobs, steps and waiters there are?

Real SQLite files and job folders, the service in this process: 30 jobs beside 10,000, a log of
10 steps beside one of 100,000, one waiter beside 500.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.models import Job, Owner, StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport, GetStatus, ListActiveJobs
from research_contract import records
from research_contract.files import encode, join_lines, write_whole
from research_contract.records import Request, Status, Step, new_job_id
from tests.benchmarks.measures import Row, in_turn

ME = Owner.local()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CALLS = 100
PART = 1_000
WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class Scene:
    """A data directory with so many ended jobs, and one running job with so many steps."""

    settings: Settings
    job: Job
    near_end: str


def scene(root: Path, *, jobs: int, steps: int) -> Scene:
    """Make the scene. The running job belongs to a profile that no runner here carries."""
    settings = Settings(data_dir=root)
    database = Database(DataPaths(root))
    try:
        job = _running_job(JobStore(database))
        _multiply(database, job, jobs - 1)
    finally:
        database.close()
    _write_log(settings.jobs_dir / job.folder, steps)
    return Scene(settings, job, _near_end(settings.jobs_dir / job.folder))


def _running_job(store: JobStore) -> Job:
    now = datetime.now(UTC)
    request = Request(job_id=new_job_id(now), question="How much?", created_at=now)
    started = store.start(request, owner=ME, options=StartOptions(), profile="nobody")
    return started.job


def _multiply(database: Database, job: Job, count: int) -> None:
    """Copy the job's row ``count`` times as ended jobs, then let the job itself run."""
    with database.write() as db:
        found = dict(db.execute("SELECT * FROM jobs WHERE id = ?", (job.id,)).fetchone())
        del found["seq"]
        columns = ", ".join(found)
        places = ", ".join(f":{name}" for name in found)
        rows = [found | _ended(number) for number in range(count)]
        db.executemany(f"INSERT INTO jobs ({columns}) VALUES ({places})", rows)  # noqa: S608
        db.execute("UPDATE jobs SET state = 'running', attempt = 1 WHERE id = ?", (job.id,))


def _ended(number: int) -> dict[str, object]:
    at = BEGIN + timedelta(minutes=number)
    job_id = new_job_id(at)
    request = Request(job_id=job_id, question=f"Question {number}?", created_at=at)
    micros = int(at.timestamp() * 1e6)
    return {
        "id": job_id,
        "request": request.model_dump_json(),
        "state": "completed",
        "outcome": "answered",
        "created_at": micros,
        "ended_at": micros + 60_000_000,
    }


def _write_log(folder: Path, steps: int) -> None:
    for first in range(1, steps + 1, PART):
        numbers = range(first, min(first + PART, steps + 1))
        part = [Step(step=n, at=BEGIN, kind="status", message=f"Step {n}.") for n in numbers]
        path = folder / records.segment_name(records.STEPS, first)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(join_lines(part))
    _write_status(folder, steps)


def _write_status(folder: Path, steps: int, *, done: int = 0) -> None:
    status = Status(
        state="researching",
        done=done,
        total=1_000_000,
        last_step=steps,
        step_part=(steps - 1) // PART * PART + 1,
        updated_at=datetime.now(UTC),
    )
    write_whole(folder / records.STATUS, encode(status))


async def flat(root: Path) -> list[Row]:
    """Return the rows: the large scene beside the small one."""
    small = scene(root / "small", jobs=30, steps=10)
    large = scene(root / "large", jobs=10_000, steps=100_000)
    async with open_jobs(small.settings) as few, open_jobs(large.settings) as many:
        rows = []
        for name, call in _calls().items():
            calls = {"large": partial(call, many, large), "small": partial(call, few, small)}
            spent = await in_turn(calls, CALLS)
            rows.append(Row(name, spent["large"].p50, spent["small"].p50, "ms", "no growth"))
        return rows + await _waiting(many, large)


Call = Callable[[Jobs, Scene], Awaitable[Any]]


def _calls() -> dict[str, Call]:
    """Return what is measured."""

    def page(jobs: Jobs, scene: Scene) -> Awaitable[Any]:
        asked = FetchReport(job_id=scene.job.id, part="steps", cursor=scene.near_end)
        return jobs.report(ME, asked)

    return {
        "get_status": lambda jobs, scene: jobs.status(ME, GetStatus(job_id=scene.job.id)),
        "get_status of the newest": lambda jobs, _: jobs.status(ME, GetStatus()),
        "get_status by the start of an id": lambda jobs, scene: jobs.status(
            ME, GetStatus(job_id=scene.job.id[9:17])
        ),
        "list_active_jobs": lambda jobs, _: jobs.list(ME, ListActiveJobs()),
        "list_active_jobs with recent": lambda jobs, _: jobs.list(
            ME, ListActiveJobs(include_recent=True)
        ),
        "page of steps": page,
    }


def _near_end(folder: Path) -> str:
    """Return the cursor of the last steps of a log."""
    last = max((folder / records.STEPS).iterdir())
    lines = last.read_bytes().splitlines(keepends=True)
    behind = max(0, len(lines) - 8)
    offset = sum(map(len, lines[:behind]))
    return f"{folder.name[-6:]}.{int(last.stem)}.{offset}.{int(last.stem) + behind}"


@dataclass(frozen=True)
class Waited:
    """What waiters cost: processor ms per second while nothing happens, the ms of another call
    meanwhile, and the ms until the middle and the last of them heard of a change."""

    idle: float
    call: float
    middle: float
    last: float


async def _waiting(jobs: Jobs, scene: Scene) -> list[Row]:
    """Compare 500 waiters with one."""
    many = await _waiters(jobs, scene, 500, done=1)
    one = await _waiters(jobs, scene, 1, done=2)
    return [
        Row("processor time of waiters, a second", many.idle, one.idle, "ms", "no growth"),
        Row("get_status while others wait", many.call, one.call, "ms", "no growth"),
        Row("a change reaches a waiter (median)", many.middle, one.middle, "ms", "one: ≤ 200 ms"),
        Row("a change reaches the last waiter", many.last, one.last, "ms"),
    ]


async def _waiters(jobs: Jobs, scene: Scene, count: int, *, done: int) -> Waited:
    folder = scene.settings.jobs_dir / scene.job.folder
    heard: list[float] = []

    async def wait() -> None:
        await jobs.status(ME, GetStatus(job_id=scene.job.id, wait_seconds=45))
        heard.append(time.perf_counter())

    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            tasks.start_soon(wait)
        await anyio.sleep(2.0)
        before = _cpu()
        await anyio.sleep(WAIT_SECONDS)
        idle = (_cpu() - before) / WAIT_SECONDS * 1000
        look = partial(jobs.status, ME, GetStatus(job_id=scene.job.id))
        call = (await in_turn({"look": look}, CALLS))["look"].p50
        changed = time.perf_counter()
        _write_status(folder, 100_000, done=done)
    delays = [(at - changed) * 1000 for at in heard]
    return Waited(idle, call, statistics.median(delays), max(delays))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
