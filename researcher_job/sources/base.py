"""The port to what a job may search."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from research_contract.records import Coverage


@dataclass(frozen=True)
class Passage:
    """A place in a document that matches: ``snapshot text[start:end] == text`` (code points).

    ``snapshot`` is the SHA-256 (hex) of the document's extracted text in UTF-8, ``uri`` the
    document itself, ``locator`` how a person finds the place (``page 3``, ``Setup > Linux``,
    ``line 40``). ``score`` ranks passages of one search; greater is better.
    """

    source: str
    uri: str
    title: str
    locator: str
    snapshot: str
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True)
class Quote:
    """A verbatim part of a passage that speaks to a question.

    ``start`` and ``end`` count code points in the snapshot (not in the passage). ``score``
    (0 to 1) is how much of the question the quote touches.
    """

    passage: Passage
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True)
class Query:
    """What to look for: the question and other words for the same (synonyms, names)."""

    question: str
    terms: Sequence[str] = ()


@dataclass(frozen=True)
class Frequencies:
    """How many passages a library holds, and how many of them hold each stemmed word."""

    passages: int
    containing: Mapping[str, int]

    def idf(self, stem: str) -> float:
        """Return the inverse document frequency (Robertson and Spärck Jones, kept positive)."""
        holding = self.containing.get(stem, 0)
        return math.log(1 + (self.passages - holding + 0.5) / (holding + 0.5))


@dataclass(frozen=True)
class Mention:
    """A document or section whose title stands in a text, with the passage that begins it.

    ``text`` is the index of the text, ``name`` the title as its stems, spaced.
    """

    text: int
    name: str
    passage: Passage


Reading = Callable[[Coverage, str], Awaitable[None]]
"""Called while sources are read: coverage so far, and the name of what was read last."""


class Library(Protocol):
    """The sources of one job, opened and ready to be searched together.

    Scores are comparable across its sources and depend on nothing outside them.
    """

    @property
    def edition(self) -> str:
        """Name of exactly what can be found here: another one once any of it changed."""
        ...

    @property
    def coverage(self) -> Coverage:
        """What was found and read, and what was not and why."""
        ...

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Return up to ``limit`` passages, the best first; none where nothing matches."""
        ...

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        """Return in how many passages each of ``stems`` occurs; 0 for those found nowhere."""
        ...

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        """Return what ``texts`` name by its title, scored as ``search`` scores for ``query``.

        None where titles are not known.
        """
        ...

    async def snapshot(self, sha256: str) -> str:
        """Return the extracted text that passages with this ``snapshot`` point into.

        Raises:
            KeyError: no document has this hash.
        """
        ...
