"""What a search over 100,000 paragraphs costs beside the same words asked of a bare FTS5 table."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio

from research_contract.records import SourceRef
from researcher_job.sources.base import Query, Source
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.index.tokenizer import TOKENIZER
from tests.benchmarks.measures import Row

FILES, PARAGRAPHS = 1_000, 100
_WORDS = 160
"""In a paragraph, so that none shares a passage with another."""

_QUERIES, _LIMIT = 30, 10
_ASKED = """
SELECT rowid, title, heading, body FROM t WHERE t MATCH ? ORDER BY bm25(t, 2.0, 1.0, 1.0) LIMIT ?
"""


def searching(root: Path) -> list[Row]:
    """Return the rows: words that thousands of paragraphs hold, and words that few do."""
    chosen = random.Random(7)  # noqa: S311 - texts, no secrets
    words = [f"{first}{second}" for first in ("ba", "ke", "lo", "mi") for second in range(1_000)]
    folder = root / "paragraphs"
    for number in range(FILES):
        place = folder / f"{number % 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        said = (" ".join(chosen.choices(words, k=_WORDS)) for _ in range(PARAGRAPHS))
        rare = (f"{text} once{number * PARAGRAPHS + at}" for at, text in enumerate(said))
        text = f"# Paper {number}\n\n" + "\n\n".join(rare) + "\n"
        (place / f"{number}.md").write_text(text, encoding="utf-8")
    asked = [chosen.sample(words, 3) for _ in range(_QUERIES)]
    few = [[f"once{chosen.randrange(FILES * PARAGRAPHS)}"] for _ in range(_QUERIES)]
    return anyio.run(_rows, folder, root / "paragraphs-cache", asked, few)


async def _rows(
    folder: Path, cache: Path, asked: Sequence[Sequence[str]], few: Sequence[Sequence[str]]
) -> list[Row]:
    source = SourceRef(name="docs", uri=folder.as_uri())
    library = await open_documents([source], cache_dir=cache)
    with closing(sqlite3.connect(":memory:")) as bare:
        count = _copied(cache, bare)
        return [
            Row(
                f"search among {count:,} passages, three words of many",
                *await _medians(library, bare, asked),
                "ms",
                "≤ 3×",
            ),
            Row("the same, a word of one passage", *await _medians(library, bare, few), "ms"),
        ]


def _copied(cache: Path, bare: sqlite3.Connection) -> int:
    (index,) = cache.glob("*.sqlite")
    bare.execute(
        f"CREATE VIRTUAL TABLE t USING fts5(title, heading, body, tokenize = '{TOKENIZER}')"
    )
    with closing(sqlite3.connect(index)) as read:
        passages = read.execute("SELECT title, heading, body FROM passages ORDER BY id")
        bare.executemany("INSERT INTO t VALUES (?, ?, ?)", passages)
    bare.commit()
    return int(bare.execute("SELECT count(*) FROM t").fetchone()[0])


async def _medians(
    library: Source, bare: sqlite3.Connection, asked: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """Ask both in turn, each question once; return milliseconds of ours and of the bare table."""
    ours, theirs = [], []
    for words in asked:
        began = time.perf_counter()
        found = await library.search(Query(f"Which are {' '.join(words)}?"), limit=_LIMIT)
        ours.append((time.perf_counter() - began) * 1000)
        assert found
        began = time.perf_counter()
        match = " OR ".join(f'"{word}"' for word in words)
        bare.execute(_ASKED, (match, _LIMIT)).fetchall()
        theirs.append((time.perf_counter() - began) * 1000)
    return statistics.median(ours), statistics.median(theirs)
