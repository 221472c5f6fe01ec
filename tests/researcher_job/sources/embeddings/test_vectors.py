"""Blocks that share no word with a question are found by meaning; vectors are made once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from research_contract.records import SourceRef
from researcher_job.core.settings import JobSettings
from researcher_job.sources.base import Query
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.embeddings.base import Embedder
from researcher_job.sources.embeddings.configured import Model, model_of_blocks
from researcher_job.sources.index.document_source import DocumentSource, IndexLost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

pytestmark = pytest.mark.anyio

ASKED = "How much vacation does staff get?"
TEXTS = {
    "leave.md": "# Leave\n\nEmployees receive 25 days of paid holiday.",
    "pumps.md": "# Pumps\n\nThe pump moves water through a pipe.",
    "robots.md": "# Robots\n\nThe warehouse robot lifts boxes.",
}


@dataclass
class Counting:
    """Word vectors that count which passages they were asked for."""

    inner: Embedder
    asked: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    def knows(self, text: str, /) -> bool:
        return self.inner.knows(text)

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.inner.questions(texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return self.inner.passages(texts)


@pytest.fixture
def counting() -> Counting:
    model = model_of_blocks(JobSettings(cache_dir=Path()))
    assert model is not None, "the extra 'semantic' is not installed: make .venv/.dev"
    return Counting(model.load())


async def opened_with(folders: Sequence[Path], cache: Path, embedder: Embedder) -> DocumentSource:
    sources = [SourceRef(name=one.name, uri=one.as_uri()) for one in folders]
    return await open_documents(sources, cache_dir=cache, model=Model("test 1", lambda: embedder))


def written(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return folder


async def test_an_index_that_breaks_while_vectors_are_made_is_lost_and_removed(
    tmp_path: Path, counting: Counting
) -> None:
    broken = threading.Event()

    def load() -> Embedder:
        broken.wait(60)
        return counting

    folder, cache = written(tmp_path / "docs"), tmp_path / "cache"
    library = await open_documents(
        [SourceRef(name="docs", uri=folder.as_uri())],
        cache_dir=cache,
        model=Model("test 1", load),
    )
    (index,) = cache.glob("*.sqlite")
    index.write_bytes(b"garbage" * 1000)
    broken.set()
    with pytest.raises(IndexLost, match=index.name):
        await library.ready()
    assert not index.exists()


async def test_a_block_that_shares_no_word_is_found(tmp_path: Path, counting: Counting) -> None:
    folder = written(tmp_path / "docs")
    alone = await open_documents(
        [SourceRef(name="docs", uri=folder.as_uri())], cache_dir=tmp_path / "cache"
    )
    assert await alone.search(Query(ASKED), limit=5) == []
    found = await (await opened_with([folder], tmp_path / "cache", counting)).search(
        Query(ASKED), limit=5
    )
    assert max(found, key=lambda one: one.nearness).title == "Leave"
    assert alone.edition != (await opened_with([folder], tmp_path / "cache", counting)).edition


async def test_what_several_sources_hold_is_compared_together(
    tmp_path: Path, counting: Counting
) -> None:
    whole = await opened_with([written(tmp_path / "docs")], tmp_path / "cache", counting)
    apart = []
    for name, text in TEXTS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
        apart.append(tmp_path / name)
    divided = await opened_with(apart, tmp_path / "cache", counting)
    for question in (ASKED, "What does the pump move?"):
        one, other = [
            [
                (found.title, found.score, found.nearness)
                for found in await source.search(Query(question), limit=5)
            ]
            for source in (whole, divided)
        ]
        assert sorted(one) == sorted(other)


async def test_vectors_are_made_once_for_each_text(tmp_path: Path, counting: Counting) -> None:
    folder = written(tmp_path / "docs")
    await (await opened_with([folder], tmp_path / "cache", counting)).search(Query("a"), limit=1)
    assert len(counting.asked) == len(TEXTS)
    (folder / "leave.md").rename(folder / "moved.md")
    (folder / "pumps.md").write_text(TEXTS["pumps.md"] + "\n\nIt needs no oil.")
    await (await opened_with([folder], tmp_path / "cache", counting)).search(Query("a"), limit=1)
    assert [text.splitlines()[-1] for text in counting.asked[len(TEXTS) :]] == ["It needs no oil."]


async def test_a_question_in_a_script_that_the_model_cannot_read_is_judged_by_words(
    tmp_path: Path, counting: Counting
) -> None:
    source = await opened_with([written(tmp_path / "docs")], tmp_path / "cache", counting)
    assert await source.search(Query("首都在哪里？"), limit=5) == []


async def test_what_goes_wrong_is_raised_where_vectors_are_needed(
    tmp_path: Path, counting: Counting
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{counting.name}.vectors").mkdir()
    source = await opened_with([written(tmp_path / "docs")], tmp_path / "cache", counting)
    with pytest.raises(sqlite3.OperationalError):
        await source.search(Query(ASKED), limit=5)
