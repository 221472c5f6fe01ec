"""The port to models that make vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from research_contract.records import Cost
from researcher_job.core.errors import JobError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CHARACTERS = 2_000
"""Characters of one text that are embedded; the meaning of a longer one is no passage's."""


class EmbeddingFailed(JobError):
    """A service gave no vectors. ``cost`` is what the call cost all the same, where known."""

    safe_to_log = True

    def __init__(self, model: str, why: str, *, cost: Cost | None = None) -> None:
        super().__init__(f"The embeddings endpoint '{model}' {why}.")
        self.cost = cost


class Embedder(Protocol):
    """Makes vectors of texts. Calls may come from several threads at once.

    ``name`` identifies the model, its version and the number of dimensions; vectors of different
    names are never compared.
    """

    @property
    def name(self) -> str: ...

    def knows(self, text: str, /) -> bool:
        """Return whether the model knows the script of ``text``."""
        ...

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each question, as rows."""
        ...

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each passage, as rows."""
        ...


def embedded_text(title: str, headings: str, around: str, body: str) -> str:
    """Return the text that stands for a block: what it is about, then the block itself.

    The document's ``title`` stands for ``headings`` where there are none. ``around`` is the rest
    of the block's context.
    """
    return f"{headings or title}\n{around}\n{body}"
