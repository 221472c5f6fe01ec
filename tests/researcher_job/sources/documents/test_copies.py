"""A folder that was copied or moved is not read again: the content of its files decides."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import anyio
import pytest

from researcher_job.sources.base import Query
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.documents.update import Update
from researcher_job.sources.documents.walk import walk
from tests.researcher_job.files import pdf, source, word
from tests.researcher_job.sources.documents.updating import finished_update

NAMES = ("guide.md", "sub/rules.docx", "sub/paper.pdf", "post.eml", "ä ö.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    (root / "sub").mkdir(parents=True)
    (root / "guide.md").write_text("# Guide\n\n| Bird | Eggs |\n|---|---|\n| Heron | 4 |\n")
    (root / "sub/rules.docx").write_bytes(word())
    (root / "sub/paper.pdf").write_bytes(pdf("The heron signs.", ""))
    post = EmailMessage()
    post["Subject"] = "The heron"
    post.set_content("The heron is attached.")
    post.add_attachment("Herons eat fish.", filename="what herons eat.txt")
    (root / "post.eml").write_bytes(bytes(post))
    (root / "ä ö.txt").write_text("The heron of umlauts (HOU) waits. So does an HOU.")
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def updated(
    folder: Path, cache: Path, earlier: Sequence[Path] = (), others: Sequence[Path] = ()
) -> tuple[int, Path]:
    """Return how many files were read for an index of ``folder``, and where it is."""
    update, place = finished_update(folder, cache, earlier, others)
    return update.read, place


def content(place: Path) -> list[tuple[object, ...]]:
    """Return all that an index holds but the state of its files."""
    with closing(sqlite3.connect(place)) as database:
        found: list[tuple[object, ...]] = []
        for table in ("documents", "blocks", "names", "abbreviations", "vocabulary"):
            found += database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
        found += database.execute("SELECT address, name, sha256, gaps FROM files").fetchall()
        return [*found, *database.execute("SELECT value FROM facts WHERE name = 'coverage'")]


@pytest.mark.parametrize("above", ["", "new/place/"])
def test_an_index_from_another_is_as_one_that_was_read(
    folder: Path, cache: Path, tmp_path: Path, above: str
) -> None:
    read, first = updated(folder, cache)
    assert read == len(NAMES)
    shutil.copytree(folder, tmp_path / "copy" / above)
    read, anew = updated(tmp_path / "copy", cache)
    assert read == len(NAMES)
    read, taken = updated(tmp_path / "copy", cache, others=[first])
    assert read == 0
    assert content(taken) == content(anew)


def test_what_differs_is_read(folder: Path, cache: Path, tmp_path: Path) -> None:
    _, first = updated(folder, cache)
    shutil.copytree(folder, tmp_path / "copy")
    text = (tmp_path / "copy" / "guide.md").read_text()
    (tmp_path / "copy" / "guide.md").write_text(text.replace("Heron", "Egret"))
    (tmp_path / "copy" / "guide.md").replace(tmp_path / "copy" / "other.md")
    shutil.copy(tmp_path / "copy" / "other.md", tmp_path / "copy" / "guide.md")
    (tmp_path / "copy" / "sub" / "paper.pdf").rename(tmp_path / "copy" / "sub" / "renamed.pdf")
    read, _ = updated(tmp_path / "copy", cache, others=[first])
    assert read == 3


@pytest.mark.parametrize("lost", ["gone", "broken", "of another version"])
def test_without_the_other_index_files_are_read(
    folder: Path, cache: Path, tmp_path: Path, lost: str
) -> None:
    _, first = updated(folder, cache)
    shutil.copytree(folder, tmp_path / "copy")
    if lost == "gone":
        first.unlink()
    elif lost == "broken":
        first.write_bytes(b"x" * first.stat().st_size)
    else:
        with closing(sqlite3.connect(first)) as database:
            database.execute("UPDATE facts SET value = '0.0' WHERE name = 'version'")
            database.commit()
    assert updated(tmp_path / "copy", cache, others=[first])[0] == len(NAMES)


def test_an_index_that_vanishes_while_it_is_used_costs_no_file(
    folder: Path, cache: Path, tmp_path: Path
) -> None:
    _, first = updated(folder, cache)
    shutil.copytree(folder, tmp_path / "copy")
    update = Update(cache / "draft", [], list(walk(tmp_path / "copy")), others=[first])
    first.unlink()
    while not update.go_on():
        pass
    assert (update.tally.coverage.read, update.read) == (len(NAMES), len(NAMES))
    update.close()


@pytest.mark.parametrize("how", ["copied", "moved", "part", "whole"])
def test_a_job_finds_the_same_in_a_copy(
    folder: Path, cache: Path, tmp_path: Path, how: str
) -> None:
    async def found(root: Path) -> set[tuple[str, str, str]]:
        opened = await open_documents([source(root)], cache_dir=cache)
        passages = await opened.search(Query("What about the heron and HOU?"), limit=20)
        assert passages
        return {(one.uri.rpartition("/")[2], one.text, one.title) for one in passages}

    anyio.run(found, folder)
    (index,) = cache.glob("*.sqlite")
    with closing(sqlite3.connect(index)) as database:  # so that what is taken can be told
        database.execute("UPDATE documents SET title = 'Taken from ' || title")
        database.commit()
    first = anyio.run(found, folder)
    if how == "moved":
        place = folder.rename(tmp_path / "elsewhere")
    elif how == "whole":
        place = folder.parent / "all"
        shutil.copytree(folder, place / "docs")
    elif how == "part":
        place = folder / "sub"
    else:
        place = Path(shutil.copytree(folder, tmp_path / "copy"))
    again = anyio.run(found, place)
    assert {title.startswith("Taken from ") for _, _, title in again} == {True}
    assert again == ({one for one in first if "paper" in one[0]} if how == "part" else first)
