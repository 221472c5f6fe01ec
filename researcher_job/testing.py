"""Published fakes for tests of researchers: a library over texts in memory, and a strategy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from research_contract.records import Coverage, Depth, SourceRef
from researcher_job.research.worker import FindState
from researcher_job.sources.base import (
    Frequencies,
    Library,
    Mention,
    Passage,
    Query,
    Quote,
    Reading,
)

_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")

Watcher = Callable[[str], Awaitable[None]]
"""Called with the question of each search before it is answered; may wait or raise."""


async def _let_pass(_question: str) -> None:
    """Do nothing: the default watcher."""


@dataclass
class FakeLibrary:
    """A ``Library`` over ``texts`` (title to text); ranks paragraphs by the words they share.

    ``watcher`` sees each search first. ``searched`` lists the questions, in order;
    ``opened`` with what ``open`` was called, ``about`` what it was told the job wants to know.
    """

    texts: Mapping[str, str]
    coverage_said: Coverage | None = None
    watcher: Watcher = _let_pass
    searched: list[str] = field(default_factory=list)
    opened: list[tuple[Sequence[SourceRef], Path]] = field(default_factory=list)
    about: list[str] = field(default_factory=list)

    @property
    def edition(self) -> str:
        return _sha256(json.dumps(dict(self.texts)))

    @property
    def coverage(self) -> Coverage:
        return self.coverage_said or Coverage(found=len(self.texts), read=len(self.texts))

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        self.searched.append(query.question)
        await self.watcher(query.question)
        wanted = _words(" ".join((query.question, *query.terms)))
        found = [passage for title in self.texts for passage in self._passages(title)]
        scored = [replace(item, score=float(len(wanted & _words(item.text)))) for item in found]
        matching = [item for item in scored if item.score]
        return sorted(matching, key=lambda passage: -passage.score)[:limit]

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        """Count the paragraphs with a word that begins with the stem."""
        holders = [_words(item.text) for title in self.texts for item in self._passages(title)]
        return Frequencies(
            passages=len(holders),
            containing={
                stem: sum(any(word.startswith(stem) for word in words) for words in holders)
                for stem in stems
            },
        )

    async def mentioned(self, _texts: Sequence[str], _query: Query) -> Sequence[Mention]:
        """Know no titles."""
        return ()

    async def snapshot(self, sha256: str) -> str:
        return {_sha256(text): text for text in self.texts.values()}[sha256]

    async def open(
        self,
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Library:
        """Stand in for ``open_library``: tells of each text as it is read, keeps nothing."""
        self.opened.append((sources, cache_dir))
        self.about += about
        for count, title in enumerate(self.texts, start=1):
            if reading:
                await reading(Coverage(found=len(self.texts), read=count), title)
        return self

    def _passages(self, title: str) -> list[Passage]:
        text = self.texts[title]
        return [
            Passage(
                source="texts",
                uri=f"memory:{title}",
                title=title,
                locator=f"line {text.count(chr(10), 0, found.start()) + 1}",
                snapshot=_sha256(text),
                start=found.start(),
                end=found.end(),
                text=found[0],
                score=0.0,
            )
            for found in _PARAGRAPH.finditer(text)
        ]


_QUOTES: Mapping[Depth, int] = {"quick": 1, "standard": 2, "deep": 3}


@dataclass(frozen=True)
class FakeFindings:
    """What ``find_passages`` found."""

    quotes: tuple[Quote, ...]
    state: FindState
    note: str = ""


async def find_passages(
    question: str, library: Library, *, terms: Sequence[str] = (), depth: Depth = "standard"
) -> FakeFindings:
    """Quote the best passages whole; a question that shares no word finds nothing."""
    passages = await library.search(Query(question, terms), limit=_QUOTES[depth])
    quotes = tuple(Quote(item, item.start, item.end, item.text, 1.0) for item in passages)
    return FakeFindings(quotes, "answered" if quotes else "not_found")


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text) if len(word) > 3}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
