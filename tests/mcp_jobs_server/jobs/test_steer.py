"""The rules of steering, over the published fakes: what is passed on, and what is answered."""

from __future__ import annotations

import pytest

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.jobs.steering import steering_of
from mcp_jobs_server.messages.arguments import Cancel, SteerResearch
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import SteerResult
from research_contract.files import decode, encode
from research_contract.records import STEERING
from research_contract.steering import Receipt, Receipts, Steering, steering_name
from tests.mcp_jobs_server.jobs.asking import SOMEBODY, fetch, running, start
from tests.mcp_jobs_server.stage import BEGIN, ME, Stage

pytestmark = pytest.mark.anyio


async def steer(stage: Stage, job_id: str, text: str) -> SteerResult:
    asked = parse_arguments(SteerResearch, {"job_id": job_id, "text": text})
    return await stage.jobs.steer(ME, asked)


async def passed_on(stage: Stage, job_id: str, number: int) -> Steering | None:
    job = await stage.runner.job(ME, job_id)
    assert job
    found = await stage.folders.read(job.folder, steering_name(number))
    return decode(Steering, found.data if found else None)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("add: Who sells\n it", "add", "Who sells it"),
        ("ADD:Who sells it?", "add", "Who sells it?"),
        ("Who sells it?", "add", "Who sells it?"),
        ("谁卖它？", "add", "谁卖它？"),
        ("drop: 2", "drop", "2"),
        ("Drop : How much water?", "drop", "How much water?"),
        ("Prefer newer papers", "instruction", "Prefer newer papers"),
        ("dropping: is not meant", "instruction", "dropping: is not meant"),
    ],
)
def test_a_text_is_a_question_a_drop_or_an_instruction(text: str, kind: str, words: str) -> None:
    found = steering_of(text, BEGIN)
    assert (found.kind, found.text) == (kind, words)


@pytest.mark.parametrize("text", ["add:", "drop:  ?", "  ", "...", "x" * 1001])
async def test_a_text_that_asks_nothing_is_refused(stage: Stage, text: str) -> None:
    job_id = await running(stage)
    with pytest.raises(InvalidArgument):
        await steer(stage, job_id, text)
    assert await passed_on(stage, job_id, 1) is None


async def test_instructions_are_numbered_in_turn_also_behind_those_that_were_read(
    stage: Stage,
) -> None:
    job_id = await running(stage)
    for number in (1, 2):
        answer = await steer(stage, job_id, f"add: Question {number}?")
        assert answer.accepted
        assert f"instruction {number}," in answer.summary
    read = Receipts(receipts=(Receipt(kind="add", text="Question 1?", state="obeyed"),))
    stage.runner.write(job_id, STEERING, encode(read))
    assert "instruction 3," in (await steer(stage, job_id, "drop: 1")).summary
    third = await passed_on(stage, job_id, 3)
    assert third == Steering(kind="drop", text="1", at=BEGIN)


async def test_a_queued_job_reads_an_instruction_when_it_starts(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    answer = await steer(stage, job_id, "drop: 1")
    assert answer.accepted
    assert "reads it when it has started" in answer.summary
    assert await passed_on(stage, job_id, 1)


async def test_an_ended_job_is_left_alone(stage: Stage) -> None:
    job_id = await running(stage)
    stage.complete(job_id)
    answer = await steer(stage, job_id, "Who sells it?")
    assert (answer.accepted, "follow_up_of" in answer.summary) == (False, True)
    assert await passed_on(stage, job_id, 1) is None


@pytest.mark.parametrize("mode", ["stop", "finish_now"])
async def test_a_job_that_is_ending_takes_no_instruction(stage: Stage, mode: str) -> None:
    job_id = await running(stage)
    await stage.jobs.cancel(ME, parse_arguments(Cancel, {"job_id": job_id, "mode": mode}))
    answer = await steer(stage, job_id, "Who sells it?")
    assert (answer.accepted, "is ending" in answer.summary) == (False, True)
    assert await passed_on(stage, job_id, 1) is None


async def test_nobody_steers_the_job_of_another_or_by_half_an_id(stage: Stage) -> None:
    job_id = await running(stage)
    asked = SteerResearch(job_id=job_id, text="drop: 1")
    with pytest.raises(NotFound, match="no research job"):
        await stage.jobs.steer(SOMEBODY, asked)
    for named in (job_id[:12], "", "../x"):
        with pytest.raises((NotFound, InvalidArgument)):
            await steer(stage, named, "drop: 1")
    assert await passed_on(stage, job_id, 1) is None


async def test_what_was_found_so_far_names_added_and_dropped_questions(stage: Stage) -> None:
    job_id = await running(stage)
    receipts = (
        Receipt(kind="add", text="Who sells it?", state="obeyed", question=1),
        Receipt(kind="drop", text="1", state="obeyed", question=0),
        Receipt(kind="add", text="Who buys it?", state="refused", reason="it is too many"),
    )
    stage.runner.write(job_id, STEERING, encode(Receipts(receipts=receipts)))
    shown = await fetch(stage, job_id=job_id)
    assert "1. How much water? – dropped on request" in shown
    assert "2. Who sells it? – no evidence found – Nothing found so far." in shown
    assert "Who buys it?" not in shown
