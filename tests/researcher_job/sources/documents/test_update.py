"""What was read once is not read again: after a change, an interruption, or under another time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest

from research_contract.records import Coverage
from researcher_job.sources.base import Query
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.documents.update import Update
from researcher_job.sources.documents.walk import walk
from researcher_job.sources.index.index import Index
from tests.researcher_job.files import hanging_pdf, opened, pdf, reasons, source
from tests.researcher_job.sources.documents.updating import finished_update

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for number in range(20):
        (tmp_path / "docs" / f"{number:02}.md").write_text(f"# Paper {number}\n\nBird {number}.\n")
    (tmp_path / "docs" / "scan.pdf").write_bytes(pdf("", ""))
    return tmp_path / "docs"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def updated(folder: Path, cache: Path, earlier: Sequence[Path] = ()) -> tuple[int, Path]:
    """Bring an index up to date; return how many files were opened for it, and its place."""
    update, place = finished_update(folder, cache, earlier)
    return update.opened, place


def kinds(cache: Path) -> set[str]:
    return {path.suffix for path in cache.iterdir()}


def words_of(place: Path) -> list[tuple[str, int, int]]:
    """Return what the index knows of each word; what FTS5 keeps is checked against its texts."""
    with closing(sqlite3.connect(place)) as database:
        database.execute("INSERT INTO words(words, rank) VALUES ('integrity-check', 1)")
        return database.execute("SELECT term, doc, cnt FROM vocabulary ORDER BY term").fetchall()


def test_only_what_changed_is_opened(folder: Path, cache: Path) -> None:
    first, index = updated(folder, cache)
    assert first == 21
    assert updated(folder, cache, [index])[0] == 0
    (folder / "03.md").write_text("# Paper 3\n\nA dunlin instead.\n")
    (folder / "new.md").write_text("A dunlin, new.\n")
    (folder / "04.md").unlink()
    (folder / "05.md").rename(folder / "moved.md")
    opened_files, index = updated(folder, cache, [index])
    assert opened_files == 3
    assert Index(index).coverage.read == 20


def test_an_index_brought_up_to_date_is_as_one_built_anew(folder: Path, cache: Path) -> None:
    _, index = updated(folder, cache)
    for number in range(0, 20, 3):
        (folder / f"{number:02}.md").write_text(f"# Other {number}\n\nA heron. A heron again.\n")
    for number in range(1, 20, 3):
        (folder / f"{number:02}.md").unlink()
    _, changed = updated(folder, cache, [index])
    _, anew = updated(folder, cache)
    assert words_of(changed) == words_of(anew)
    assert words_of(changed) != words_of(index)
    assert (Index(changed).blocks, Index(changed).length) == (
        Index(anew).blocks,
        Index(anew).length,
    )
    assert Index(changed).coverage == Index(anew).coverage


def test_new_times_alone_do_not_make_a_document_new(folder: Path, cache: Path) -> None:
    _, index = updated(folder, cache)
    with closing(sqlite3.connect(index)) as database:
        database.execute("UPDATE documents SET title = 'kept'")  # to see which ones stay
        database.commit()
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    opened_files, index = updated(folder, cache, [index])
    assert opened_files == 21
    with closing(sqlite3.connect(index)) as database:
        assert database.execute("SELECT DISTINCT title FROM documents").fetchall() == [("kept",)]
    assert reasons(Index(index).coverage) == {"scanned PDF without text": ("scan.pdf",)}


def test_a_file_changed_under_its_old_size_and_time_is_seen(folder: Path, cache: Path) -> None:
    _, index = updated(folder, cache)
    path = folder / "03.md"
    before = path.stat()
    path.write_text(path.read_text().replace("Bird", "Crow"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert updated(folder, cache, [index])[0] == 1


def test_a_file_whose_time_says_little_is_looked_at_again(folder: Path, cache: Path) -> None:
    _, index = updated(folder, cache)
    assert not Index(index).doubtful
    with closing(sqlite3.connect(index)) as database:
        database.execute("UPDATE files SET doubtful = 1 WHERE name = '03.md'")
        database.commit()
    opened_files, index = updated(folder, cache, [index])
    assert opened_files == 1
    assert not Index(index).doubtful


def test_reading_goes_on_where_it_was_interrupted(folder: Path, cache: Path) -> None:
    (folder / "hangs.pdf").write_bytes(hanging_pdf())
    (folder / "more.md").write_text("A bird behind it.")
    update = Update(cache / "draft", (), list(walk(folder)))
    while not update.opened:  # starting the process may take longer than one go
        assert not update.go_on()
    update.close()
    assert 0 < update.opened <= 20
    (folder / "hangs.pdf").unlink()
    rest, index = updated(folder, cache)
    assert rest == 22 - update.opened
    assert Index(index).coverage.read == 21


def test_a_killed_reading_leaves_what_it_had(folder: Path, cache: Path) -> None:
    update = Update(cache / "draft", (), list(walk(folder)))
    while not update.go_on():
        pass
    update.commit()
    copies = cache / "killed"
    copies.mkdir()
    for path in cache.glob("draft*"):  # the files as a kill leaves them: nothing is closed
        (copies / path.name).write_bytes(path.read_bytes())
    update.close()
    assert updated(folder, copies)[0] == 0


async def test_a_cancelled_reading_leaves_no_index_but_its_draft(folder: Path, cache: Path) -> None:
    (folder / "hangs.pdf").write_bytes(hanging_pdf())
    with anyio.CancelScope() as scope:

        async def reading(coverage: Coverage, name: str) -> bool:
            scope.cancel()
            return False

        await open_documents([source(folder)], cache_dir=cache, reading=reading)
    assert scope.cancelled_caught
    assert kinds(cache) == {".lock", ".draft"}
    (folder / "hangs.pdf").unlink()
    assert (await opened(folder, cache)).coverage.read == 20
    assert kinds(cache) == {".lock", ".sqlite"}


async def test_a_reading_that_is_enough_gives_what_was_read(folder: Path, cache: Path) -> None:
    (folder / "hangs.pdf").write_bytes(hanging_pdf())
    (folder.parent / "more").mkdir()
    (folder.parent / "more" / "late.md").write_text("Bird 99.\n")

    async def reading(coverage: Coverage, name: str) -> bool:
        return coverage.read >= 20

    found = [source(folder), source(folder.parent / "more")]
    library = await open_documents(found, cache_dir=cache, reading=reading)
    assert library.coverage.read >= 20
    assert library.coverage.found == 23
    assert any("not reached" in kind.reason for kind in library.coverage.not_read)
    assert [hit.text for hit in await library.search(Query("Bird 7"), limit=1)] == ["Bird 7."]
    (folder / "hangs.pdf").unlink()
    whole = await opened(folder, cache)  # a part is never taken for the whole
    assert whole.coverage.read == 20
    assert not any("not reached" in kind.reason for kind in whole.coverage.not_read)


async def test_a_job_does_not_wait_for_the_reading_of_another_when_it_has_enough(
    folder: Path, cache: Path
) -> None:
    (folder / "hangs.pdf").write_bytes(hanging_pdf())
    begun = anyio.Event()

    async def begin(coverage: Coverage, name: str) -> bool:
        begun.set()
        return False

    async def enough(coverage: Coverage, name: str) -> bool:
        return True

    async with anyio.create_task_group() as group:
        group.start_soon(partial(open_documents, [source(folder)], cache_dir=cache, reading=begin))
        await begun.wait()
        library = await open_documents([source(folder)], cache_dir=cache, reading=enough)
        assert (library.coverage.read, library.coverage.found) == (0, 22)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("damage", ["garbage", "other version", "empty"])
def test_a_draft_that_is_of_no_use_is_begun_anew(folder: Path, cache: Path, damage: str) -> None:
    draft = cache / "draft"
    _, index = updated(folder, cache)
    if damage == "garbage":
        draft.write_bytes(b"garbage" * 9_999)
    elif damage == "empty":
        draft.write_bytes(b"")
    else:
        index.replace(draft)
        with closing(sqlite3.connect(draft)) as database:
            database.execute("UPDATE facts SET value = 'other' WHERE name = 'version'")
            database.commit()
    assert updated(folder, cache)[0] == 21


async def test_the_edition_of_a_library_is_that_of_its_files(folder: Path, cache: Path) -> None:
    async def edition() -> str:
        library = await open_documents([source(folder)], cache_dir=cache)
        return library.edition

    first = await edition()
    assert await edition() == first
    (folder / "03.md").write_text("# Paper 3\n\nA dunlin instead.\n")
    second = await edition()
    assert second != first
    renamed = source(folder).model_copy(update={"name": "other"})
    library = await open_documents([renamed], cache_dir=cache)
    assert library.edition != second


async def test_the_likeliest_unread_files_are_named_first(folder: Path, cache: Path) -> None:
    for number in range(9):
        (folder / f"a{number}.png").write_bytes(b"x")
    (folder / "z Supplier-Contracts.png").write_bytes(b"x")
    library = await open_documents(
        [source(folder)], cache_dir=cache, about=["Which contract names the supplier?"]
    )
    first, *others = reasons(library.coverage)["pictures"]
    assert first == "z Supplier-Contracts.png"
    assert others == ["a0.png", "a1.png", "a2.png", "a3.png"]
