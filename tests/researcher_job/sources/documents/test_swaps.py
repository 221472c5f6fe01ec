"""Nothing outside a source is read, whatever is swapped for a link, and at whatever moment."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from researcher_job.sources.base import Query
from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.documents.extraction import Extraction
from researcher_job.sources.documents.opening import read
from researcher_job.sources.documents.reader_process import Asked, Extracted
from researcher_job.sources.documents.update import Update
from researcher_job.sources.documents.walk import walk
from researcher_job.sources.index.index import Index
from tests.researcher_job.files import opened
from tests.swapping import swapping

pytestmark = pytest.mark.anyio
renames_freely = pytest.mark.skipif(
    os.name == "nt", reason="Windows refuses to rename a folder in which something is open"
)
OWN, SECRET = "The heron fishes at dawn.", "The heron is a secret of the board."
WAIT_SECONDS = 60.0
PLACES = ("", "a", "a/b", "..")
"""What is swapped: the source itself, a folder in it, one in the middle of a path, one above."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a source; ``outside`` holds the same names, with other text."""
    for top, text in (("place/docs", OWN), ("outside/docs", SECRET)):
        for below in ("a/b/c", "z"):
            folder = tmp_path / top / below
            folder.mkdir(parents=True)
            (folder / "bird.md").write_text(f"# Bird\n\n{text}\n")
    return tmp_path / "place" / "docs"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def swap(root: Path, place: str) -> None:
    """Put a link to the folder of the same name outside in the place of a folder."""
    folder = Path(os.path.normpath(root / place))
    inside = folder.relative_to(root.parents[1])
    target = root.parents[1] / "outside" / Path(*inside.parts[1:])
    folder.rename(f"{folder}-moved")
    link(folder, target)


def link(folder: Path, target: Path) -> None:
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(folder))  # needs no privilege
    else:
        folder.symlink_to(target)


def text_of(index: Index) -> str:
    return " ".join(found.body for found in index.candidates('"heron"', limit=50))


@pytest.mark.parametrize("place", PLACES)
async def test_a_link_in_the_path_of_a_source_is_not_followed(
    root: Path, cache: Path, place: str
) -> None:
    swap(root, place)
    library = await opened(root, cache)
    found = await library.search(Query("heron"), limit=50)
    assert SECRET not in " ".join(passage.text for passage in found)
    assert library.coverage.not_read


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_swapped_between_walk_and_read_is_not_read(
    root: Path, cache: Path, place: str
) -> None:
    files = list(walk(root))
    assert {file.reason for file in files} == {None}
    swap(root, place)
    update = Update(cache / "draft", (), files)
    while not update.go_on():
        pass
    update.finish(cache / "index.sqlite")
    update.close()
    index = Index(cache / "index.sqlite")
    assert SECRET not in text_of(index)
    assert "changed while" in index.coverage.not_read[0].reason


@pytest.mark.parametrize("place", PLACES)
def test_the_reading_process_does_not_read_it_either(root: Path, place: str) -> None:
    path = root / "a" / "b" / "c" / "bird.md"
    swap(root, place)
    extraction = Extraction(expected=1_000)
    try:
        extraction.ask(Asked(str(path), "bird.pdf"), size=1)
        assert answer(extraction) == Extracted(Reason.GONE)
    finally:
        extraction.close()


def answer(extraction: Extraction) -> Extracted:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if (found := extraction.answer(1)) is not None:
            return found
    raise AssertionError("the process did not answer")


@renames_freely
@pytest.mark.parametrize("place", PLACES)
def test_a_folder_swapped_during_the_walk_is_not_listed(root: Path, place: str) -> None:
    (root / "0.md").write_text(OWN)
    (root.parents[1] / "outside" / "docs" / "a" / "b" / "c" / "secret.md").write_text(SECRET)
    found = walk(root)
    assert next(found).name == "0.md"
    swap(root, place)
    assert not [file.name for file in found if "secret" in file.name]


def test_rules_behind_a_link_are_not_read(root: Path) -> None:
    outside = root.parents[1] / "outside" / "repository" / "info"
    outside.mkdir(parents=True)
    (outside / "exclude").write_text("*.md\n")
    link(root / ".git", outside.parent)
    assert len([file for file in walk(root) if file.reason is None]) == 2


@renames_freely
def test_while_a_folder_is_swapped_without_a_pause_only_its_own_text_is_read(root: Path) -> None:
    path = root / "a" / "b" / "c" / "bird.md"
    seen = {"own": 0, "gone": 0}
    with swapping(root / "a", root.parents[1] / "outside" / "docs" / "a"):
        for _ in range(20_000):
            try:
                data = read(str(path)).data
            except Unreadable:
                seen["gone"] += 1
                continue
            assert SECRET.encode() not in data
            seen["own"] += 1
    assert min(seen.values()) > 0
