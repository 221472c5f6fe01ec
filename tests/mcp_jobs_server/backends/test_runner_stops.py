"""Every runner keeps the contract of the port: stops and removals."""

from __future__ import annotations

import pytest

from mcp_jobs_server.core.errors import Conflict
from research_contract.records import ENDED, REQUEST
from tests.mcp_jobs_server.backends.bench import ADA, Bench, done, look, start
from tests.mcp_jobs_server.backends.local import data_directory as local

pytestmark = pytest.mark.anyio


async def test_a_queued_job_that_is_stopped_is_cancelled_at_once(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    queued = await start(bench)
    answer = await bench.runner.stop(ADA, queued.id, "stop")
    assert answer is not None
    assert (answer.state, answer.requested, answer.attempt) == ("cancelled", "stop", 0)
    assert answer.ended_at is not None
    assert await bench.folders.read(queued.folder, ENDED) is not None


async def test_a_stopped_running_job_is_cancelling_until_it_has_ended(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    answer = await bench.runner.stop(ADA, job.id, "stop")
    assert answer is not None
    assert (answer.state, answer.requested) == ("cancelling", "stop")
    await bench.gone(job)
    cancelled = await look(bench, job)
    assert (cancelled.state, cancelled.error) == ("cancelled", None)
    again = await bench.runner.stop(ADA, job.id, "stop")
    assert again == cancelled


async def test_a_stop_overrides_finish_now_and_never_the_reverse(bench: Bench) -> None:
    running = await start(bench, local.request("stubborn"))
    await bench.run(running)
    for mode, state in (("finish_now", "running"), ("stop", "cancelling")):
        answer = await bench.runner.stop(ADA, running.id, mode)  # type: ignore[arg-type]  # of a tuple
        assert answer is not None
        assert (answer.requested, answer.state) == (mode, state)
    late = await bench.runner.stop(ADA, running.id, "finish_now")
    assert late is not None
    assert (late.requested, late.state) == ("stop", "cancelling")


async def test_a_job_asked_to_finish_now_completes_partially(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    await bench.runner.stop(ADA, job.id, "finish_now")
    await bench.complete(job)
    completed = await look(bench, job)
    assert (completed.state, completed.outcome) == ("completed", "partial")


async def test_an_ended_job_is_not_changed_by_a_stop(bench: Bench) -> None:
    job = await done(bench)
    assert await bench.runner.stop(ADA, job.id, "stop") == job


async def test_only_an_ended_job_can_be_removed_with_its_folder(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    with pytest.raises(Conflict, match="not ended"):
        await bench.runner.remove(ADA, job.id)
    await bench.complete(job)
    assert await bench.runner.remove(ADA, job.id)
    assert await bench.runner.job(ADA, job.id) is None
    assert await bench.folders.read(job.folder, REQUEST) is None
    assert not await bench.runner.remove(ADA, job.id)


@pytest.mark.parametrize("how", ["follow_up_of", "refresh_of"])
async def test_a_job_with_an_unended_dependent_is_not_removed(bench: Bench, how: str) -> None:
    job = await done(bench)
    following = await start(bench, local.request().model_copy(update={how: job.id}))
    await bench.run(following)
    with pytest.raises(Conflict, match=following.id):
        await bench.runner.remove(ADA, job.id)
    assert await bench.runner.job(ADA, job.id) is not None
    assert await bench.folders.read(job.folder, REQUEST) is not None
    await bench.complete(following)
    assert await bench.runner.remove(ADA, job.id)
