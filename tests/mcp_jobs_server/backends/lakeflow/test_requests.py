"""The number of requests to the workspace per call, which does not depend on the callers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowTimes
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport, GetStatus, ListActiveJobs
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import EVIDENCE, REPORT
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    OWNER,
    Scene,
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
