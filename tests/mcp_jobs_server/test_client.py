"""The Python client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.locks import try_lock
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.client import Research, connect, run
from mcp_jobs_server.core.errors import InvalidArgument, NotGranted
from mcp_jobs_server.core.settings import Settings

pytestmark = pytest.mark.anyio
QUESTION = "What is the notice period of a permanent contract?"
FOUND = "The notice period of a permanent contract is three months."


@pytest.fixture
def handbook(tmp_path: Path) -> str:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "contracts.md").write_text(f"# Contracts\n\n{FOUND}\n")
    (folder / "canteen.md").write_text("# Canteen\n\nThe canteen opens at noon.\n")
    return str(folder)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def research(settings: Settings) -> AsyncIterator[Research]:
    async with connect(settings) as research:
        yield research
    stop_all(settings, wait_seconds=20)


async def test_start_wait_and_fetch(research: Research, handbook: str) -> None:
    job = await research.start(QUESTION, sources=[handbook])
    assert job.created
    assert job.sources == ("handbook",)
    seen = [standing async for standing in research.follow(job.job_id)]
    assert seen[-1].outcome == "evidence"
    numbers = [step.step for standing in seen for step in standing.steps]
    assert numbers == list(range(1, len(numbers) + 1))
    assert (await research.wait(job.job_id, timeout=60)).state == "completed"
    report = await research.fetch(job.job_id)
    assert FOUND in report.content
    assert (report.page, report.next_cursor) == ("1 of 1", None)
    assert (await research.check(f"{FOUND} [1]", job.job_id)).counts == {"supported": 1}
    assert (await research.check(FOUND.replace("three", "two") + " [1]")).counts == {
        "contradicted": 1
    }
    (listed,) = await research.jobs()
    assert listed.fetched
    await research.remove(job.job_id)
    assert await research.jobs(include_ended=True) == []


async def test_a_wait_timeout_keeps_the_job_running(
    research: Research, settings: Settings, handbook: str
) -> None:
    paths = DataPaths(settings.data_dir)
    paths.make()
    with try_lock(paths.runner_lock(settings.profile)) as mine:
        assert mine
        job = await research.start(QUESTION, sources=[handbook])
        with pytest.raises(TimeoutError):
            await research.wait(job.job_id, timeout=0.1)
        assert (await research.status(job.job_id)).state == "queued"
        assert (await research.cancel(job.job_id)).state == "cancelled"


async def test_invalid_arguments_raise_and_start_nothing(research: Research, handbook: str) -> None:
    with pytest.raises(NotGranted):
        await research.start(QUESTION, sources=["/etc"])
    with pytest.raises(InvalidArgument, match=r"limits\.minute"):
        await research.start(QUESTION, sources=[handbook], limits={"minute": 1})
    assert await research.jobs(include_ended=True) == []


async def test_a_long_report_is_returned_whole(research: Research, handbook: str) -> None:
    questions = [f"What is the notice period of contract {n}? {'so ' * 250}" for n in range(20)]
    job = await research.start("Leave", sources=[handbook], questions=questions)
    await research.wait(job.job_id, timeout=120)
    report = Path(research.folder(job.job_id)) / "report.md"
    whole = await research.fetch(job.job_id)
    assert whole.content.strip() == report.read_text().strip()


def test_without_async(settings: Settings, handbook: str) -> None:
    try:
        report = run(QUESTION, sources=[handbook], timeout=120, settings=settings)
    finally:
        stop_all(settings, wait_seconds=20)
    assert FOUND in report.content
