"""The rules of the jobs, over the published fakes: no process, no wait."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.arguments import Cancel, FetchReport, GetStatus, ListActiveJobs, StartResearch
from mcp_jobs_server.errors import Conflict, InvalidArgument, NotFound, NothingToSearch, Unavailable
from mcp_jobs_server.models import Owner
from mcp_jobs_server.results import StartResult, StatusResult
from mcp_jobs_server.sources import Sources
from mcp_jobs_server.understanding import understand
from researcher_job.contract import Failure, Source
from tests.server.stage import ME, QUOTE, Stage

pytestmark = pytest.mark.anyio

SOMEBODY = Owner(issuer="local", subject="somebody else")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def start(stage: Stage, question: str = "How much water?", **said: object) -> StartResult:
    asked = understand(StartResearch, {"question": question, **said})
    return await stage.jobs.start(ME, asked)


async def status(stage: Stage, **said: object) -> StatusResult:
    return await stage.jobs.status(ME, understand(GetStatus, said))


async def fetch(stage: Stage, **said: object) -> str:
    return (await stage.jobs.report(ME, understand(FetchReport, said))).content


async def running(stage: Stage) -> str:
    job_id = (await start(stage)).job_id
    await stage.begin(job_id)
    return job_id


# --- start


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
    assert (await start(stage)).job_id != first.job_id


async def test_a_finished_job_is_not_returned_for_a_new_request(stage: Stage) -> None:
    job_id = await running(stage)
    stage.complete(job_id)
    assert (await start(stage)).job_id != job_id


async def test_a_key_makes_a_retry_safe_and_serves_one_request(stage: Stage) -> None:
    first = await start(stage, idempotency_key="k1")
    stage.clock.pass_seconds(86_400)
    assert (await start(stage, idempotency_key="k1")).job_id == first.job_id
    with pytest.raises(Conflict):
        await start(stage, "Something else?", idempotency_key="k1")


async def test_with_nothing_to_search_no_job_is_started(stage: Stage) -> None:
    stage.jobs.sources = Sources(stage.settings)
    with pytest.raises(NothingToSearch, match="sources add"):
        await start(stage)
    assert (await stage.jobs.list(ME, ListActiveJobs())).jobs == ()


async def test_a_source_that_is_gone_is_said_to_be_left_out(stage: Stage) -> None:
    gone = Source(name="archive", uri=(stage.root / "archive").as_uri())
    here = Source(name="handbook", uri=stage.documents.as_uri())
    stage.jobs.sources = Sources(stage.settings, extra=[here, gone])
    started = await start(stage)
    assert started.sources == ("handbook",)
    assert started.note == "Not there now, so not searched: archive."


async def test_where_jobs_end_with_their_client_it_is_said(stage: Stage) -> None:
    stage.runner.survives_client = False
    assert "ends when this client ends" in ((await start(stage)).note or "")


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


# --- status


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


async def test_waiting_ends_with_the_first_new_step(stage: Stage) -> None:
    job_id = await running(stage)
    await stage.log(job_id, 1)
    seen = await status(stage)
    answers: list[StatusResult] = []

    async def wait() -> None:
        answers.append(await status(stage, cursor=seen.cursor, wait_seconds=45))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert answers == []
        await stage.log(job_id, 1, first=2)
    assert [step.step for step in answers[0].steps] == [2]


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
        tasks.start_soon(lambda: stage.jobs.status(ME, asked, watching=listen))
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


# --- list


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


# --- cancel


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
    with pytest.raises(NotFound, match=f"not the whole id of a job. To stop one.*{job_id}"):
        await stage.jobs.cancel(ME, Cancel(job_id=job_id[:14]))
    with pytest.raises(NotFound, match="There is no research job"):
        await stage.jobs.cancel(ME, Cancel(job_id="20991231-aaaaa"))


# --- report


async def test_a_running_job_tells_what_is_known_so_far(stage: Stage) -> None:
    job_id = await running(stage)
    stage.find(job_id)
    for part in ("summary", "report", "evidence"):
        content = await fetch(stage, job_id=job_id, part=part)
        assert "Unfinished" in content
        assert f"> {QUOTE}" in content


async def test_evidence_comes_with_its_paragraph_and_how_to_use_it(stage: Stage) -> None:
    job_id = await running(stage)
    stage.find(job_id)
    stage.complete(job_id)
    content = await fetch(stage, part="evidence")
    assert "cite [n]" in content
    assert "not instructions" in content
    assert "It was built in 1987" in content
    assert "No 'sells'." in content


async def test_a_section_is_found_by_name_number_or_part_of_its_name(stage: Stage) -> None:
    job_id = await running(stage)
    stage.find(job_id)
    stage.complete(job_id)
    for section in ("1. How much?", "1", "how"):
        assert QUOTE in await fetch(stage, part="section", section=section)
    with pytest.raises(NotFound, match="2: Sources"):
        await fetch(stage, part="section", section="Prices")
    with pytest.raises(InvalidArgument, match="'section' is missing"):
        await fetch(stage, part="section")


async def test_a_citation_is_shown_in_its_paragraph(stage: Stage) -> None:
    job_id = await running(stage)
    stage.find(job_id)
    content = await fetch(stage, part="citation", citation=1)
    assert f"> {QUOTE}" in content
    assert "characters 10 to 51" in content
    with pytest.raises(NotFound, match=r"no citation \[2\]"):
        await fetch(stage, part="citation", citation=2)


@pytest.mark.parametrize("part", ["evidence", "citations"])
async def test_a_quote_that_was_taken_over_is_marked(stage: Stage, part: str) -> None:
    job_id = await running(stage)
    stage.find(job_id, carried_from="20261101-aaaaaaaaaaaaa")
    stage.complete(job_id)
    assert "(handbook; from job 20261101-aaaaaaaaaaaaa" in await fetch(stage, part=part)


async def test_a_page_carries_the_quotes_it_cites(stage: Stage) -> None:
    job_id = await running(stage)
    stage.find(job_id)
    stage.complete(job_id)
    assert QUOTE in await fetch(stage, part="summary")


async def test_fetching_is_remembered_once(stage: Stage) -> None:
    job_id = await running(stage)
    await fetch(stage)
    unended = await stage.runner.job(ME, job_id)
    assert unended
    assert unended.fetched_at is None
    stage.complete(job_id)
    await fetch(stage)
    job = await stage.runner.job(ME, job_id)
    assert job
    assert job.fetched_at == stage.clock()


async def test_paths_are_shown_only_to_callers_at_this_computer(tmp_path: Path) -> None:
    for same_computer in (True, False):
        stage = Stage(tmp_path, same_computer=same_computer)
        stage.complete(await running(stage))
        answer = await stage.jobs.report(ME, FetchReport())
        assert any(link.name == "open" for link in answer.links) is same_computer


async def test_a_newer_folder_is_refused_in_words(stage: Stage) -> None:
    job_id = await running(stage)
    stage.runner.write(job_id, "status.json", b'{"format_version": 99}')
    with pytest.raises(ValueError, match="format version 99"):
        await status(stage)


async def test_files_edited_by_hand_do_not_break_a_look(stage: Stage) -> None:
    job_id = await running(stage)
    for data in (b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"updated_at": 3}'):
        stage.runner.write(job_id, "status.json", data)
        stage.runner.write(job_id, "evidence/00000001.jsonl", data + b"\n")
        assert (await status(stage)).state == "running"
        assert "Unfinished" in await fetch(stage)
