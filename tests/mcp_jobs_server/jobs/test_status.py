"""The rules of a status, over the published fakes: no process, no wait."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from mcp_jobs_server.core.errors import NotFound
from mcp_jobs_server.messages.arguments import Cancel, FetchReport, GetStatus, ListActiveJobs
from mcp_jobs_server.messages.results import StatusResult
from research_contract.files import encode
from research_contract.records import NOT_REACHED, STATUS, Coverage, Failure, NotRead
from tests.mcp_jobs_server.jobs.asking import SOMEBODY, running, start, status
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio


async def test_without_an_id_the_newest_job_is_meant(stage: Stage) -> None:
    await start(stage, "First?")
    stage.clock.pass_seconds(1)
    second = await start(stage, "Second?")
    assert (await status(stage)).job_id == second.job_id


async def test_the_start_of_an_id_will_do(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    assert (await status(stage, job_id=job_id[:14])).job_id == job_id
    assert (await status(stage, job_id=job_id[9:15].upper())).job_id == job_id


async def test_a_start_that_fits_several_asks_for_more(stage: Stage) -> None:
    await start(stage, "First?")
    await start(stage, "Second?")
    with pytest.raises(NotFound, match="fits several jobs"):
        await status(stage, job_id="20261121")


@pytest.mark.parametrize(
    "job_id",
    [
        "../../etc/passwd",
        "a\0b",
        "%",
        "_",
        "20261121-АВСабвгдежзик",
        "20261121-aaaaaaaaaaaaa",
        "😀",
    ],
)
async def test_a_hostile_id_is_not_found_and_names_the_newest_jobs(
    stage: Stage, job_id: str
) -> None:
    known = (await start(stage)).job_id
    with pytest.raises(NotFound) as caught:
        await status(stage, job_id=job_id)
    assert known in str(caught.value)


async def test_a_job_of_another_is_not_found_anywhere(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    with pytest.raises(NotFound) as caught:
        await stage.jobs.status(SOMEBODY, GetStatus(job_id=job_id))
    assert "How much" not in str(caught.value)
    with pytest.raises(NotFound):
        await stage.jobs.cancel(SOMEBODY, Cancel(job_id=job_id))
    with pytest.raises(NotFound):
        await stage.jobs.report(SOMEBODY, FetchReport(job_id=job_id))
    assert (await stage.jobs.list(SOMEBODY, ListActiveJobs())).jobs == ()


async def test_a_cursor_gives_only_what_is_new(stage: Stage) -> None:
    job_id = await running(stage)
    await stage.log(job_id, 3)
    first = await status(stage, job_id=job_id, detail="full")
    assert [step.step for step in first.steps] == [1, 2, 3]
    assert (await status(stage, job_id=job_id, cursor=first.cursor, wait_seconds=0)).steps == ()
    await stage.log(job_id, 2, first=4)
    later = await status(stage, job_id=job_id, cursor=first.cursor, wait_seconds=0)
    assert [step.step for step in later.steps] == [4, 5]


async def test_a_brief_status_shows_the_last_steps_only(stage: Stage) -> None:
    job_id = await running(stage)
    await stage.log(job_id, 40)
    assert [step.step for step in (await status(stage)).steps] == [36, 37, 38, 39, 40]


@pytest.mark.parametrize("until_change", [False, True])
async def test_a_wait_goes_on_over_steps_unless_changes_are_wanted(
    stage: Stage, *, until_change: bool
) -> None:
    job_id = await running(stage)
    await stage.log(job_id, 1)
    seen = await status(stage)
    answers: list[StatusResult] = []

    async def wait() -> None:
        asked = GetStatus(job_id=job_id, cursor=seen.cursor, wait_seconds=45)
        answers.append(await stage.jobs.status(ME, asked, until_change=until_change))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        await stage.log(job_id, 1, first=2)
        await anyio.wait_all_tasks_blocked()
        assert bool(answers) == until_change
        stage.complete(job_id)
    assert [step.step for step in answers[0].steps] == [2]


async def test_a_wait_goes_on_while_a_job_leaves_the_queue(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    answers: list[StatusResult] = []

    async def wait() -> None:
        answers.append(await status(stage, wait_seconds=45))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        await stage.begin(job_id)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        stage.complete(job_id)
    assert answers[0].state == "completed"


async def test_waiting_ends_with_the_job(stage: Stage) -> None:
    job_id = await running(stage)
    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            assert (await status(stage, wait_seconds=45)).state == "completed"

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        stage.complete(job_id)


async def test_waiting_ends_without_a_change_when_its_time_is_over(stage: Stage) -> None:
    job_id = await running(stage)
    with anyio.fail_after(20):
        answer = await status(stage, job_id=job_id, wait_seconds=0.05)
    assert answer.state == "running"


async def test_who_watches_hears_what_happens_while_the_call_waits(stage: Stage) -> None:
    job_id = await running(stage)
    heard: list[str] = []

    async def listen(update: StatusResult) -> None:
        heard.append(update.summary)

    async with anyio.create_task_group() as tasks:
        asked = GetStatus(job_id=job_id, wait_seconds=45)
        tasks.start_soon(lambda: stage.jobs.status(ME, asked, on_change=listen))
        await anyio.wait_all_tasks_blocked()
        changed = stage.status_of("Reading handbook: 120 of 312 files.")
        stage.runner.write(job_id, "status.json", changed.model_dump_json().encode())
        await anyio.wait_all_tasks_blocked()
        stage.complete(job_id)
    assert heard[0] == "Reading handbook: 120 of 312 files."


async def test_a_failed_job_says_why_and_what_to_do(stage: Stage) -> None:
    job_id = await running(stage)
    error = Failure(code="died", message="It died.", hint="Start it again.", retryable=True)
    stage.runner.fail(job_id, error)
    answer = await status(stage)
    assert answer.error
    assert answer.error.retryable
    assert "It died. Start it again." in (answer.next.say or "")


async def test_a_completed_job_leads_to_its_evidence(stage: Stage) -> None:
    job_id = await running(stage)
    stage.complete(job_id)
    answer = await status(stage)
    assert answer.outcome == "partial"
    assert answer.next.arguments == {"job_id": job_id, "part": "evidence"}
    assert answer.coverage
    assert answer.spent.active_seconds == 3.2


@pytest.mark.parametrize("hours", [5, -5])
async def test_elapsed_time_survives_a_clock_that_is_set(stage: Stage, hours: int) -> None:
    job_id = await running(stage)
    stage.clock.pass_seconds(10)
    assert (await status(stage)).elapsed_seconds == 10
    stage.clock.now += timedelta(hours=hours)
    stage.clock.pass_seconds(20)
    [listed] = (await stage.jobs.list(ME, ListActiveJobs())).jobs
    assert (await status(stage)).elapsed_seconds == listed.elapsed_seconds == 30
    stage.complete(job_id)
    ended = (await status(stage)).elapsed_seconds
    assert 3 <= ended <= 30  # no less than it worked, no more than was seen


async def test_the_time_left_follows_the_pace_of_reading(stage: Stage) -> None:
    job_id = await running(stage)
    waiting = NotRead(reason=NOT_REACHED[1], count=300)
    reading = stage.status_of("Reading handbook: 100 of 400 files").model_copy(
        update={
            "state": "starting",
            "coverage": Coverage(found=400, read=100, not_read=(waiting,)),
        }
    )
    stage.clock.pass_seconds(50)
    stage.runner.write(job_id, STATUS, encode(reading))
    assert (await status(stage, job_id=job_id)).seconds_left == 150
    stage.runner.write(job_id, STATUS, encode(stage.status_of("Searching")))
    assert (await status(stage, job_id=job_id)).seconds_left == 50 - 20  # late by so much
    stage.complete(job_id)
    assert (await status(stage, job_id=job_id)).seconds_left is None
