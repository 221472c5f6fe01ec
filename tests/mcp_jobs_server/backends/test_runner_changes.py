"""Every runner keeps the contract of the port: changes wake waiting callers."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import TaskStatus

from tests.mcp_jobs_server.backends.bench import ADA, Bench, look, start
from tests.mcp_jobs_server.backends.local import data_directory as local

pytestmark = pytest.mark.anyio


async def test_a_subscriber_misses_no_change(bench: Bench) -> None:
    job = await start(bench)
    async with bench.runner.changes(job) as changes:
        await bench.run(job)
        with anyio.fail_after(local.LONGEST):
            await changes.wait()
    async with bench.runner.changes(job) as changes:
        await bench.progress(job)
        with anyio.fail_after(local.LONGEST):
            await changes.wait()
    async with bench.runner.changes(job) as changes:
        await bench.complete(job)
        with anyio.fail_after(local.LONGEST):
            while not (await look(bench, job)).ended:
                await changes.wait()


async def test_all_subscribers_are_woken_and_one_may_leave(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    job = await start(bench)
    told = []

    async def wait(*, task_status: TaskStatus[anyio.CancelScope]) -> None:
        with anyio.CancelScope() as scope:
            async with bench.runner.changes(job) as changes:
                task_status.started(scope)
                await changes.wait()
                told.append(scope)

    with anyio.fail_after(local.LONGEST):
        async with anyio.create_task_group() as waiting:
            gone = await waiting.start(wait)
            staying = [await waiting.start(wait) for _ in range(2)]
            gone.cancel()
            await bench.runner.stop(ADA, job.id, "stop")
    assert set(told) == set(staying)
