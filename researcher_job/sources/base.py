"""The port to what a job may search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from researcher_job.contract import Coverage


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


Reading = Callable[[Coverage, str], Awaitable[None]]
"""Called while sources are read: coverage so far, and the name of what was read last."""


class Library(Protocol):
    """The sources of one job, opened and ready to be searched together.

    Scores are comparable across its sources and depend on nothing outside them.
    """

    @property
    def coverage(self) -> Coverage:
        """What was found and read, and what was not and why."""
        ...

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Return up to ``limit`` passages, the best first; none where nothing matches."""
        ...

    async def snapshot(self, sha256: str) -> str:
        """Return the extracted text that passages with this ``snapshot`` point into."""
        ...
