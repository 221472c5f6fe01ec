"""The rules of a start, over the published fakes: no process, no wait."""

from __future__ import annotations

import pytest

from mcp_jobs_server.core.errors import (
    Conflict,
    InvalidArgument,
    NotFound,
    NothingToSearch,
    Unavailable,
)
from mcp_jobs_server.messages.arguments import ListActiveJobs, StartResearch
from research_contract.records import SourceRef
from tests.mcp_jobs_server.jobs.asking import SOMEBODY, running, start
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio


async def test_the_parts_of_a_question_are_pursued(stage: Stage) -> None:
    started = await start(stage, "How much water does it move? Who sells it?")
    assert started.questions == ("How much water does it move?", "Who sells it?")


async def test_the_questions_of_the_plan_are_pursued(stage: Stage) -> None:
    started = await start(stage, plan={"title": "Pumps", "questions": ["How much?", "Since when?"]})
    assert started.questions == ("How much?", "Since when?")
    assert started.title == "Pumps"


async def test_limits_are_lowered_to_the_servers_own_and_said_to_be(stage: Stage) -> None:
    started = await start(stage, limits={"minutes": "10 hours", "tool_calls": 5})
    assert started.limits.minutes == 30
    assert started.limits.tool_calls == 5
    assert started.limits.lowered == ("minutes",)


async def test_the_same_unfinished_request_is_the_same_job(stage: Stage) -> None:
    first = await start(stage)
    second = await start(stage)
    assert (second.job_id, second.created) == (first.job_id, False)
    assert second.note
    assert "again=true" in second.note


async def test_again_makes_another_job(stage: Stage) -> None:
    first = await start(stage)
    assert (await start(stage, again=True)).job_id != first.job_id


async def test_after_ten_minutes_the_same_request_is_a_new_job(stage: Stage) -> None:
    first = await start(stage)
    stage.clock.pass_seconds(601)
    second = await start(stage)
    assert second.job_id != first.job_id
    assert second.note
    assert (
        f"The same request was made 10 minutes ago; its job {first.job_id} is queued."
        in second.note
    )


async def test_a_finished_job_of_the_same_request_is_named_with_the_new_one(stage: Stage) -> None:
    job_id = await running(stage)
    stage.complete(job_id)
    second = await start(stage)
    assert second.job_id != job_id
    assert second.note
    assert f"its job {job_id} is completed (partial)" in second.note
    assert "This is a new job." in second.note
    for started in (await start(stage, again=True), await start(stage, "Something else?")):
        assert job_id not in (started.note or "")


async def test_a_key_makes_a_retry_safe_and_serves_one_request(stage: Stage) -> None:
    first = await start(stage, idempotency_key="k1")
    stage.clock.pass_seconds(86_400)
    assert (await start(stage, idempotency_key="k1")).job_id == first.job_id
    with pytest.raises(Conflict, match=first.job_id) as told:
        await start(stage, "Something else?", idempotency_key="k1")
    assert f'get_status(job_id="{first.job_id}")' in told.value.hint


async def test_with_nothing_to_search_no_job_is_started(stage: Stage) -> None:
    stage.use_sources()
    with pytest.raises(NothingToSearch, match="sources add"):
        await start(stage)
    assert (await stage.jobs.list(ME, ListActiveJobs())).jobs == ()


async def test_a_source_that_is_gone_is_said_to_be_left_out(stage: Stage) -> None:
    gone = SourceRef(name="archive", uri=(stage.root / "archive").as_uri())
    here = SourceRef(name="handbook", uri=stage.documents.as_uri())
    stage.use_sources(here, gone)
    started = await start(stage)
    assert started.sources == ("handbook",)
    assert started.note == "Not available now, so not searched: archive."


async def test_where_jobs_end_with_their_client_it_is_said(stage: Stage) -> None:
    stage.runner.survives_client = False
    assert "ends when this client is closed" in ((await start(stage)).note or "")


async def test_a_follow_up_inherits_sources_depth_and_language(stage: Stage) -> None:
    first = await start(stage, depth="deep", plan={"language": "German"})
    later = await start(stage, "And the price?", follow_up_of=first.job_id)
    job = await stage.runner.job(ME, later.job_id)
    assert job
    assert (job.request.depth, job.request.plan.language) == ("deep", "German")
    assert later.sources == first.sources
    own = await start(stage, "And its colour?", follow_up_of=first.job_id, depth="quick")
    found = await stage.runner.job(ME, own.job_id)
    assert found
    assert found.request.depth == "quick"


async def test_a_refresh_repeats_the_plan(stage: Stage) -> None:
    first = await start(stage, plan={"title": "Pumps", "questions": ["How much?", "Since when?"]})
    later = await start(stage, "The same, please.", refresh_of=first.job_id)
    assert (later.title, later.questions) == ("Pumps", ("How much?", "Since when?"))


@pytest.mark.parametrize("argument", ["follow_up_of", "refresh_of"])
async def test_the_job_is_told_where_the_earlier_one_is(stage: Stage, argument: str) -> None:
    first = await start(stage)
    later = await start(stage, "And the price?", **{argument: first.job_id[:-3]})
    job = await stage.runner.job(ME, later.job_id)
    earlier = await stage.runner.job(ME, first.job_id)
    assert job
    assert earlier
    assert job.request.earlier == stage.folders.location(earlier.folder)
    assert getattr(job.request, argument) == first.job_id


async def test_a_job_has_one_earlier_job(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    with pytest.raises(InvalidArgument, match="not both"):
        await start(stage, "And the price?", follow_up_of=job_id, refresh_of=job_id)


async def test_nobody_follows_up_the_job_of_another(stage: Stage) -> None:
    job_id = (await start(stage)).job_id
    asked = StartResearch(question="And the price?", follow_up_of=job_id)
    with pytest.raises(NotFound):
        await stage.jobs.start(SOMEBODY, asked)


async def test_a_backend_that_does_not_answer_is_said_and_can_be_retried(stage: Stage) -> None:
    stage.runner.failing = Unavailable("The disk is full.", "Make room.")
    with pytest.raises(Unavailable) as caught:
        await start(stage)
    assert caught.value.retryable


async def test_long_work_is_left_to_itself(stage: Stage) -> None:
    first = await running(stage)
    stage.clock.pass_seconds(300)
    done = stage.outcome()
    spent = done.spent.model_copy(update={"active_seconds": 300.0})
    stage.runner.complete(first, done.model_copy(update={"spent": spent}))
    later = await start(stage)
    assert later.expected_seconds == 300
    assert later.next.action == "tell_user"
    assert "5 minutes" in (later.next.say or "")
