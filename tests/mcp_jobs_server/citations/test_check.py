"""``check_citations`` and the citation shown, over the published fakes."""

from __future__ import annotations

from hashlib import sha256

import pytest
from mcp import Client

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.messages.arguments import CheckCitations, FetchReport, StartResearch
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import CheckResult
from research_contract import records
from tests.mcp_jobs_server.stage import ME, QUOTE, SNAPSHOT, Stage

pytestmark = pytest.mark.anyio

SOMEBODY = Owner(issuer="local", subject="somebody else")


async def found(stage: Stage) -> str:
    """Begin a job and let it find its quote."""
    asked = parse_arguments(StartResearch, {"question": "How much water?"})
    job_id = (await stage.jobs.start(ME, asked)).job_id
    await stage.begin(job_id)
    stage.find(job_id)
    return job_id


async def check(stage: Stage, text: str, **said: object) -> CheckResult:
    return await stage.jobs.check(ME, parse_arguments(CheckCitations, {"text": text, **said}))


async def citation(stage: Stage) -> str:
    asked = parse_arguments(FetchReport, {"part": "citation", "citation": 1})
    return (await stage.jobs.report(ME, asked)).content


async def test_a_draft_is_checked_while_the_job_still_runs(stage: Stage) -> None:
    job_id = await found(stage)
    answer = await check(stage, f"{QUOTE} [1]")
    assert (answer.job_id, answer.counts) == (job_id, {"supported": 1})
    assert answer.next.action == "tell_user"


async def test_a_fault_leads_to_another_check(stage: Stage) -> None:
    job_id = await found(stage)
    for draft in (
        "Pump 7 moves 25 litres [1].",
        "Pump 7 moves 21 litres of water.",
        f"{QUOTE} [7]",
    ):
        following = (await check(stage, draft)).next
        assert (following.action, following.tool) == ("call", "check_citations")
        assert (following.arguments or {})["job_id"] == job_id


async def test_numbers_without_a_quote_are_named(stage: Stage) -> None:
    await found(stage)
    answer = await check(stage, f"{QUOTE} [1][7] It was sold by Wagner [8, 9].")
    assert answer.unknown_numbers == (7, 8, 9)
    assert [claim.verdict for claim in answer.claims] == ["supported", "not found"]


async def test_many_claims_are_counted_and_the_worst_shown(stage: Stage) -> None:
    await found(stage)
    draft = f"{QUOTE} [1] " * 80 + "Pump 7 moves 25 litres of water a minute [1]."
    answer = await check(stage, draft)
    assert answer.counts == {"supported": 80, "contradicted": 1}
    assert answer.claims[0].verdict == "contradicted"
    assert (len(answer.claims), answer.not_shown) == (60, 21)


async def test_a_text_that_claims_nothing_is_said_to(stage: Stage) -> None:
    await found(stage)
    answer = await check(stage, "# Pumps\n\nWhat do they do?")
    assert answer.summary == "The text states nothing that could be checked."


async def test_another_persons_job_is_not_found(stage: Stage) -> None:
    job_id = await found(stage)
    asked = parse_arguments(CheckCitations, {"job_id": job_id, "text": "Pumps [1]."})
    with pytest.raises(NotFound):
        await stage.jobs.check(SOMEBODY, asked)


@pytest.mark.parametrize("text", ["", "  \n", "a" * 60_001])
def test_a_draft_has_bounds(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_arguments(CheckCitations, {"text": text})


async def test_the_way_leads_from_evidence_to_the_check(stage: Stage) -> None:
    job_id = await found(stage)
    stage.complete(job_id)
    async with Client(stage.server) as client:
        read = await client.call_tool("fetch_report", {"part": "evidence"})
        following = (read.structured_content or {})["next"]
        assert following["tool"] == "check_citations"
        draft = {**following["arguments"], "text": f"{QUOTE} [1] Pump 7 moves 5 litres [1]."}
        checked = await client.call_tool(following["tool"], draft)
    assert not checked.is_error
    assert (checked.structured_content or {})["counts"] == {"supported": 1, "contradicted": 1}


async def test_a_citation_is_verified_when_it_is_shown(stage: Stage) -> None:
    await found(stage)
    shown = await citation(stage)
    assert "Verified now: characters 10 to 51" in shown
    assert "Pumps > Pump 7" in shown


@pytest.mark.parametrize(
    "change",
    [
        SNAPSHOT.replace(b"21 litres", b"12 litres"),
        SNAPSHOT + b"More.",
        b"",
        SNAPSHOT.decode().encode("utf-16"),
    ],
)
async def test_a_changed_kept_text_is_told(stage: Stage, change: bytes) -> None:
    job_id = await found(stage)
    stage.runner.write(job_id, records.snapshot_name(sha256(SNAPSHOT).hexdigest()), change)
    shown = await citation(stage)
    assert "Not verified: " in shown
    assert "was changed" in shown
    assert "Verified now" not in shown


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b'"start":10', b'"start":9', "are not this quote"),
        (sha256(SNAPSHOT).hexdigest().encode(), b"0" * 64, "is no longer in the job folder"),
    ],
)
async def test_a_quote_without_its_place_is_told(
    stage: Stage, before: bytes, after: bytes, said: str
) -> None:
    job_id = await found(stage)
    part = records.segment_name(records.EVIDENCE_SEGMENTS, 1)
    kept = await stage.folders.read((await stage.runner.match(ME, job_id))[0].folder, part)
    assert kept
    assert before in kept.data
    stage.runner.write(job_id, part, kept.data.replace(before, after))
    assert said in await citation(stage)
