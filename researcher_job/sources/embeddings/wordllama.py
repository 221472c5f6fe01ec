"""Word vectors of the package ``wordllama`` (extra ``semantic``), held in its wheel.

Fast, and good for English: a text is the mean of the vectors of its words.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from researcher_job.sources.embeddings.base import MAX_CHARACTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LATIN = "\u024f"
"""The last letter of the scripts that the vectors know words of."""


class WordLlama:
    """The ``Embedder`` of word vectors."""

    def __init__(self) -> None:
        """Load the vectors; nothing is fetched.

        Raises:
            ImportError: the extra ``semantic`` is not installed.
        """
        with _logging_unchanged():
            import wordllama
        # Without these two it looks for its own files in a cache, then on the network.
        folder = Path(wordllama.__file__).parent
        self._model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
        dimensions = int(self._model.embedding.shape[1])
        self.name = f"wordllama-{version('wordllama')}-{dimensions}"

    def knows(self, text: str) -> bool:
        return all(letter <= _LATIN for letter in text if letter.isalpha())

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        shown = [text[:MAX_CHARACTERS].strip() or " " for text in texts]
        vectors: NDArray[np.float32] = self._model.embed(shown, norm=True)
        return vectors


@contextmanager
def _logging_unchanged() -> Iterator[None]:
    """Keep the import from setting up logging for the whole process."""
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)
