"""An index is built once, used again, rebuilt when it must be, and searched with others as one."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from research_contract.records import Coverage, SourceRef
from researcher_job.sources.base import Passage, Query
from researcher_job.sources.document import Document
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.documents.reader_process import Asked, extract
from researcher_job.sources.index.document_source import IndexLost
from researcher_job.sources.index.index import Index, remove_unused
from researcher_job.sources.index.tokenizer import stems
from researcher_job.sources.index.writer import IndexWriter, Seen
from tests.researcher_job.files import opened, source
from tests.researcher_job.jobs import command, make_folder

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The curlew waits at the shore.")
    return tmp_path / "docs"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def indexes(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.sqlite"))


def unfinished(cache: Path) -> list[Path]:
    return list(cache.glob(".*"))


async def test_an_unchanged_source_is_not_read_again(folder: Path, cache: Path) -> None:
    await opened(folder, cache)
    (index,) = indexes(cache)
    made = index.stat().st_ino, index.read_bytes()
    told: list[str] = []

    async def reading(coverage: Coverage, name: str) -> bool:
        told.append(name)
        return False

    await open_documents([source(folder)], cache_dir=cache, reading=reading)
    assert told == ["docs"]
    assert (index.stat().st_ino, index.read_bytes()) == made


@pytest.mark.parametrize("change", ["edited", "added", "removed", "renamed"])
async def test_a_changed_source_is_read_again(folder: Path, cache: Path, change: str) -> None:
    (folder / "b.md").write_text("Another one.")
    await opened(folder, cache)
    if change == "edited":
        (folder / "a.md").write_text("The dunlin waits at the shore.")
    elif change == "added":
        (folder / "c.md").write_text("The dunlin is new.")
    elif change == "removed":
        (folder / "b.md").unlink()
    else:
        (folder / "b.md").rename(folder / "dunlin.md")
    library = await opened(folder, cache)
    assert bool(await library.search(Query("dunlin"), limit=1)) is (change != "removed")
    assert library.coverage.read == {"added": 3, "removed": 1}.get(change, 2)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "gone"])
async def test_a_damaged_index_is_built_anew(folder: Path, cache: Path, damage: str) -> None:
    await opened(folder, cache)
    (index,) = indexes(cache)
    if damage == "truncated":
        os.truncate(index, index.stat().st_size - 4096)
    elif damage == "garbage":
        index.write_bytes(b"garbage" * 1000)
    else:
        index.unlink()
    library = await opened(folder, cache)
    assert await library.search(Query("curlew"), limit=1)


async def test_an_index_that_breaks_in_use_is_removed_and_reported(
    folder: Path, cache: Path
) -> None:
    library = await opened(folder, cache)
    (index,) = indexes(cache)
    index.write_bytes(b"garbage" * 1000)
    with pytest.raises(IndexLost, match="Start the job again"):
        await library.search(Query("curlew"), limit=1)
    assert indexes(cache) == []


async def test_indexes_of_earlier_content_go_when_long_unused(folder: Path, cache: Path) -> None:
    for number in range(2):
        await opened(folder, cache)
        (folder / f"{number}.md").write_text("New.")
    assert len(indexes(cache)) == 2
    for path in indexes(cache):
        os.utime(path, (0, 0))
    await opened(folder, cache)
    assert len(indexes(cache)) == 1


async def test_many_openings_at_once_share_one_index(folder: Path, cache: Path) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(opened, folder, cache)
    assert len(indexes(cache)) == 1
    assert unfinished(cache) == []


async def test_scores_do_not_depend_on_how_documents_are_divided_into_sources(
    tmp_path: Path, cache: Path
) -> None:
    texts = {
        "a": "The plover nests on gravel and the plover eats worms.",
        "b": "Gravel is cheap.",
        "c": "Gravel roads are dusty and worms avoid gravel.",
        "d": "A plover was seen.",
        "e": "Nothing of the kind is written in this document.",
    }
    for name, text in texts.items():
        for place in (tmp_path / "all", tmp_path / ("some" if name in "ab" else "rest")):
            place.mkdir(exist_ok=True)
            (place / f"{name}.md").write_text(text)
    split = [source(tmp_path / "some"), source(tmp_path / "rest")]
    together = await _found([source(tmp_path / "all")], cache)
    assert _scored(await _found(split, cache)) == _scored(together)
    assert len(together) == 4
    alone = await _found(split[:1], cache)
    assert _scored(alone) != _scored(together)[: len(alone)]


async def _found(sources: Sequence[SourceRef], cache: Path) -> Sequence[Passage]:
    library = await open_documents(sources, cache_dir=cache)
    return await library.search(Query("plover gravel worms"), limit=9)


def _scored(found: Sequence[Passage]) -> list[tuple[str, float]]:
    return [(passage.title, round(passage.score, 9)) for passage in found]


async def test_words_are_found_in_other_forms_and_in_titles_first(
    folder: Path, cache: Path
) -> None:
    (folder / "b.md").write_text("# Résumé of migrations\n\nBirds fly south in autumn.")
    (folder / "c.md").write_text("# Other\n\nIn a migration of birds, some get lost on the way.")
    library = await opened(folder, cache)
    found = await library.search(Query("migrating"), limit=9)
    titles = dict.fromkeys(passage.title for passage in found)
    assert list(titles) == ["Résumé of migrations", "Other"]
    assert (await library.search(Query("resume"), limit=9))[0].title == "Résumé of migrations"
    frequencies = await library.lexicon.frequencies(["bird", "curlew", "absent"])
    assert frequencies.passages == 5  # headings are blocks, too
    assert frequencies.containing == {"bird": 2, "curlew": 1, "absent": 0}


async def test_a_query_is_never_syntax(folder: Path, cache: Path) -> None:
    library = await opened(folder, cache)
    for query in ('"', "curlew AND (", "title:curlew NOT *", "a" * 4000, "?!", "🦆", "x " * 2000):
        found = await library.search(Query(query, terms=['"(', "NEAR/2"]), limit=3)
        assert len(found) == ("curlew" in query)


async def test_a_snapshot_that_nobody_has_is_a_key_error(folder: Path, cache: Path) -> None:
    library = await opened(folder, cache)
    with pytest.raises(KeyError):
        await library.snapshot("0" * 64)


async def test_texts_and_counts_of_words_are_those_of_the_documents(
    folder: Path, cache: Path
) -> None:
    texts = {
        "b.md": "\n# One\n\n" + "A gull, a tern. " * 200 + "\n\n## Two\n\nLast.\n\n# End\n",
        "c.md": "# 鳥\n\n杓鷸在岸邊等待。\n\n> Grüße, at_the shore\n\n<!-- aside -->\n",
        "d.txt": "\n\n  Indented.\n\n\nAfter.\n\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    library = await opened(folder, cache)
    for text in texts.values():
        assert await library.snapshot(hashlib.sha256(text.encode()).hexdigest()) == text
    (place,) = indexes(cache)
    with closing(sqlite3.connect(place)) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM blocks")]
    index = Index(place)
    assert (index.blocks, index.length) == (len(bodies), sum(map(len, stems(bodies))))


def test_an_error_while_rows_are_put_in_leaves_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("A gull.")
    document = extract(Asked(str(tmp_path / "a.md"), "a.md")).document
    assert isinstance(document, Document)
    writer = IndexWriter(tmp_path / "draft")
    writer.put(Seen("a.md", "a.md", "1"), document)
    writer.commit()
    writer.put(Seen("b.md", "b.md", "1"), document)
    writer.put(Seen("a.md", "a.md", "2"), document)  # it is there already
    with pytest.raises(sqlite3.IntegrityError):
        writer.commit()
    writer.close()
    again = IndexWriter(tmp_path / "draft")
    assert again.addresses() == ["a.md"]
    again.finish(tmp_path / "index", Coverage(found=1, read=1))
    assert Index(tmp_path / "index").blocks == 1


def aged(path: Path, *, days: float) -> None:
    at = time.time() - days * 24 * 3600
    os.utime(path, (at, at))


async def test_what_no_job_used_for_two_weeks_goes(folder: Path, cache: Path) -> None:
    await opened(folder, cache)
    (index,) = indexes(cache)
    (cache / "torn.draft").write_bytes(b"")
    aged(index, days=13.9)
    aged(cache / "torn.draft", days=13.9)
    remove_unused(cache)
    assert indexes(cache) == [index]
    assert (cache / "torn.draft").exists()
    aged(cache / "torn.draft", days=14.1)
    aged(index, days=14.1)
    await opened(folder, cache)  # a job uses it
    remove_unused(cache)
    assert indexes(cache) == [index]
    assert not (cache / "torn.draft").exists()
    aged(index, days=14.1)
    remove_unused(cache)
    assert indexes(cache) == []


async def test_the_command_removes_what_no_job_uses(folder: Path, cache: Path) -> None:
    await opened(folder, cache)
    (index,) = indexes(cache)
    aged(index, days=14.1)
    job = make_folder(folder.parent / "job")
    assert command("--folder", job.path, "--cache", cache).returncode == 0
    assert not index.exists()
