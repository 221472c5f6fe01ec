"""A job without a model: evidence that nobody judged, its context, and the nearest passages."""

from __future__ import annotations

import pytest

from mcp_jobs_server.core.models import job_folder
from mcp_jobs_server.messages.arguments import CheckCitations, FetchReport
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import Next, ReportResult
from research_contract import records
from research_contract.files import join_lines
from tests.mcp_jobs_server.jobs.asking import fetch, start, status
from tests.mcp_jobs_server.stage import ME, Stage
from tests.mcp_jobs_server.unjudged import (
    QUESTIONS,
    YARD,
    evidence,
    find,
    find_nothing,
    nearest,
)

pytestmark = pytest.mark.anyio

NEAREST = "Nearest passages, not judged to answer"


async def started(stage: Stage, **plan: object) -> str:
    asked = {"questions": list(QUESTIONS), **plan}
    job_id = (await start(stage, "What of pump 7?", plan=asked)).job_id
    await stage.begin(job_id)
    return job_id


async def report(stage: Stage, part: str) -> ReportResult:
    return await stage.jobs.report(ME, FetchReport.model_validate({"part": part}))


async def test_evidence_is_shown_with_its_context_best_first(stage: Stage) -> None:
    find(stage, await started(stage))
    content = await fetch(stage, part="evidence")
    item = "Context:\n> Pumps > Delivery\n> With each pump comes:\nQuote:\n> a filter"
    assert f"[3] “Pumps, paragraph 3” (handbook)\n{item}" in content
    row = "> Pump 7 | 21\nBy its column heads:\n> Pump: Pump 7; Litres a minute: 21"
    assert f"[1] “Pumps, paragraph 3” (handbook)\n{row}" in content
    assert content.index("[1] “Pumps") < content.index("[2] “Pumps")  # although [2] scores more
    assert "whether a quote answers its question was not judged" in content


@pytest.mark.parametrize("part", ["citations", "summary"])
async def test_a_row_is_shown_by_its_heads_wherever_it_is_shown(stage: Stage, part: str) -> None:
    find(stage, await started(stage))
    assert "Pump: Pump 7; Litres a minute: 21" in await fetch(stage, part=part)


async def test_a_citation_is_verified_with_its_context(stage: Stage) -> None:
    job_id = await started(stage)
    find(stage, job_id)
    content = await fetch(stage, part="citation", citation=3)
    assert "> With each pump comes:\nQuote:\n> a filter" in content
    assert "are this quote, and its context is there, too." in content


async def test_a_citation_with_another_context_is_not_verified(stage: Stage) -> None:
    job_id = await started(stage)
    find(stage, job_id)
    name = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
    log = await stage.folders.read(job_folder(ME, job_id), name)
    assert log
    changed = log.data.replace(b"With each pump comes:", b"With no pump comes...:")
    stage.runner.write(job_id, name, changed)
    content = await fetch(stage, part="citation", citation=3)
    assert "Not verified: the context is not at its place" in content


async def test_nearest_passages_are_shown_whatever_the_state(stage: Stage) -> None:
    find(stage, await started(stage))
    content = await fetch(stage, part="evidence")
    blocks = content.split("### ")
    assert [f"{NEAREST}:\n\n[" in block for block in blocks[1:]] == [True, False, True]
    assert (
        f"[5] “Pumps, paragraph 3” (handbook)\nContext:\n> Pumps > Delivery\nQuote:\n> {YARD}"
        in (blocks[3])
    )
    assert "cite one as [n] only where you read that it answers" in content


@pytest.mark.parametrize("part", ["citations", "sources"])
async def test_nearest_passages_are_not_among_the_citations(stage: Stage, part: str) -> None:
    find(stage, await started(stage))
    content = await fetch(stage, part=part)
    assert "[3]" in content
    assert "[4]" not in content


async def test_a_nearest_passage_can_be_cited_by_who_read_that_it_answers(stage: Stage) -> None:
    job_id = await started(stage)
    find(stage, job_id)
    assert f"{NEAREST}: read whether it does." in await fetch(stage, part="citation", citation=5)
    asked = parse_arguments(CheckCitations, {"job_id": job_id, "text": f"{YARD} [5]"})
    checked = await stage.jobs.check(ME, asked)
    assert (checked.counts, checked.unknown_numbers) == ({"supported": 1}, ())


