"""Servers with different limits on one data directory: each limit holds, each gets its turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    let_go,
    lines,
    runners,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def limited(settings: Settings, most: int) -> AsyncIterator[LocalRunner]:
    async with LocalRunner(
        replace(settings, max_running=most), job_command=local.STAND_IN, takeover_seconds=3600
    ) as runner:
        yield runner


async def some_looks() -> None:
    """Give runners the time in which they would begin a job."""
    for _ in range(60):
        await local.moment()


async def test_jobs_begin_in_the_order_of_their_starts_under_the_limit_of_their_own_server(
    settings: Settings,
) -> None:
    async with limited(settings, 3) as three, limited(settings, 1) as one:
        first, second = await start(three), await start(three)
        for job in (first, second):
            await until_running(three, job)
        third = await start(one)
        while len(list(DataPaths(settings.data_dir).locks.glob("runner-*.up"))) < 2:
            await local.moment()
        fourth = await start(three)
        await some_looks()
        assert [lines(one, job, "starts") for job in (third, fourth)] == [[], []]
        let_go(three, first)
        await until_ended(three, first)
        await some_looks()
        assert [lines(one, job, "starts") for job in (third, fourth)] == [[], []]
        let_go(three, second)
        await until_running(one, third)
        await until_running(three, fourth)
        assert (await until_running(one, third)).state == "running"
        for job in (third, fourth):
            let_go(one, job)
            assert (await until_ended(one, job)).state == "completed"


async def test_a_suspended_runner_is_not_waited_for(settings: Settings) -> None:
    async with limited(settings, 3) as three, limited(settings, 2) as two:
        first, blocked = await start(two), await start(two)
        for job in (first, blocked):
            await until_running(two, job)
        [suspended] = runners(settings)
        suspended.suspend()
        await start(two)
        let_go(two, first)
        let_go(two, blocked)
        assert (await until_ended(three, await start(three, "answer"))).state == "completed"
        suspended.resume()
