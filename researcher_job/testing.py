"""Published fakes of the job's ports for tests: source, strategy, sink and tracer in memory."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from research_contract.records import NOT_REACHED, Coverage, Depth, NotRead, SourceRef, Step
from researcher_job.models.base import ModelFailure, Prompt, Reply, Role
from researcher_job.models.configured import Models
from researcher_job.models.metered import PricedModel
from researcher_job.models.prices import Prices
from researcher_job.sources.base import (
    Frequencies,
    Lexicon,
    Mention,
    Passage,
    Query,
    Quote,
    Reading,
    Related,
    Source,
)
from researcher_job.strategies.base import Finding
from researcher_job.tracing.base import Attributes

_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")

Watcher = Callable[[str], Awaitable[None]]
"""Called with the question of each search before it runs; may wait or raise."""


async def _let_pass(_question: str) -> None:
    """Do nothing: the default watcher."""


@dataclass
class FakeSource:
    """A ``Source`` over ``texts`` (title to text). It ranks paragraphs by shared words.

    ``coverage_said`` replaces the coverage. ``watcher`` is called before each search. These lists
    record calls in order: ``searched`` the questions, ``opened`` the sources and cache folder of
    ``open``, ``about`` its ``about`` texts.
    """

    texts: Mapping[str, str]
    coverage_said: Coverage | None = None
    watcher: Watcher = _let_pass
    searched: list[str] = field(default_factory=list)
    opened: list[tuple[Sequence[SourceRef], Path]] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    kind = "texts"

    @property
    def edition(self) -> str:
        return _sha256(json.dumps(dict(self.texts)))

    @property
    def lexicon(self) -> Lexicon:
        return self

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
        """Count the paragraphs with a word that starts with the stem."""
        holders = [_words(item.text) for title in self.texts for item in self._passages(title)]
        return Frequencies(
            passages=len(holders),
            containing={
                stem: sum(any(word.startswith(stem) for word in words) for words in holders)
                for stem in stems
            },
        )

    async def related(self, _query: Query) -> Related:
        """Return nothing: the fake knows no other words."""
        return Related()

    async def mentioned(self, _texts: Sequence[str], _query: Query) -> Sequence[Mention]:
        """Return nothing: the fake has no titles."""
        return ()

    async def unread(self, uri: str) -> bool:
        """Return false: the fake reads all of its texts."""
        del uri
        return False

    async def snapshot(self, sha256: str) -> str:
        return {_sha256(text): text for text in self.texts.values()}[sha256]

    async def open(
        self,
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Source:
        """Replace ``open_documents``: report each text as read, and write nothing to the cache."""
        self.opened.append((sources, cache_dir))
        self.about += about
        for count, title in enumerate(self.texts, start=1):
            if reading:
                await reading(_read_of(count, len(self.texts)), title)
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


def _read_of(count: int, found: int) -> Coverage:
    left = found - count
    waiting = (NotRead(reason=NOT_REACHED[left > 1], count=left),) if left else ()
    return Coverage(found=found, read=count, not_read=waiting)


FakeLibrary = FakeSource
"""The name of ``FakeSource`` in the last release; kept for one release."""

_QUOTES: Mapping[Depth, int] = {"quick": 1, "standard": 2, "deep": 3}


@dataclass
class FakeStrategy:
    """A ``Strategy`` that quotes the best passages; ``asked`` lists the questions in order.

    It finds nothing for a question that shares no word with the texts.
    """

    asked: list[str] = field(default_factory=list)

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        self.asked.append(question)
        passages = await source.search(Query(question, terms), limit=_QUOTES[depth])
        quotes = tuple(Quote(item, item.start, item.end, item.text, 1.0) for item in passages)
        return Finding(quotes, "answered" if quotes else "not_found")


LIST_PRICES = Prices(1.0, 2.0)
"""Dollars for a million tokens of a scripted model."""

Answer = str | Mapping[str, object] | ModelFailure
"""What a scripted model says: text, an object that becomes JSON, or that it does not answer."""


Script = Mapping[str, Sequence[Answer] | Callable[[Prompt], Answer]]


@dataclass
class ScriptedModel:
    """A ``LanguageModel`` that answers from a script.

    ``script`` maps the kind of a call (``plan``, ``read`` …) to its answers in order; the last one
    is repeated. A function gets the prompt and returns the answer. A kind that is not in it gets an
    empty object. ``prompts`` are those that were asked, in order. ``tokens`` are reported for the
    input and the output of each call.
    """

    script: Script
    name: str = "scripted"
    tokens: tuple[int, int] | None = (100, 20)
    prompts: list[Prompt] = field(default_factory=list)

    async def reply(self, prompt: Prompt) -> Reply:
        kind = prompt.name.partition("@")[0]
        asked = sum(one.name == prompt.name for one in self.prompts)
        self.prompts.append(prompt)
        answers = self.script.get(kind, ({},))
        said = answers(prompt) if callable(answers) else answers[min(asked, len(answers) - 1)]
        if isinstance(said, ModelFailure):
            raise said
        given = self.tokens or (None, None)
        return Reply(said if isinstance(said, str) else json.dumps(said), *given)

    def models(self, *, prices: Prices = LIST_PRICES, concurrency: int = 4) -> Models:
        """Return this model in all roles; prices are dollars for a million tokens."""
        roles: tuple[Role, ...] = get_args(Role)
        return Models({role: (PricedModel(self, prices),) for role in roles}, concurrency)


@dataclass
class FakeSink:
    """A ``StepSink`` that stores its ``steps`` in order, and whether it was ``closed``."""

    name: str = "a fake sink"
    steps: list[Step] = field(default_factory=list)
    closed: bool = False

    def write(self, step: Step) -> None:
        self.steps.append(step)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeTracer:
    """A ``Tracer`` that lists its spans in the order in which they were opened and ended."""

    opened: list[tuple[str, Attributes]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[None]:
        self.opened.append((name, attributes))
        try:
            yield
        finally:
            self.ended.append(name)


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text) if len(word) > 3}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