async def test_nearest_passages_of_a_running_job_are_shown_apart(stage: Stage) -> None:
    job_id = await started(stage)
    name = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
    stage.runner.write(job_id, name, join_lines([*evidence(), *nearest(2, 4)]))
    shown = (await report(stage, "evidence")).questions
    assert [(one.state, one.evidence, one.nearest) for one in shown] == [
        ("evidence", (1, 2), ()),
        ("evidence", (3,), ()),
        ("not_found", (), (4,)),
    ]


async def test_the_summary_shows_the_first_nearest_passage_where_nothing_was_found(
    stage: Stage,
) -> None:
    find(stage, await started(stage))
    content = await fetch(stage)
    assert "1. How much water does pump 7 move? – evidence found, not judged [1] [2]" in content
    assert "3. Who sells pump 7? – no evidence found – The sources nowhere" in content
    assert content.count(NEAREST) == 1
    assert (
        f"3. [5] “Pumps, paragraph 3” (handbook)\nContext:\n> Pumps > Delivery\nQuote:\n> {YARD}"
        in (content)
    )


@pytest.mark.parametrize("part", ["summary", "evidence"])
async def test_the_state_of_each_question_is_a_field(stage: Stage, part: str) -> None:
    find(stage, await started(stage))
    shown = (await report(stage, part)).questions
    assert [(one.state, one.evidence, one.nearest) for one in shown] == [
        ("evidence", (1, 2), (4,)),
        ("evidence", (3,), ()),
        ("not_found", (), (5, 6)),
    ]
    assert (await report(stage, "sources")).questions == ()


async def test_the_status_says_that_nothing_was_judged(stage: Stage) -> None:
    find(stage, await started(stage))
    answer = await status(stage)
    assert answer.outcome == "evidence"
    assert (answer.next.tool, answer.next.arguments) == (
        "fetch_report",
        {"job_id": answer.job_id, "part": "evidence"},
    )


async def test_after_nothing_was_found_other_words_are_offered(stage: Stage) -> None:
    job_id = await started(stage)
    find_nothing(stage, job_id, QUESTIONS[0])
    ended = (await status(stage)).next
    assert ended.arguments == {"job_id": job_id, "part": "evidence"}
    found = await report(stage, "evidence")
    assert f"{NEAREST}:\n\n[1] “Pumps" in found.content
    assert found.next == Next(
        action="call",
        tool="start_research",
        arguments={
            "question": "What of pump 7?",
            "sources": ["handbook"],
            "plan": {
                "questions": list(QUESTIONS),
                "search_terms": [
                    "<synonyms, names, abbreviations, in the language of the sources>"
                ],
            },
        },
    )


async def test_a_question_without_evidence_names_other_words_and_its_passages(
    stage: Stage,
) -> None:
    find(stage, await started(stage))
    content = await fetch(stage, part="evidence")
    assert "nowhere mention “sells”. Other words may find it: pass plan.search_terms" in content


async def test_without_any_quote_nothing_is_said_to_be_cited(stage: Stage) -> None:
    find_nothing(stage, await started(stage), QUESTIONS[0])
    content = await fetch(stage, part="evidence")
    assert content.startswith("No evidence was found. Nearest")
    assert "Write the answer from these quotes" not in content


async def test_other_words_are_offered_once(stage: Stage) -> None:
    find_nothing(stage, await started(stage, search_terms=["merchant"]), QUESTIONS[0])
    assert "Other words may" not in await fetch(stage, part="evidence")
    following = (await report(stage, "evidence")).next
    assert (following.action, following.tool) == ("tell_user", None)
    assert "nearest passages" in (following.say or "")


async def test_a_running_job_does_not_say_that_it_answers(stage: Stage) -> None:
    job_id = await started(stage)
    stage.find(job_id)
    assert "evidence found, not judged [1]" in await fetch(stage)
