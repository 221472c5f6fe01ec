"""The rules of a report, over the published fakes: no process, no wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.messages.arguments import FetchReport
from tests.mcp_jobs_server.jobs.asking import fetch, running, status
from tests.mcp_jobs_server.stage import ME, QUOTE, Stage

pytestmark = pytest.mark.anyio


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
