"""The rules of a list and of a stop, over the published fakes: no process, no wait."""

from __future__ import annotations

import pytest

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.messages.arguments import Cancel, ListActiveJobs
from research_contract import records
from tests.mcp_jobs_server.jobs.asking import fetch, running, start, status
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio


async def test_a_list_shows_unfinished_jobs_then_those_that_ended_lately(stage: Stage) -> None:
    done = await running(stage)
    stage.complete(done)
    waiting = (await start(stage, "Another?")).job_id
    listed = await stage.jobs.list(ME, ListActiveJobs())
    assert [job.job_id for job in listed.jobs] == [waiting, done]
    assert listed.jobs[1].fetched is False
    assert listed.counts == {"completed": 1, "queued": 1}


async def test_what_was_fetched_comes_after_what_was_not(stage: Stage) -> None:
    ids = []
    for number in range(3):
        job_id = (await start(stage, f"Question {number}?")).job_id
        await stage.begin(job_id)
        stage.complete(job_id)
        stage.clock.pass_seconds(1)
        ids.append(job_id)
    await fetch(stage, job_id=ids[2])
    listed = await stage.jobs.list(ME, ListActiveJobs())
    assert [job.job_id for job in listed.jobs] == [ids[1], ids[0], ids[2]]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_a_list_show_each_job_once(stage: Stage, limit: int) -> None:
    for number in range(7):
        job_id = (await start(stage, f"Question {number}?")).job_id
        stage.clock.pass_seconds(1)
        if number < 4:
            await stage.begin(job_id)
            stage.complete(job_id)
    seen: list[str] = []
    cursor = ""
    while True:
        asked = ListActiveJobs(include_recent=True, limit=limit, cursor=cursor)
        listed = await stage.jobs.list(ME, asked)
        seen += [job.title for job in listed.jobs]
        if not listed.next_cursor:
            break
        cursor = listed.next_cursor
    assert seen == [f"Question {number}?" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("cursor", ["x", "e.yesterday.a", "a.../..", "e.2026-01-01.b", "a."])
async def test_a_made_up_cursor_of_a_list_is_refused(stage: Stage, cursor: str) -> None:
    with pytest.raises(InvalidArgument, match="not issued"):
        await stage.jobs.list(ME, ListActiveJobs(cursor=cursor))


async def test_cancelling_says_the_true_state(stage: Stage) -> None:
    job_id = await running(stage)
    first = await stage.jobs.cancel(ME, Cancel(job_id=job_id))
    assert (first.state, first.changed) == ("cancelling", True)
    again = await stage.jobs.cancel(ME, Cancel(job_id=job_id))
    assert (again.state, again.changed) == ("cancelling", False)
    stage.runner.obey(job_id)
    assert (await status(stage)).state == "cancelled"


async def test_cancelling_an_ended_job_is_an_answer(stage: Stage) -> None:
    job_id = await running(stage)
    stage.complete(job_id)
    answer = await stage.jobs.cancel(ME, Cancel(job_id=job_id))
    assert (answer.state, answer.changed) == ("completed", False)


async def test_stop_overrides_finish_now_and_not_the_reverse(stage: Stage) -> None:
    job_id = await running(stage)
    assert (await stage.jobs.cancel(ME, Cancel(job_id=job_id, mode="finish_now"))).changed
    assert (await stage.jobs.cancel(ME, Cancel(job_id=job_id))).changed
    back = await stage.jobs.cancel(ME, Cancel(job_id=job_id, mode="finish_now"))
    assert (back.state, back.changed) == ("cancelling", False)


async def test_cancel_needs_the_exact_id(stage: Stage) -> None:
    job_id = await running(stage)
    with pytest.raises(
        NotFound, match=f"not the whole id of a job. To stop or steer a job.*{job_id}"
    ):
        await stage.jobs.cancel(ME, Cancel(job_id=job_id[:14]))
    with pytest.raises(NotFound, match="There is no research job"):
        await stage.jobs.cancel(ME, Cancel(job_id="20991231-aaaaa"))


async def test_a_status_of_a_newer_version_fails_no_list(stage: Stage) -> None:
    ids = {await running(stage), await running(stage)}
    newer = b'{"format_version": 99}\n'
    stage.runner.write(min(ids), records.STATUS, newer)
    shown = await stage.jobs.list(ME, ListActiveJobs())
    assert {job.job_id for job in shown.jobs} == ids
