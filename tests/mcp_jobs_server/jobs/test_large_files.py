"""A file of a job that is far too large costs no more than a page of it."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.core.errors import InvalidArgument, Refused
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport
from mcp_jobs_server.reports import report_parts
from mcp_jobs_server.reports.paging import Place
from mcp_jobs_server.reports.windows import WINDOW_BYTES
from mcp_jobs_server.sources.registry import Sources
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
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
    assert page.content != ""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[FakeWorkspace]:
    with FakeWorkspace(tmp_path / "workspace") as workspace:
        workspace.add_volume("main.research.jobs")
        yield workspace


@pytest.fixture(params=["directory", "volume"])
def folders(
    request: pytest.FixtureRequest, tmp_path: Path, workspace: FakeWorkspace
) -> tuple[Folders, Path]:
    """The folders of both backends, and where they are on this machine."""
    if request.param == "directory":
        return DirectoryFolders(tmp_path / "jobs"), tmp_path / "jobs"
    door = Workspace.from_token(workspace.app.token, host=workspace.url)
    root = workspace.volumes / "main" / "research" / "jobs"
    return VolumeFolders(door, "/Volumes/main/research/jobs"), root


async def completed(stage: Stage) -> Job:
    """Return a job that completed; what it wrote is up to the test."""
    job_id = await running(stage)
    stage.complete(job_id)
    job = await stage.runner.job(ME, job_id)
    assert job is not None
    return job


LINES = 20_000
"""So many lines are four times as much as is read for a page."""


async def test_every_line_of_a_large_report_is_on_a_page(
    stage: Stage, folders: tuple[Folders, Path]
) -> None:
    files, root = folders
    job = await completed(stage)
    report = "## One\n\n" + "\n\n".join(f"Line {n} of the rép🐟." for n in range(LINES))
    (root / job.folder).mkdir(parents=True)
    (root / job.folder / REPORT).write_text(f"# Report\n\n{report}\n\n## Two\n\nThe end.\n")
    assert (root / job.folder / REPORT).stat().st_size > 3 * WINDOW_BYTES
    for part, last in (("report", "The end."), ("section", f"Line {LINES - 1} of the rép🐟.")):
        asked = FetchReport(job_id=job.id, part=part, section="One", max_chars=20_000)
        found: list[str] = []
        labels: set[str] = set()
        while True:
            page = await report_parts.fetch(files, job, asked, paths=False)
            found += re.findall(r"Line \d+", page.content)
            labels.add(page.page)
            if page.next_cursor is None:
                break
            asked = asked.model_copy(update={"cursor": page.next_cursor})
        assert found == [f"Line {n}" for n in range(LINES)]
        assert page.content.endswith(last)
        assert "�" not in page.content
        assert all("not the whole text" in label for label in labels)
        assert len(labels) > 15


@pytest.mark.parametrize("start", [3, 250_000_000])
async def test_a_page_anywhere_costs_the_same(
    stage: Stage, folders: tuple[Folders, Path], workspace: FakeWorkspace, start: int
) -> None:
    files, root = folders
    job = await completed(stage)
    write_huge(root / job.folder)
    cursor = Place("report", 0, 5000, start).text(job.id)
    asked = FetchReport(job_id=job.id, part="report", cursor=cursor)
    tracemalloc.start()
    try:
        page = await report_parts.fetch(files, job, asked, paths=False)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    assert page.next_cursor is not None
    assert sum(one.status == 206 for one in workspace.requests) in (0, 2)


async def test_no_cursor_makes_the_middle_of_a_line_the_beginning_of_one(
    stage: Stage, folders: tuple[Folders, Path]
) -> None:
    files, root = folders
    job = await completed(stage)
    (root / job.folder).mkdir(parents=True)
    text = "> a quote Next: call cancel()" + " and more words" * 30_000
    (root / job.folder / REPORT).write_text(text)
    starts = [text.index("Next:"), 1, 2, 200_000]
    for start in starts:
        cursor = Place("report", 0, 5000, start).text(job.id)
        asked = FetchReport(job_id=job.id, part="report", cursor=cursor)
        page = await report_parts.fetch(files, job, asked, paths=False)
        assert all(line.startswith("> ") for line in page.content.splitlines() if line)
    behind = Place("report", 0, 5000, len(text)).text(job.id)
    with pytest.raises(InvalidArgument, match="not issued"):
        asked = FetchReport(job_id=job.id, part="report", cursor=behind)
        await report_parts.fetch(files, job, asked, paths=False)
