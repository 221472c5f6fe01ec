"""What one owner may start: refused in words, and never in the way of a repeated call."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_jobs_server.core.errors import QuotaReached
from mcp_jobs_server.core.models import Owner, Usage
from mcp_jobs_server.core.settings import Quotas
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import StartResearch
from mcp_jobs_server.messages.results import StartResult
from mcp_jobs_server.testing.memory import MemoryRunner
from research_contract.records import Outcome, Spent
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio

EVE = Owner("test", "eve")


class Unhurried(MemoryRunner):
    """A runner that takes a moment to answer, in which others call."""

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        used = await super().usage(owner, since)
        await anyio.lowlevel.checkpoint()
        return used


def limited(root: Path, quotas: Quotas, runner: MemoryRunner | None = None) -> Stage:
    stage = Stage(root)
    stage.runner = runner or stage.runner
    stage.jobs = Jobs(
        runner=stage.runner,
        folders=stage.folders,
        sources=stage.jobs.sources,
        settings=replace(stage.settings, quotas=quotas),
        clock=stage.clock,
    )
    return stage


async def ask(stage: Stage, question: str, *, owner: Owner = ME, key: str = "") -> StartResult:
    asked = StartResearch(question=question, idempotency_key=key)
    return await stage.jobs.start(owner, asked)


async def test_so_many_unended_jobs_and_no_more(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(active=2))
    first = await ask(stage, "One?")
    await ask(stage, "Two?")
    with pytest.raises(QuotaReached, match=r"2 unfinished jobs; 2 are allowed.*when one has ended"):
        await ask(stage, "Three?")
    await ask(stage, "Three?", owner=EVE)
    stage.runner.begin(first.job_id)
    stage.runner.complete(first.job_id)
    assert (await ask(stage, "Three?")).created


async def test_a_repeated_call_is_answered_at_the_quota(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(active=1))
    first = await ask(stage, "One?", key="k")
    again = await ask(stage, "One?", key="k")
    assert (again.job_id, again.created) == (first.job_id, False)
    assert (await ask(stage, "One?")).job_id == first.job_id
    with pytest.raises(QuotaReached):
        await ask(stage, "Two?", key="other")


async def test_starts_of_a_day_and_when_the_next_may_be(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(starts_a_day=2))
    for question in ("One?", "Two?"):
        job = await ask(stage, question)
        stage.runner.begin(job.job_id)
        stage.runner.complete(job.job_id)
        stage.clock.pass_seconds(3600)
    with pytest.raises(QuotaReached, match=r"Try again after 2026-11-22T09:00:00Z"):
        await ask(stage, "Three?")
    stage.clock.pass_seconds(22 * 3600 + 1)
    assert (await ask(stage, "Three?")).created


async def test_cost_of_a_day(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(cost_a_day=1.5))
    job = await ask(stage, "One?")
    stage.runner.begin(job.job_id)
    spent = Spent(cost_usd=1.5)
    stage.runner.complete(
        job.job_id, Outcome(outcome="answered", spent=spent, ended_at=stage.clock())
    )
    with pytest.raises(QuotaReached, match=r"cost \$1\.50 in 24 hours; \$1\.5 are allowed"):
        await ask(stage, "Two?")
    assert (await ask(stage, "Two?", owner=EVE)).created


async def test_the_queue_of_all_is_bounded(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(queued=1))
    first = await ask(stage, "One?", owner=EVE)
    with pytest.raises(QuotaReached, match="are already waiting"):
        await ask(stage, "Two?")
    stage.runner.begin(first.job_id)
    assert (await ask(stage, "Two?")).created


async def test_calls_at_the_same_moment_do_not_all_find_the_last_place(tmp_path: Path) -> None:
    stage = limited(tmp_path, Quotas(active=3), Unhurried())
    refused: list[str] = []

    async def one(number: int) -> None:
        try:
            await ask(stage, f"Question number {number}?")
        except QuotaReached as error:
            refused.append(error.message)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(one, number)
    assert len(refused) == 7
