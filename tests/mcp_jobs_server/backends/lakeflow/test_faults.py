"""Each fault of the workspace leads to the right answer or to an error with a hint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.core.errors import JobsError, NotSignedIn, Unavailable
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.databricks.workspace import Timeouts
from research_contract.records import ENDED, FINISH_NOW, OUTCOME, STATUS, STOP
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    LONGEST,
    OWNER,
    Scene,
    server,
    started,
    until,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

KINDS = ["429", "503", "500", "401", "403", "hang", "truncated"]
HASTY = Timeouts(call=5, http=1, retry=1)
PRIVATE = ("http", "127.0.0.1", "Config:", "dapi", "625234784902960", "8f1c6a52")


@dataclass
class Bench:
    stage: Scene
    runner: LakeflowRunner
    running: Job
    ended: Job


@pytest.fixture
async def bench(stage: Scene) -> AsyncIterator[Bench]:
    """A server with one ended and one running job."""
    async with server(stage, timeouts=HASTY) as (runner, _):
        ended = await until_ended(runner, await started(runner, "answer"))
        running = await until_running(runner, await started(runner))
        yield Bench(stage, runner, running, ended)


Call = Callable[[Bench], Awaitable[object]]
CALLS: dict[str, Call] = {
    "job": lambda bench: bench.runner.job(OWNER, bench.running.id),
    "ended job": lambda bench: bench.runner.job(OWNER, bench.ended.id),
    "active": lambda bench: bench.runner.active(OWNER, limit=9),
    "ended": lambda bench: bench.runner.ended(OWNER, limit=9),
    "counts": lambda bench: bench.runner.counts(OWNER),
    "match": lambda bench: bench.runner.match(OWNER, ""),
    "stop": lambda bench: bench.runner.stop(OWNER, bench.running.id, "stop"),
    "fetched": lambda bench: bench.runner.fetched(OWNER, bench.ended.id, datetime.now(UTC)),
    "start": lambda bench: started(bench.runner),
    "remove": lambda bench: bench.runner.remove(OWNER, bench.ended.id),
}


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_meets_each_fault_with_an_answer_or_a_readable_error(
    bench: Bench, name: str
) -> None:
    for kind in KINDS:
        times = 1 if kind == "hang" else 50
        bench.stage.workspace.fail("*", "/api/2", kind, times=times, seconds=LONGEST)
        try:
            with anyio.fail_after(LONGEST):
                await CALLS[name](bench)
        except JobsError as error:
            assert error.message
            assert error.hint
            assert [text for text in PRIVATE if text in str(error)] == []
        bench.stage.workspace.faults.clear()
    # Nothing is lost: afterwards the jobs are as before, or as the call left them.
    async with server(bench.stage) as (fresh, _):
        running = await fresh.job(OWNER, bench.running.id)
        assert running is not None
        assert running.state in ("running", "cancelling", "cancelled")
        if name != "remove":
            assert await fresh.job(OWNER, bench.ended.id) is not None


async def test_an_expired_token_is_reported(stage: Scene, runner: LakeflowRunner) -> None:
    job = await started(runner, "answer")
    stage.workspace.identities.expire(stage.workspace.app)
    with pytest.raises(NotSignedIn, match="expired"):
        await runner.job(OWNER, job.id)
    async with server(stage) as (fresh, _):
        with pytest.raises(NotSignedIn):
            await fresh.job(OWNER, job.id)


async def test_one_rate_limit_response_is_waited_out(stage: Scene, runner: LakeflowRunner) -> None:
    stage.workspace.fail("PUT", "fs/files", "429", retry_after="1")
    await started(runner, "answer")
    stage.workspace.fail("PUT", "fs/files", "429", retry_after="3600", times=9)
    with pytest.raises(Unavailable, match=r"again in 36\d\d s"):
        await started(runner, "answer")


async def test_a_waiting_caller_survives_a_temporary_fault_of_the_workspace(
    bench: Bench,
) -> None:
    async with bench.runner.changes(bench.running) as changes:
        bench.stage.workspace.fail("GET", "status.json", "500", times=3)
        bench.stage.let_go(bench.running)
        with anyio.fail_after(LONGEST):
            await changes.wait()
    assert (await until_ended(bench.runner, bench.running)).state == "completed"


async def test_a_stop_is_recorded_although_the_run_cannot_be_reached(bench: Bench) -> None:
    bench.stage.workspace.fail("POST", "runs/cancel", "500", times=9)
    stopped = await bench.runner.stop(OWNER, bench.running.id, "stop")
    assert stopped is not None
    assert stopped.state == "cancelling"
    assert (bench.stage.folder(bench.running) / STOP).exists()
    assert (await until_ended(bench.runner, bench.running)).state == "cancelled"


async def test_an_end_missing_in_the_index_is_added_by_the_next_read(stage: Scene) -> None:
    async with server(stage) as (runner, _):
        job = await started(runner, "answer")
        stage.workspace.fail("PUT", r"index/.*\.ended\.", "500", times=1)
        ended = await until_ended(runner, job)
        assert ended.state == "completed"
        again = await runner.job(OWNER, job.id)
        assert again == ended
        assert [found.id for found in await runner.ended(OWNER, limit=9)] == [job.id]


# Two servers on one workspace


async def test_two_servers_answer_as_one(stage: Scene) -> None:
    async with server(stage) as (one, _), server(stage) as (other, _):
        job = await started(one)
        running = await until_running(other, job)
        assert await one.job(OWNER, job.id) == running
        asked = await other.stop(OWNER, job.id, "finish_now")
        assert asked is not None
        seen = await one.job(OWNER, job.id)
        assert seen is not None
        assert seen.requested == "finish_now" or seen.ended
        ended = await until_ended(one, job)
        assert (ended.state, ended.outcome) == ("completed", "partial")
        assert await other.job(OWNER, job.id) == ended
        await other.fetched(OWNER, job.id, datetime.now(UTC).replace(microsecond=0))
        assert (await one.job(OWNER, job.id)) == (await other.job(OWNER, job.id))
        assert (await one.counts(OWNER)) == (await other.counts(OWNER))


async def test_alternating_servers_end_a_job_once(stage: Scene) -> None:
    async with server(stage) as (one, _), server(stage) as (other, _):
        job = await until_running(one, await started(one, "wait"))
        assert (stage.folder(job) / STATUS).exists() or job.attempt
        stage.let_go(job)

        def gone(_: Job) -> bool:
            return (stage.folder(job) / OUTCOME).exists()

        await until(one, job, gone)
        found = [await (one if turn % 2 else other).job(OWNER, job.id) for turn in range(6)]
        assert {seen.state for seen in found if seen} <= {"running", "completed"}
        await until_ended(other, job)
    assert not (stage.folder(job) / ENDED).exists()
    assert not (stage.folder(job) / FINISH_NOW).exists()
