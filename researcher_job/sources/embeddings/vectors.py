"""The vectors of all blocks of several indexes, made while the job already searches by words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from researcher_job.sources.embeddings.base import Embedder
from researcher_job.sources.embeddings.configured import Model
from researcher_job.sources.embeddings.store import BlockVectors, block_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Texts = Callable[[], Iterator[tuple[int, str]]]
"""Yields id and text of each block of an index, in the order of ids."""

Made = tuple[Embedder, dict[Path, BlockVectors]]


class Vectors:
    """Compares questions with the blocks of ``indexes`` by meaning; ``edition`` names the model.

    The model is loaded, and the vectors that ``cache_dir`` does not hold are made, in a thread
    of its own; whoever needs them waits. What went wrong there is raised to whoever waits.
    Unless ``make``, none are made: blocks without a vector are not compared.
    """

    def __init__(
        self, model: Model, indexes: Mapping[Path, Texts], *, cache_dir: Path, make: bool = True
    ) -> None:
        self.edition = model.edition
        self._load = model.load
        self._indexes = indexes
        self._cache_dir = cache_dir
        self._make_missing = make
        self._made: Future[Made] = Future()
        # A daemon, so that a job that ends does not wait: what was made stays in the cache.
        threading.Thread(target=self._make, name="vectors", daemon=True).start()

    def wait(self) -> None:
        """Return once all vectors are made; raises what ``of`` raises."""
        self._made.result()

    def of(self, question: str) -> QuestionVectors | None:
        """Return how near blocks are to ``question``; ``None`` if that cannot be told.

        Raises:
            IndexBroken, OSError, sqlite3.Error: the vectors cannot be made.
        """
        embedder, blocks = self._made.result()
        if not embedder.knows(question) or not any(len(one.ids) for one in blocks.values()):
            return None
        return QuestionVectors(blocks, embedder.questions([question])[0])

    def _make(self) -> None:
        try:
            embedder = self._load()
            path = self._cache_dir / f"{embedder.name}.vectors"
            blocks = {
                index: block_vectors(path, embedder, texts(), make=self._make_missing)
                for index, texts in self._indexes.items()
            }
            self._made.set_result((embedder, blocks))
        except BaseException as error:  # noqa: BLE001 - it is raised where the vectors are needed
            self._made.set_exception(error)


class QuestionVectors:
    """How near the blocks of each index are to one question."""

    def __init__(self, blocks: dict[Path, BlockVectors], question: NDArray[np.float32]) -> None:
        self._blocks = blocks
        self._question = question

    def nearest(self, index: Path, most: int) -> list[tuple[int, float]]:
        """Return up to ``most`` ids of blocks with their cosines, the nearest first."""
        return self._blocks[index].nearest(self._question, most)

    def nearness(self, index: Path, block: int) -> float:
        """Return the cosine (-1 to 1) of a block with the question; 0 if it has no vector."""
        return self._blocks[index].nearness(self._question, block)
