"""The number of requests to the workspace per call, which does not depend on the callers.

Requests that are made side by side take the time of one, so those made one after another count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner, LakeflowTimes
from mcp_jobs_server.core.models import Job, StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.databricks.workspace import Timeouts
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport, GetStatus, ListActiveJobs
from mcp_jobs_server.sources.registry import Sources
from mcp_jobs_server.testing.fake_workspace.http_api import one_after_another
from research_contract.records import EVIDENCE, REPORT
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    OWNER,
    Scene,
    eventually,
    server,
    started,
    until,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

USUAL = LakeflowTimes()
FRESH = 0.9


def kinds(stage: Scene, since: int) -> Counter[str]:
    """Return the number of requests since then, by method and kind of path."""
    seen = stage.workspace.requests[since:]
    return Counter(f"{one.method} {_kind(one.path)}" for one in seen)


def _kind(path: str) -> str:
    if "/fs/" not in path:
        return path.rpartition("/api/")[2]
    place, _, rest = path.partition(OWNER.folder)
    return f"{place.split('/')[4]} {rest.strip('/').split('/')[0]} {rest.rpartition('/')[2][-12:]}"


@pytest.mark.parametrize("waiters", [1, 50])
async def test_a_poll_costs_two_requests_for_any_number_of_callers(
    stage: Scene, waiters: int
) -> None:
    async with server(stage, times=USUAL, fresh_seconds=FRESH) as (runner, folders):
        jobs = Jobs(
            runner=runner,
            folders=folders,
            sources=Sources(Settings(data_dir=stage.volume)),
            settings=Settings(data_dir=stage.volume),
        )
        job = await until_running(runner, await started(runner))
        asked = GetStatus(job_id=job.id, wait_seconds=6)
        await jobs.status(OWNER, GetStatus(job_id=job.id))
        since = len(stage.workspace.requests)

        async def wait() -> None:
            await jobs.status(OWNER, asked)

        async with anyio.create_task_group() as tasks:
            for _ in range(waiters):
                tasks.start_soon(wait)
        counted = kinds(stage, since)
        polls = sum(n for kind, n in counted.items() if kind.endswith("status.json"))
        assert sum(counted.values()) <= 2 * max(1, polls), counted


async def test_a_list_costs_few_requests(stage: Scene) -> None:
    async with server(stage) as (runner, _):
        ended = [await until_ended(runner, await started(runner, "answer")) for _ in range(6)]
        active = [await until_running(runner, await started(runner)) for _ in range(3)]
    async with server(stage, times=USUAL, fresh_seconds=FRESH) as (runner, folders):
        settings = Settings(data_dir=stage.volume)
        jobs = Jobs(runner=runner, folders=folders, sources=Sources(settings), settings=settings)
        since = len(stage.workspace.requests)
        listed = await jobs.list(OWNER, ListActiveJobs())
        counted = kinds(stage, since)
        assert sum(counted.values()) <= 25, counted
        shown = {job.job_id for job in listed.jobs}
        assert {job.id for job in active} <= shown
        assert len(shown & {job.id for job in ended}) == 5


async def test_a_start_costs_few_requests(stage: Scene) -> None:
    async with server(stage, times=USUAL, fresh_seconds=FRESH) as (runner, _):
        await started(runner, "answer")
        since = len(stage.workspace.requests)
        job = await started(runner, "answer", StartOptions(key="k", fingerprint="f"))
        counted = kinds(stage, since)
        assert sum(counted.values()) <= 9, counted
        await until(runner, job, lambda job: job.ended)


async def test_calls_made_one_after_another_cost_few_requests(
    stage: Scene,
) -> None:
    """Nothing that may change is younger than it may be, as between the calls of a model."""
    apart = 3.0

    async def cost(call: Callable[[], Awaitable[object]]) -> Counter[str]:
        await anyio.sleep(apart)
        since = len(stage.workspace.requests)
        await call()
        return kinds(stage, since)

    async with server(stage, times=USUAL, fresh_seconds=FRESH) as (runner, folders):
        settings = Settings(data_dir=stage.volume)
        jobs = Jobs(runner=runner, folders=folders, sources=Sources(settings), settings=settings)
        job = await until_running(runner, await started(runner))
        await jobs.list(OWNER, ListActiveJobs())
        look = partial(jobs.status, OWNER, GetStatus(job_id=job.id, wait_seconds=0))
        for _ in range(2):
            counted = await cost(look)
            assert sum(counted.values()) <= 2, counted
        stage.let_go(job)
        await until_ended(runner, job)
        (stage.folder(job) / REPORT).write_text("# Report\n")
        (stage.folder(job) / EVIDENCE).touch()
        for _ in range(2):
            counted = await cost(look)
            assert sum(counted.values()) <= 2, counted
        fetch = partial(jobs.report, OWNER, FetchReport(job_id=job.id, part="summary"))
        await fetch()
        counted = await cost(fetch)
        assert sum(counted.values()) <= 2, counted
        show = partial(jobs.list, OWNER, ListActiveJobs())
        await show()
        counted = await cost(show)
        assert sum(counted.values()) == 1, counted


LATENCY = 0.2
"""Seconds of a request: so long that requests that are made side by side overlap."""

MOST_SIDE_BY_SIDE = 25


@asynccontextmanager
async def replica(stage: Scene) -> AsyncIterator[Jobs]:
    """Open the service of a server that has read nothing of any job yet."""
    async with server(stage, times=USUAL, fresh_seconds=FRESH, timeouts=Timeouts()) as (
        runner,
        folders,
    ):
        settings = Settings(data_dir=stage.volume)
        await runner.waiting()  # signs in
        stage.workspace.latency = LATENCY
        try:
            yield Jobs(runner=runner, folders=folders, sources=Sources(settings), settings=settings)
        finally:
            stage.workspace.latency = 0


async def steps(stage: Scene, call: Callable[[], Awaitable[object]], apart: float = 0.0) -> int:
    """Return how many requests one after another the call makes, so many seconds later."""
    await anyio.sleep(apart)
    since = len(stage.workspace.requests)
    await call()
    made = stage.workspace.requests[since:]
    assert len(made) <= MOST_SIDE_BY_SIDE, kinds(stage, since)
    return one_after_another(made)


async def written(stage: Scene, runner: LakeflowRunner) -> Job:
    """Return a completed job with all files that its report is made of."""
    job = await until_ended(runner, await started(runner, "answer"))
    (stage.folder(job) / REPORT).write_text("# Report\n\n## One\n\nText.\n")
    (stage.folder(job) / EVIDENCE).write_text("\n")
    return job


async def test_a_status_needs_two_requests_one_after_another(stage: Scene) -> None:
    stage.job.max_concurrent_runs = 1
    async with server(stage) as (runner, _):
        ended = await written(stage, runner)
        running = await until_running(runner, await started(runner))
        queued = await started(runner)
    for job in (ended, running, queued):
        async with replica(stage) as jobs:
            look = partial(jobs.status, OWNER, GetStatus(job_id=job.id, wait_seconds=0))
            needed = [await steps(stage, look, apart) for apart in (0, FRESH * 3, FRESH * 8)]
            assert max(needed) <= 2, needed
            cursor = (await look()).cursor
            asked = GetStatus(job_id=job.id, wait_seconds=0, cursor=cursor)
            assert await steps(stage, partial(jobs.status, OWNER, asked), FRESH * 3) <= 2
    async with replica(stage) as jobs:
        newest = partial(jobs.status, OWNER, GetStatus(wait_seconds=0))
        await newest()
        assert await steps(stage, newest, FRESH * 3) <= 2


@pytest.mark.parametrize("part", ["summary", "report", "evidence", "steps"])
async def test_a_report_needs_two_requests_one_after_another(stage: Scene, part: str) -> None:
    async with server(stage) as (runner, _):
        job = await written(stage, runner)
    async with replica(stage) as jobs:
        await jobs.status(OWNER, GetStatus(job_id=job.id))
        fetch = partial(jobs.report, OWNER, FetchReport(job_id=job.id, part=part))
        # The first time also writes that the report was read.
        needed = [await steps(stage, fetch, FRESH * 3) for _ in range(2)]
        assert max(needed) <= 2, needed
    async with replica(stage) as jobs:  # one that knows nothing of the job
        fetch = partial(jobs.report, OWNER, FetchReport(job_id=job.id, part=part))
        assert await steps(stage, fetch) <= 2


@pytest.mark.parametrize("recent", [False, True])
async def test_the_first_list_needs_four_requests_one_after_another_and_later_ones_one(
    stage: Scene, *, recent: bool
) -> None:
    stage.job.max_concurrent_runs = 2
    async with server(stage) as (runner, _):
        for _ in range(6):
            await written(stage, runner)
        for _ in range(2):
            await until_running(runner, await started(runner))
        await started(runner)
    async with replica(stage) as jobs:
        show = partial(jobs.list, OWNER, ListActiveJobs(include_recent=recent))
        assert await steps(stage, show) <= 4
        later = [await steps(stage, show, FRESH * 3) for _ in range(2)]
        assert later == [1, 1]
        listed = await show()
        assert {"running": 2, "queued": 1, "completed": 6}.items() <= listed.counts.items()


async def test_jobs_that_ended_unseen_are_settled_within_the_first_list(stage: Scene) -> None:
    async with server(stage) as (runner, _):
        unseen = [await started(runner, "answer") for _ in range(4)]
    await eventually(lambda: not any(run.active for run in stage.workspace.runs()))
    async with replica(stage) as jobs:
        show = partial(jobs.list, OWNER, ListActiveJobs())
        assert await steps(stage, show) <= 4
        assert {job.job_id for job in (await show()).jobs} == {job.id for job in unseen}
