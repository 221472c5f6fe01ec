"""Vectors of blocks, kept by their content beside the index, and all of an index in memory."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from researcher_job.sources.embeddings.base import Embedder, EmbeddingFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TOGETHER = 256
"""Blocks that are embedded with one call."""

_ROWS_AT_ONCE = 16_384
"""Rows that are compared at once; more would need more memory for their full precision."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (content BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID
"""


_PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
"""A power cut may cost the vectors made last: they are made again."""

_LONGEST_WAIT = 60.0
"""Seconds to wait for another job that writes vectors at the moment."""


@dataclass(frozen=True)
class BlockVectors:
    """The vectors of the blocks of one index: row ``i`` is that of the block ``ids[i]``."""

    ids: NDArray[np.int64]
    rows: NDArray[np.float16]

    def nearest(self, question: NDArray[np.float32], most: int) -> list[tuple[int, float]]:
        """Return up to ``most`` blocks by their cosine with ``question``, the nearest first."""
        import numpy as np

        cosines = self._cosines(question)
        most = min(most, len(cosines))
        if not most:
            return []
        best = np.argpartition(-cosines, most - 1)[:most]
        ordered = best[np.argsort(-cosines[best], kind="stable")]
        return [(int(self.ids[row]), float(cosines[row])) for row in ordered]

    def nearness(self, question: NDArray[np.float32], block: int) -> float:
        """Return the cosine of ``block`` with ``question``; 0 if it has no vector."""
        import numpy as np

        row = int(np.searchsorted(self.ids, block))
        if row == len(self.ids) or self.ids[row] != block:
            return 0.0
        return float(self.rows[row].astype(np.float32) @ question)

    def _cosines(self, question: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        parts = [
            self.rows[start : start + _ROWS_AT_ONCE].astype(np.float32) @ question
            for start in range(0, len(self.rows), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


class Kept:
    """An ``Embedder`` whose vectors of passages are kept in the file at ``path``, by content."""

    def __init__(self, embedder: Embedder, cache_dir: Path) -> None:
        self._embedder = embedder
        self._path = cache_dir / f"{embedder.name}.vectors"
        self.name = embedder.name

    def knows(self, text: str) -> bool:
        return self._embedder.knows(text)

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embedder.questions(texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        with closing(_opened(self._path)) as database:
            found = _vectors(database, self._embedder, texts)
            database.commit()
        return found.astype(np.float32)


def block_vectors(
    path: Path, embedder: Embedder, blocks: Iterator[tuple[int, str]], *, make: bool = True
) -> BlockVectors:
    """Return the vectors of ``blocks``, given as id and text in the order of their ids.

    Those of equal text are taken from the file at ``path``; the others are made and added to it,
    or left out unless ``make``.

    Raises:
        OSError, sqlite3.Error: the file cannot be read or written.
    """
    import numpy as np

    ids: list[int] = []
    rows: list[NDArray[np.float16]] = []
    with closing(_opened(path)) as database:
        while part := list(islice(blocks, _TOGETHER)):
            if not make:
                stored = _stored(database, [text for _, text in part])
                part = [one for one in part if _content(one[1]) in stored]
            if part:
                ids += [number for number, _ in part]
                rows.append(_vectors(database, embedder, [text for _, text in part]))
                database.commit()
    whole = np.concatenate(rows) if rows else np.zeros((0, 1), dtype=np.float16)
    return BlockVectors(np.asarray(ids, dtype=np.int64), whole)


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_LONGEST_WAIT)
    database.executescript(_PRAGMAS)
    database.execute(_SCHEMA)
    return database


def _vectors(
    database: sqlite3.Connection, embedder: Embedder, texts: Sequence[str]
) -> NDArray[np.float16]:
    import numpy as np

    contents = [_content(text) for text in texts]
    stored = _stored(database, texts)
    missing = {one: text for one, text in zip(contents, texts, strict=True) if one not in stored}
    if missing:
        made = embedder.passages(list(missing.values())).astype(np.float16)
        fresh = {one: row.tobytes() for one, row in zip(missing, made, strict=True)}
        database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", fresh.items())
        stored |= fresh
    if len({len(vector) for vector in stored.values()}) != 1:
        raise EmbeddingFailed(embedder.name, "makes vectors of another length than before")
    return np.stack([np.frombuffer(stored[one], dtype=np.float16) for one in contents])


def _content(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _stored(database: sqlite3.Connection, texts: Sequence[str]) -> dict[bytes, bytes]:
    """Return the vectors of those ``texts`` that have one, by their content."""
    contents = [_content(text) for text in texts]
    marks = ", ".join("?" * len(contents))
    found = database.execute(
        f"SELECT content, vector FROM vectors WHERE content IN ({marks})",  # noqa: S608 - marks only
        contents,
    )
    return dict(found)
