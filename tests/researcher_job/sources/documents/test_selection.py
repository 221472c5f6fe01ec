"""The patterns of a source choose its files by the rules of git; what is left out is counted."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from research_contract.records import SourceRef
from researcher_job.sources.base import Query
from researcher_job.sources.document import Reason
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.documents.selection import Selection
from researcher_job.sources.documents.walk import walk
from tests.researcher_job.files import reasons

FILES = (
    *("guide.md", "guide.txt", "old.md", "drafts/new.md", "drafts/deep/x.md"),
    *("sub/guide.md", "sub/data.csv", "sub/drafts/y.md"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"The zebra of {name}.")
    return root


def read(
    root: Path, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> tuple[set[str], set[str]]:
    """Return the names of the files that are read, and of what is left out."""
    found = list(walk(root, selection=Selection(include, exclude)))
    out = {one.name for one in found if one.reason is Reason.LEFT_OUT}
    return {one.name for one in found if one.reason is None}, out


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), set(FILES)),
        (("*.md",), (), {name for name in FILES if name.endswith(".md")}),
        (("/guide.*",), (), {"guide.md", "guide.txt"}),
        (("drafts/",), (), {name for name in FILES if "drafts/" in name}),
        (("sub/**/*.md",), (), {"sub/guide.md", "sub/drafts/y.md"}),
        (("*.md", "!old.md"), (), {n for n in FILES if n.endswith(".md")} - {"old.md"}),
        ((), ("drafts/",), {name for name in FILES if "drafts/" not in name}),
        ((), ("/drafts",), {name for name in FILES if not name.startswith("drafts/")}),
        ((), ("*", "!guide.md"), {"guide.md"}),
        (("*.md",), ("drafts/", "/old.md"), {"guide.md", "sub/guide.md"}),
    ],
)
def test_files_are_chosen_by_the_rules_of_git(
    root: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: set[str]
) -> None:
    assert read(root, include=include, exclude=exclude)[0] == expected


def test_a_folder_that_is_left_out_counts_once_and_is_not_looked_into(root: Path) -> None:
    _, out = read(root, exclude=("drafts/", "*.csv"))
    assert out == {"drafts/", "sub/drafts/", "sub/data.csv"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("sub", {"guide.md"}),
        ("sub/drafts", set()),
        ("drafts/deep", set()),
        ("drafts/new.md", set()),
        ("old.md", set()),
        ("guide.md", {"guide.md"}),
        ("guide.txt", set()),
    ],
)
def test_patterns_count_from_the_granted_folder_where_a_part_is_read(
    root: Path, part: str, expected: set[str]
) -> None:
    selection = Selection(("*.md", "!old.md"), ("drafts/", "!drafts/new.md"), part)
    found = list(walk(root / part, selection=selection))
    assert {one.name for one in found if one.reason is None} == expected
    assert expected or {one.reason for one in found} == {Reason.LEFT_OUT}


def test_a_file_that_was_granted_is_matched_by_its_name(root: Path) -> None:
    assert read(root / "guide.md", exclude=("*.md",)) == (set(), {"guide.md"})
    assert read(root / "guide.md", include=("*.md",)) == ({"guide.md"}, set())


def test_what_is_left_out_is_said_in_the_coverage_and_read_once_it_is_not(
    root: Path, tmp_path: Path
) -> None:
    async def found(**patterns: tuple[str, ...]) -> tuple[str, set[str]]:
        one = SourceRef(name="docs", uri=root.as_uri(), **patterns)
        source = await open_documents([one], cache_dir=tmp_path / "cache")
        passages = await source.search(Query("zebra"), limit=20)
        return source.coverage.sentence(), {passage.uri for passage in passages}

    said, uris = anyio.run(lambda: found(exclude=("drafts/", "*.csv")))
    assert said == (
        "Read 4 of 7 files; not read: 3 files and folders left out by the patterns of their source"
        " (drafts/, sub/data.csv …)."
    )
    assert not [uri for uri in uris if "drafts" in uri]
    said, uris = anyio.run(found)
    assert said == f"Read {len(FILES)} of {len(FILES)} files."
    assert len(uris) == len(FILES)
    _, uris = anyio.run(lambda: found(include=("*.csv",)))
    assert uris == {(root / "sub/data.csv").as_uri()}


def test_what_lies_in_a_folder_that_is_left_out_counts_as_unread(
    root: Path, tmp_path: Path
) -> None:
    async def unread(below: str) -> bool:
        one = SourceRef(name="docs", uri=root.as_uri(), exclude=("drafts/",))
        source = await open_documents([one], cache_dir=tmp_path / "cache")
        assert not reasons(source.coverage).keys() - {Reason.LEFT_OUT.value[1]}
        return await source.unread((root / below).as_uri())

    assert anyio.run(unread, "drafts/deep/x.md")
    assert not anyio.run(unread, "guide.md")
