"""Accidents of a workspace and of the clock while jobs run in it, by chance."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import Cancel, GetStatus, ListActiveJobs
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import STATUS
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    LONGEST,
    OWNER,
    Scene,
    eventually,
    scene,
    server,
    started,
    until,
    until_ended,
    until_running,
)

ROUNDS = 4
"""How often each accident happens."""

DAY = 86_400
"""Seconds: no job of a run takes so long, but a clock is set by more."""


async def on_workspace(root: Path, chance: random.Random, rounds: int = ROUNDS) -> list[str]:
    """Let each accident happen a few times; return what did not hold."""
    faults: list[str] = []
    with scene(root / "workspace", max_concurrent_runs=4) as stage:
        for _, accident in itertools.product(
            range(rounds), (stop_not_taken, rate_limited, clock_set)
        ):
            stage.workspace.faults.clear()
            with anyio.fail_after(LONGEST * 3):
                faults += [f"{accident.__name__}: {one}" for one in await accident(stage, chance)]
    return faults


async def stop_not_taken(stage: Scene, chance: random.Random) -> list[str]:
    """The workspace takes a stop only after some tries; another server repeats it."""
    faults: list[str] = []
    async with server(stage) as (runner, folders):
        job = await _working(stage, runner, "stubborn")
        kind = chance.choice(["503", "429", "500"])
        fault = stage.workspace.fail("POST", "runs/cancel", kind, times=10_000)
        answer = await service(runner, folders).cancel(OWNER, Cancel(job_id=job.id))
        if answer.state != "cancelling":
            faults.append(f"{job.id} was {answer.state} when {kind} met its stop")
    await anyio.sleep(chance.uniform(0, 0.5))
    async with server(stage) as (runner, _):
        found = await runner.job(OWNER, job.id)
        if found is None or found.state != "cancelling":
            faults.append(f"{job.id} is {found and found.state} for another server")
        fault.times = chance.randrange(3)
        ended = await until_ended(runner, job)
    if ended.state != "cancelled" or any(run.active for run in stage.runs_of(job.id)):
        faults.append(f"{job.id} is {ended.state} after its stop, or its run goes on")
    return faults


async def rate_limited(stage: Scene, chance: random.Random) -> list[str]:
    """The workspace refuses every call without saying for how long; the hint grows meanwhile."""
    faults: list[str] = []
    async with server(stage) as (runner, folders):
        job = await _working(stage, runner, "wait")
        fault = stage.workspace.fail("*", "/api/2", "429", times=10_000)
        hints: list[int] = []
        for _ in range(chance.randrange(2, 4)):
            try:
                await service(runner, folders).list(OWNER, ListActiveJobs())
                faults.append("a list was answered although every request was refused")
            except Unavailable as error:
                hints += [int(number) for number in re.findall(r"\d+", error.hint)][:1]
        if len(hints) < 2 or hints != sorted(set(hints)):
            faults.append(f"the seconds to wait do not grow: {hints}")
        fault.times = 0
        stage.let_go(job)
        ended = await until_ended(runner, job)
    return faults + _completed(ended)


async def clock_set(stage: Scene, chance: random.Random) -> list[str]:
    """The clock of a server is set while a job runs, forwards or back by days."""
    ahead = timedelta(0)
    async with server(stage, clock=lambda: datetime.now(UTC) + ahead) as (runner, folders):
        jobs = service(runner, folders, clock=lambda: datetime.now(UTC) + ahead)
        job = await _working(stage, runner, "wait")
        await jobs.status(OWNER, GetStatus(job_id=job.id, wait_seconds=0))
        ahead = chance.choice([-1, 1]) * timedelta(days=chance.uniform(2, 9))
        shown = await jobs.status(OWNER, GetStatus(job_id=job.id, wait_seconds=0))
        stage.let_go(job)
        ended = await until(runner, job, lambda found: found.ended)
    await eventually(lambda: not any(run.active for run in stage.runs_of(job.id)))
    strange = shown.state != "running" or not 0 <= shown.elapsed_seconds < DAY
    faults = [f"{job.id} is {shown.state}, for {shown.elapsed_seconds} s"] if strange else []
    return faults + _completed(ended)


def service(
    runner: Runner, folders: Folders, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Jobs:
    settings = Settings(data_dir=Path("/nowhere"))
    return Jobs(
        runner=runner, folders=folders, sources=Sources(settings), settings=settings, clock=clock
    )


async def _working(stage: Scene, runner: Runner, question: str) -> Job:
    """Start a job and wait until its program works, which would obey a stop before that."""
    job = await until_running(runner, await started(runner, question))
    await eventually((stage.folder(job) / STATUS).exists)
    return job


def _completed(job: Job) -> list[str]:
    good = (job.state, job.outcome) == ("completed", "answered")
    return [] if good else [f"{job.id} is {job.state}: {job.error}"]
