"""What is granted when a job begins: configuration, grants and roots are looked at again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.locks import try_lock
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.client import connect
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.sources.registry import Sources

pytestmark = pytest.mark.anyio
QUESTION = "What is the notice period of a permanent contract?"
FOUND = "The notice period of a permanent contract is three months."
SECRET = "The notice period of a permanent contract is a secret of the board."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for name, text in (("handbook", FOUND), ("archive", SECRET), ("secret", SECRET)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contracts.md").write_text(f"# Contracts\n\n{text}\n")
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(autouse=True)
async def _stopped(settings: Settings) -> AsyncIterator[None]:
    yield
    stop_all(settings, wait_seconds=20)


async def report_after(settings: Settings, change: Callable[[], object], sources: list[str]) -> str:
    """Start a job, make a change while it is queued, and return its report."""
    paths = DataPaths(settings.data_dir)
    paths.make()
    async with connect(settings) as research:
        with try_lock(paths.runner_lock(settings.profile)) as mine:
            assert mine
            job = await research.start(QUESTION, sources=sources)
            assert (await research.status(job.job_id)).state == "queued"
            change()
        assert (await research.wait(job.job_id, timeout=60)).state == "completed"
        return (await research.fetch(job.job_id)).content


async def test_a_source_removed_while_the_job_was_queued_is_left_out(settings: Settings) -> None:
    sources = Sources(settings)
    for name in ("handbook", "archive"):
        sources.add(name, settings.data_dir.parent / name)
    text = await report_after(settings, lambda: sources.remove("archive"), ["handbook", "archive"])
    assert FOUND in text
    assert SECRET not in text
    assert "1 source that may not be read any more (archive)" in text


async def test_a_source_that_got_patterns_while_the_job_was_queued_is_left_out(
    settings: Settings,
) -> None:
    sources, archive = Sources(settings), settings.data_dir.parent / "archive"
    sources.add("handbook", settings.data_dir.parent / "handbook")
    sources.add("archive", archive)

    def change() -> None:
        sources.remove("archive")
        sources.add("archive", archive, exclude=["contracts.md"])

    text = await report_after(settings, change, ["handbook", "archive"])
    assert FOUND in text
    assert SECRET not in text
    assert "1 source that may not be read any more (archive)" in text


async def test_a_source_that_left_the_configuration_is_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "research.toml"
    both = '[sources.handbook]\nuri = "handbook"\n[sources.archive]\nuri = "archive"\n'
    config.write_text(both)
    loaded = load_settings({"MCP_JOBS_DATA_DIR": str(settings.data_dir)}, config=config)
    text = await report_after(
        loaded, lambda: config.write_text(both.split("[sources.archive]", maxsplit=1)[0]), []
    )
    stop_all(loaded, wait_seconds=20)
    assert FOUND in text
    assert SECRET not in text
    assert "1 source that may not be read any more (archive)" in text


async def test_where_the_list_of_grants_became_unreadable_nothing_is_read(
    settings: Settings, tmp_path: Path
) -> None:
    Sources(settings).add("handbook", tmp_path / "handbook")
    broken = report_after(settings, lambda: settings.grants_file.write_text("{"), ["handbook"])
    text = await broken
    settings.grants_file.unlink()
    assert FOUND not in text
    assert "1 source that may not be read any more (handbook)" in text


async def test_a_typed_folder_is_read_without_a_grant(settings: Settings, tmp_path: Path) -> None:
    text = await report_after(settings, lambda: None, [str(tmp_path / "handbook")])
    assert FOUND in text


async def test_a_root_replaced_by_a_link_while_the_job_was_queued_is_not_read(
    settings: Settings, tmp_path: Path
) -> None:
    def swap() -> None:
        shutil.rmtree(tmp_path / "handbook")
        (tmp_path / "handbook").symlink_to(tmp_path / "secret")

    text = await report_after(settings, swap, [str(tmp_path / "handbook")])
    assert SECRET not in text
    assert "Nothing could be read" in text
