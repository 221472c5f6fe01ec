"""``python -m tests.benchmarks.reading``: what reading costs beside the least it could cost.

Real files and indexes in a temporary folder. The second job on an unchanged folder stands beside
a bare ``os.walk`` with ``os.stat``, the first beside raw FTS5 inserts of the same passages by the
same tokenizer, memory on a large folder beside that on a small one, a query beside the same words
asked of a bare FTS5 table. Where a figure is the best of several runs, both columns are.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from researcher_job.sources.documents.walk import walk
from researcher_job.sources.index.tokenizer import TOKENIZER
from tests.benchmarks.measures import Row
from tests.benchmarks.searching import searching

FILES = 10_000
LARGE, SMALL = 4_000, 400
_WORDS_EACH, _PARAGRAPH = 600, 60
_RUNS = 5
_OPEN = """
import anyio, resource, sys, time
from pathlib import Path
from research_contract.records import Source
from researcher_job.sources.documents.documents import open_library
began = time.perf_counter()
source = Source(name="docs", uri=Path(sys.argv[1]).as_uri())
library = anyio.run(lambda: open_library([source], cache_dir=Path(sys.argv[2])))
assert library.coverage.read == library.coverage.found > 0
spent = time.perf_counter() - began
who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
used = [resource.getrusage(one).ru_maxrss for one in who]
print(spent * 1000, max(used) / 1000)
"""
_WORDS = [f"{first}{second}" for first in ("ba", "ke", "lo", "mi", "nu") for second in range(400)]


def reading(root: Path) -> list[Row]:
    """Return the rows of the table."""
    many = _documents(root / "many", FILES, words=60)
    large = _documents(root / "large", LARGE, words=_WORDS_EACH)
    small = _documents(root / "small", SMALL, words=_WORDS_EACH)
    _opened(many, root)
    again = min(_opened(many, root)[0] for _ in range(3))
    walked, bare = min(map(_walk_alone, [many] * 3)), min(map(_bare_walk, [many] * 3))
    runs = [(*_opened(large, root, anew=True), _raw_inserts(root)) for _ in range(_RUNS)]
    first, raw = min(run[0] for run in runs), min(run[2] for run in runs)
    _, small_memory = _opened(small, root)
    return [
        Row(f"second job on {FILES:,} unchanged files", again, bare, "ms", "≤ 1,000 ms"),
        Row("of that, finding the files", walked, bare, "ms"),
        Row(f"first reading of {_megabytes(large):.0f} MB", first, raw, "ms", "≤ 2×"),
        *_speeds(large, first, raw),
        Row(
            "memory of the larger process, 10 times the files",
            max(run[1] for run in runs),
            small_memory,
            "MB",
            "flat",
        ),
        *searching(root),
    ]


def _speeds(folder: Path, first: float, raw: float) -> list[Row]:
    megabytes, paragraphs = _megabytes(folder), LARGE * _WORDS_EACH / _PARAGRAPH
    return [
        Row("that is", megabytes / first * 1000, megabytes / raw * 1000, "MB/s"),
        Row("that is", paragraphs / first * 1000, paragraphs / raw * 1000, "paragraphs/s"),
    ]


def _documents(folder: Path, count: int, *, words: int) -> Path:
    chosen = random.Random(count)  # noqa: S311 - texts, no secrets
    for number in range(count):
        place = folder / f"{number % 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        said = chosen.choices(_WORDS, k=words)
        paragraphs = [
            " ".join(said[begin : begin + _PARAGRAPH]) for begin in range(0, words, _PARAGRAPH)
        ]
        text = f"# Paper {number}\n\n" + "\n\n".join(paragraphs) + "\n"
        (place / f"{number}.md").write_text(text, encoding="utf-8")
    return folder


def _opened(folder: Path, root: Path, *, anew: bool = False) -> tuple[float, float]:
    """Open a library in a process of its own; return milliseconds (imports left out) and MB."""
    if anew:
        shutil.rmtree(root / "cache")
    command = [sys.executable, "-c", _OPEN, str(folder), str(root / "cache")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent, memory = map(float, said.split())
    return spent, memory


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _walk_alone(folder: Path) -> float:
    return _timed(lambda: list(walk(folder)))


def _bare_walk(folder: Path) -> float:
    return _timed(
        lambda: [
            os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - as bare as can be
            for place, _, names in os.walk(folder)
            for name in names
        ]
    )


def _raw_inserts(root: Path) -> float:
    """Put the passages of the newest index into a bare FTS5 table of the same tokenizer."""
    index = max((root / "cache").glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns)
    (root / "raw").unlink(missing_ok=True)
    with closing(sqlite3.connect(index)) as read, closing(sqlite3.connect(root / "raw")) as raw:
        passages = read.execute("SELECT title, heading, body FROM passages").fetchall()
        raw.execute(
            f"CREATE VIRTUAL TABLE t USING fts5(title, heading, body, tokenize = '{TOKENIZER}')"
        )
        return _timed(lambda: _inserted(raw, passages))


def _inserted(raw: sqlite3.Connection, passages: list[tuple[str, str, str]]) -> None:
    raw.executemany("INSERT INTO t VALUES (?, ?, ?)", passages)
    raw.commit()


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.md")) / 1e6


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as directory:
        for row in reading(Path(directory).resolve()):
            said = f"{row.ours:.1f} {row.unit} beside {row.bare:.1f}: {row.ratio:.2f}x"
            print(f"{row.name}: {said}" + (f" (aim {row.aim})" if row.aim else ""))


if __name__ == "__main__":
    main()
