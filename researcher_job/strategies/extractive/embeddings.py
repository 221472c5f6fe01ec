"""How near texts are in what they mean, by word vectors that an optional package brings along.

The package ``wordllama`` (extra ``semantic``) holds the vectors in its wheel: nothing is fetched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wordllama.inference import WordLlamaInference

_MOST_CHARACTERS = 2_000
"""What is looked at of one text; what a longer one means is no sentence's meaning."""

_LATIN = "\u024f"
"""The last letter of the scripts that the vectors know words of."""


class Vectors:
    """Compares texts by the mean of the vectors of their words."""

    def __init__(self, model: WordLlamaInference) -> None:
        self._model = model

    def nearness(self, text: str, others: Sequence[str]) -> list[float]:
        """Return how near each of ``others`` is to ``text``: the cosine, from -1 to 1."""
        if not others:
            return []
        first, *rest = self._model.embed([_shown(one) for one in (text, *others)], norm=True)
        return [float(first @ one) for one in rest]


def nearness_by(vectors: Vectors | None, text: str, others: Sequence[str]) -> Sequence[float]:
    """Return how near each of ``others`` is to ``text``; 0 without vectors."""
    return [0.0] * len(others) if vectors is None else vectors.nearness(text, others)


def vectors_for(text: str) -> Vectors | None:
    """Return vectors for what is asked in ``text``, if they are installed and know its script."""
    knows = all(letter <= _LATIN for letter in text if letter.isalpha())
    return installed() if knows else None


@cache
def installed() -> Vectors | None:
    """Return the vectors of the package, if it is installed; they are read once."""
    if find_spec("wordllama") is None:
        return None
    with _logging_as_it_is():
        import wordllama
    # Without these two it looks for its own files in a cache, then on the network.
    folder = Path(wordllama.__file__).parent
    return Vectors(wordllama.WordLlama.load(cache_dir=folder, disable_download=True))


@contextmanager
def _logging_as_it_is() -> Iterator[None]:
    """Keep an import from setting up logging for the whole process: it does where nobody has."""
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        yield
    finally:
        logging.root.removeHandler(handler)


def _shown(text: str) -> str:
    return text[:_MOST_CHARACTERS].strip() or " "
