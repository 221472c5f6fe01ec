"""A file of a job that is far too large costs no more than a page of it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.core.errors import Refused
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import REPORT
from tests.mcp_jobs_server.jobs.asking import running
from tests.mcp_jobs_server.stage import ME, Stage

pytestmark = pytest.mark.anyio

HUGE, LITTLE = 300_000_000, 30_000_000
"""Size of the report, and of the memory that reading it may take at most."""


@pytest.fixture
async def job_id(stage: Stage, tmp_path: Path) -> str:
    """A completed job whose folder is a real one, with a huge report."""
    job_id = await running(stage)
    stage.complete(job_id)
    folders = DirectoryFolders(tmp_path / "jobs")
    stage.jobs = Jobs(
        runner=stage.runner,
        folders=folders,
        sources=Sources(stage.settings),
        settings=stage.settings,
        clock=stage.clock,
    )
    write_huge(Path(stage.jobs.location(ME, job_id)))
    return job_id


def write_huge(folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / REPORT).open("wb") as file:
        file.write(b"# Report\n\n## One\n\n" + b"A line of the report.\n\n" * 1000)
        file.truncate(HUGE)


@pytest.mark.parametrize("part", ["report", "summary", "section"])
async def test_a_page_of_a_huge_report_takes_little_memory(
    stage: Stage, job_id: str, part: str
) -> None:
    asked = FetchReport(job_id=job_id, part=part, section="1" if part == "section" else "")
    tracemalloc.start()
    try:
        page = await stage.jobs.report(ME, asked)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
        with pytest.raises(Refused, match=r"300 MB.*fetch_report"):
            await stage.jobs.file(ME, job_id, REPORT)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    assert page.total_chars < LITTLE
