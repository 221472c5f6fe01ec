"""Every implementation of ``Folders`` keeps the contract: directory, volume and published fake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.backends.folder_paths import checked_path
from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.core.errors import JobsError, NotFound
from mcp_jobs_server.core.models import Slice
from mcp_jobs_server.testing.memory import MemoryFolders
from tests.mcp_jobs_server.backends.lakeflow.backend import VOLUME, scene
from tests.swapping import swapping

pytestmark = pytest.mark.anyio

JOB = "ada-0123456789abcdef/2026-11/20261121-abcdefghijklm"
HOSTILE = (
    "..",
    ".",
    "../other",
    "a/../../b",
    "/etc/passwd",
    "a//b",
    "a/",
    "a\0b",
    "a\\b",
    "..\\..\\b",
    "\udcff",
    "a/./b",
)


@pytest.fixture(params=["directory", "memory", "volume"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folders]:
    if request.param == "memory":
        yield MemoryFolders()
    elif request.param == "directory":
        yield DirectoryFolders(tmp_path / "jobs")
    else:
        with scene(tmp_path) as stage:
            yield VolumeFolders(stage.door(), VOLUME)


async def test_read_returns_the_written_bytes(folders: Folders) -> None:
    await folders.write(JOB, "status.json", b"old and long")
    await folders.write(JOB, "status.json", b"new")
    found = await folders.read(JOB, "status.json")
    assert found is not None
    assert (found.data, found.start, found.size) == (b"new", 0, 3)


async def test_read_returns_part_of_a_file(folders: Folders) -> None:
    await folders.write(JOB, "steps/00000001.jsonl", b"0123456789")
    for start, limit, expected in (
        (3, 4, b"3456"),
        (8, 9, b"89"),
        (3, -1, b"3456789"),
        (0, 0, b""),
    ):
        found = await folders.read(JOB, "steps/00000001.jsonl", start=start, limit=limit)
        assert found is not None
        assert (found.data, found.start, found.size) == (expected, start, 10)


@pytest.mark.parametrize("start", [10, 11, 10**12])
async def test_read_returns_no_bytes_at_or_after_the_end(folders: Folders, start: int) -> None:
    await folders.write(JOB, "a", b"0123456789")
    found = await folders.read(JOB, "a", start=start)
    assert found is not None
    assert (found.data, found.start, found.size) == (b"", start, 10)


async def test_read_of_a_missing_file_returns_none(folders: Folders) -> None:
    assert await folders.read(JOB, "report.md") is None
    await folders.write(JOB, "steps/00000001.jsonl", b"x")
    assert await folders.read(JOB, "steps") is None
    assert await folders.read(JOB, "steps/00000001.jsonl/more") is None
    assert await folders.read(JOB, "x" * 10_000) is None


async def test_a_file_is_created_once(folders: Folders) -> None:
    assert await folders.create(JOB, "control/stop", b"first")
    assert not await folders.create(JOB, "control/stop", b"second")
    found = await folders.read(JOB, "control/stop")
    assert found is not None
    assert found.data == b"first"


async def test_one_of_many_concurrent_creates_wins(folders: Folders) -> None:
    won = []

    async def create(number: int) -> None:
        if await folders.create(JOB, "keys/k", str(number).encode() * 1000):
            won.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(create, number)
    found = await folders.read(JOB, "keys/k")
    assert found is not None
    assert [found.data] == [str(number).encode() * 1000 for number in won]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_path_is_not_found(folders: Folders, text: str) -> None:
    for folder, name in ((JOB, text), (text, "a"), (f"{JOB}/{text}", "a")):
        with pytest.raises(NotFound):
            await folders.read(folder, name)
        with pytest.raises(NotFound):
            await folders.write(folder, name, b"x")
        with pytest.raises(NotFound):
            await folders.create(folder, name, b"x")
        with pytest.raises(NotFound):
            folders.location(folder, name)


@given(st.text(max_size=40), st.text(max_size=40))
async def test_no_text_names_a_path_outside_the_root(folder: str, name: str) -> None:
    try:
        path = checked_path(folder, name)
    except NotFound:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert path.as_posix() == (f"{folder}/{name}" if name else folder)


async def test_location_shows_the_path_of_the_folder(folders: Folders) -> None:
    assert folders.location(JOB).endswith(JOB)
    assert folders.location(JOB, "report.html").endswith(f"{JOB}/report.html")


async def test_a_link_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "status.json", b"x")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "jobs" / JOB / "report.md").symlink_to(tmp_path / "secret")
    (tmp_path / "jobs" / JOB / "steps").symlink_to(tmp_path)
    for name in ("report.md", "steps/secret", "steps/new"):
        assert await folders.read(JOB, name) is None
        with pytest.raises(NotFound):
            await folders.write(JOB, name, b"x")
        with pytest.raises(NotFound):
            await folders.create(JOB, name, b"x")
    assert (tmp_path / "secret").read_text() == "secret"
    assert not (tmp_path / "new").exists()


async def test_a_link_inside_the_root_is_followed(tmp_path: Path) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "a", b"x")
    (tmp_path / "jobs" / JOB / "b").symlink_to("a")
    found = await folders.read(JOB, "b")
    assert found is not None
    assert found.data == b"x"


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses to rename a folder in use")
@pytest.mark.parametrize("place", ["steps", "."])
async def test_while_a_folder_is_swapped_for_a_link_nothing_outside_is_read(
    tmp_path: Path, place: str
) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "steps/1", b"own")
    (tmp_path / "outside" / "steps").mkdir(parents=True)
    (tmp_path / "outside" / "steps" / "1").write_text("secret")
    seen = set()
    with swapping((tmp_path / "jobs" / JOB / place).resolve(), tmp_path / "outside" / place):
        for _ in range(20_000):
            found = await folders.read(JOB, "steps/1")
            seen.add(found.data if found else None)
    assert seen == {b"own", None}


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses to rename a folder in use")
@pytest.mark.parametrize("place", ["control", "."])
async def test_while_a_folder_is_swapped_for_a_link_nothing_outside_is_written(
    tmp_path: Path, place: str
) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "control/1", b"own")
    outside = tmp_path / "outside" / "control"
    outside.mkdir(parents=True)
    (outside / "1").write_text("others")
    written = 0
    with swapping((tmp_path / "jobs" / JOB / place).resolve(), outside.parent / place):
        for number in range(1_000):
            with suppress(JobsError):
                await folders.write(JOB, "control/1", b"new")
            with suppress(JobsError):
                written += await folders.create(JOB, f"control/new{number}", b"new")
    assert written > 0
    assert [path.name for path in outside.iterdir()] == ["1"]
    assert (outside / "1").read_text() == "others"


async def test_a_pipe_in_a_folder_does_not_block_a_reader(tmp_path: Path) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "a", b"x")
    os.mkfifo(tmp_path / "jobs" / JOB / "pipe")
    with anyio.fail_after(20):
        assert await folders.read(JOB, "pipe") is None


async def test_files_and_folders_are_private(tmp_path: Path) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "a", b"x")
    await folders.create(JOB, "control/stop", b"")
    root = tmp_path / "jobs"
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    folders = DirectoryFolders(tmp_path / "jobs")
    await folders.write(JOB, "a", b"x")
    await folders.create(JOB, "b", b"x")
    await folders.create(JOB, "b", b"y")
    assert sorted(path.name for path in (tmp_path / "jobs" / JOB).iterdir()) == ["a", "b"]


async def test_a_negative_start_counts_from_the_end(folders: Folders) -> None:
    await folders.write(JOB, "a.txt", b"0123456789")
    assert await folders.read(JOB, "a.txt", start=-3) == Slice(b"789", 7, 10)
    assert await folders.read(JOB, "a.txt", start=-99, limit=2) == Slice(b"01", 0, 10)
