"""Counts and removals consider all jobs, however many have no active run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.backends.lakeflow.lists import SETTLE_BATCH
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import Job
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    ANY,
    AT_ONCE,
    OWNER,
    Scene,
    eventually,
    request,
    scene,
    server,
    slow,
    started,
    until_ended,
)

PATIENT = slow(late=60)
"""Waits for the outcome of an ended run, so the job has not ended either."""


async def finishing(stage: Scene, runner: Runner, *, follow_up_of: str | None = None) -> Job:
    """Start a job that is not ended and has no active run."""
    asked = request("silent").model_copy(update={"follow_up_of": follow_up_of})
    begun = await runner.start(asked, owner=OWNER, options=ANY)
    (run,) = stage.runs_of(begun.job.id)
    await eventually(lambda: not run.active)
    return begun.job


@pytest.mark.anyio
async def test_jobs_beyond_the_first_batch_are_counted(tmp_path: Path) -> None:
    with scene(tmp_path, max_concurrent_runs=10) as stage:
        async with server(stage, times=PATIENT) as (runner, _):
            base = await until_ended(runner, await started(runner, "answer"))
            following = await finishing(stage, runner, follow_up_of=base.id)
            for _ in range(SETTLE_BATCH):
                await finishing(stage, runner)
            usage = await runner.usage(OWNER, datetime.now(UTC) - timedelta(hours=1))
            assert usage.active == SETTLE_BATCH + 1
            with pytest.raises(Conflict, match=following.id):
                await runner.remove(OWNER, base.id)


@pytest.mark.anyio
async def test_a_job_that_got_a_new_run_meanwhile_counts_once(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        stage.job.accidents.append("internal error")
        async with server(stage, times=replace(AT_ONCE, index=30)) as (runner, _):
            job = await started(runner)
            (run,) = stage.runs_of(job.id)
            await eventually(lambda: not run.active)
            counted = [dict(await runner.counts(OWNER)) for _ in range(3)]
            assert len(stage.runs_of(job.id)) == 2
            assert [sum(each.values()) for each in counted] == [1, 1, 1]
