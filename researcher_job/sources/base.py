"""The port to what a job searches: a source, and the lexicon that an index adds to one."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from research_contract.records import Coverage, SourceRef
from researcher_job.sources.document import BlockKind, ContextKind


class ContextText(NamedTuple):
    """A part of a document that a passage needs to be understood, with its text.

    ``cell`` is the start of the cell that a column head or a carried cell belongs to, else -1.
    """

    text: str
    kind: ContextKind
    start: int
    end: int
    cell: int = -1


class Place(NamedTuple):
    """Where a text stands: from ``start`` to ``end`` in the snapshot with this hash."""

    snapshot: str
    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    """A place in a document that matches: ``snapshot text[start:end] == text`` (code points).

    ``snapshot`` is the SHA-256 (hex) of the document's extracted text in UTF-8, ``uri`` the
    document itself, ``locator`` how a person finds the place (``page 3``, ``Setup > Linux``,
    ``line 40``). ``score`` ranks passages of one search by their words; greater is better.
    ``nearness`` is the cosine (-1 to 1) of the passage's meaning with the question's; 0 where the
    source does not compare meanings. ``ahead``: found by vectors made ahead, not by words.
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
    kind: BlockKind = "paragraph"
    context: tuple[ContextText, ...] = ()
    nearness: float = 0.0
    ahead: bool = False

    @property
    def place(self) -> Place:
        return Place(self.snapshot, self.start, self.end)


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

    @property
    def place(self) -> Place:
        return Place(self.passage.snapshot, self.start, self.end)


@dataclass(frozen=True)
class Query:
    """What to look for: the question and other words for the same (synonyms, names).

    ``words_from`` are the names of the sources from whose texts words of the query were taken;
    none where all are those of the question and plan. Sources that may not see them are not asked.
    """

    question: str
    terms: Sequence[str] = ()
    words_from: tuple[str, ...] = ()


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
class Related:
    """Other words for those of a question, as the documents write them.

    ``meanings`` are words or phrases for the same, such as what an abbreviation stands for;
    ``inflections`` are, by word of the question (lower case), its forms among the words of an
    index.
    """

    meanings: tuple[str, ...] = ()
    inflections: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Mention:
    """A document or section whose title stands in a text, with the passage that begins it.

    ``text`` is the index of the text, ``name`` the title as its stems, spaced.
    """

    text: int
    name: str
    passage: Passage


Reading = Callable[[Coverage, str], Awaitable[bool]]
"""Called while sources are read: coverage so far, and the name of what was read last.

Returns whether that is enough: reading ends then, and what was read is searched.
"""


class Lexicon(Protocol):
    """What a full-text index knows beyond its passages: word statistics and titles."""

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        """Return in how many passages each of ``stems`` occurs; 0 for those found nowhere."""
        ...

    async def related(self, query: Query) -> Related:
        """Return other words for those of ``query``."""
        ...

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        """Return the titles that occur in ``texts``, scored as ``search`` scores for ``query``.

        Empty where the source keeps no titles.
        """
        ...


class Source(Protocol):
    """Something a job searches and opens: folders of documents, an earlier job, a service.

    The scores of one source are comparable with each other and depend on nothing outside it.
    Several indexes behind one source are scored by their joint word statistics, so that the order
    does not depend on how documents are divided among them. Ranks of different sources are never
    compared; scores only where both have a ``lexicon``.

    ``kind`` is a short name for the step log, such as ``documents``.
    """

    @property
    def kind(self) -> str: ...

    @property
    def edition(self) -> str:
        """Identifier of the exact content: it changes when anything that can be found changes."""
        ...

    @property
    def coverage(self) -> Coverage:
        """What was found and read, and what was not and why."""
        ...

    @property
    def lexicon(self) -> Lexicon | None:
        """Word statistics and titles, where an index has them."""
        ...

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Return up to ``limit`` passages by words, best first, and more that are near in meaning.

        None where nothing matches.
        """
        ...

    async def unread(self, uri: str) -> bool:
        """Return whether the source or document at ``uri`` was not read, so it may hold anything.

        False for a document that is gone from a source that was read.
        """
        ...

    async def snapshot(self, sha256: str) -> str:
        """Open the text that passages with this ``snapshot`` point into.

        Raises:
            KeyError: no document of this source has this hash.
        """
        ...


class WrappedSource:
    """A ``Source`` around another one, all of which it passes on; it may search in another way."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def edition(self) -> str:
        return self._source.edition

    @property
    def kind(self) -> str:
        return self._source.kind

    @property
    def coverage(self) -> Coverage:
        return self._source.coverage

    @property
    def lexicon(self) -> Lexicon | None:
        return self._source.lexicon

    async def unread(self, uri: str) -> bool:
        return await self._source.unread(uri)

    async def snapshot(self, sha256: str) -> str:
        return await self._source.snapshot(sha256)

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        return await self._source.search(query, limit=limit)


class OpenSource(Protocol):
    """Reads the sources of a request and returns one source to search."""

    def __call__(
        self,
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Awaitable[Source]: ...


async def word_statistics(
    source: Source, stems: Sequence[str], passages: Sequence[Passage]
) -> Frequencies:
    """Return how common ``stems`` are in ``source``; counted in ``passages`` without a lexicon."""
    if source.lexicon is not None:
        return await source.lexicon.frequencies(stems)
    texts = [passage.text.casefold() for passage in passages]
    return Frequencies(len(texts), {stem: sum(stem in text for text in texts) for stem in stems})
