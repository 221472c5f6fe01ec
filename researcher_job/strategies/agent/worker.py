"""One task: searches planned by a model, passages read by a model, quotes located by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import anyio

from research_contract.records import Depth
from research_contract.text.safe import in_quotes
from researcher_job.core.errors import LimitReached
from researcher_job.core.plural import counted
from researcher_job.evidence.locating import locate, nearest_words
from researcher_job.models.structured import Asked, NoAnswer, ask
from researcher_job.sources.base import Passage, Query, Quote, Source
from researcher_job.strategies.agent.fences import fenced, numbered_passages
from researcher_job.strategies.agent.prompts import prompt
from researcher_job.strategies.agent.schemas import Reading, Searches, TaskAsked
from researcher_job.strategies.base import Progress

ROUNDS: dict[Depth, int] = {"quick": 1, "standard": 2, "deep": 4}
"""How often a task plans searches."""

PASSAGES: dict[Depth, int] = {"quick": 8, "standard": 12, "deep": 20}
"""Passages of one search that are read."""

OPENED = 24_000
"""Characters that are read of a document that is opened."""

PLAN_TOKENS = 600
READ_TOKENS = 1_500

_WHOLE = {"row", "field", "definition", "answer", "code", "item"}
"""Kinds of blocks that are quoted as a whole: a part of one is not understood."""


@dataclass
class TaskResult:
    """What a task found: quotes in the order of reading, and how far they answer.

    ``read`` are all passages that a model was shown, ``look_up`` names to search for next.
    ``limit`` says which limit ended the task.
    """

    quotes: list[Quote] = field(default_factory=list)
    answers: str = "no"
    reason: str = ""
    read: list[Passage] = field(default_factory=list)
    look_up: list[str] = field(default_factory=list)
    searched: list[tuple[str, int]] = field(default_factory=list)
    limit: str = ""


@dataclass(frozen=True)
class TaskWorker:
    """Works on one task: plans, searches, reads, again until it is answered or rounds are over.

    Calls that plan are shown titles, counts and located quotes; calls that read are shown text and
    can do nothing but return quotes. ``read_characters`` bounds the text in one call.
    ``words_from`` are the sources whose quotes were seen by who wrote the task.
    """

    models: Asked
    source: Source
    progress: Progress
    name: str
    task: TaskAsked
    number: str
    depth: Depth
    terms: Sequence[str]
    read_characters: int
    words_from: frozenset[str] = frozenset()

    async def work(self, known: Sequence[Quote]) -> TaskResult:
        """Return what was found; ``known`` are quotes of earlier tasks of the question.

        Raises:
            NoAnswer: a model gave no usable answer, and nothing was found before.
        """
        result = TaskResult()
        try:
            for number in range(ROUNDS[self.depth]):
                planned = await self._plan(result, known)
                if not planned.needed and (known or result.quotes):
                    result.reason = planned.reason
                    break
                passages = await self._search(planned, result, known, first=number == 0)
                await self._read(passages, result)
                if result.answers == "yes" or result.limit:
                    break
        except LimitReached as limit:
            result.limit = str(limit)
        except NoAnswer:
            if not result.quotes:
                raise
        return result

    async def _plan(self, result: TaskResult, known: Sequence[Quote]) -> Searches:
        documents, coverage = _documents(result.read), self.source.coverage
        found = [*known, *result.quotes]
        parts = [
            f"Task: {self.task.ask}",
            f"Answered when: {self.task.answered_when}" if self.task.answered_when else "",
            f"Other words: {', '.join((*self.task.search_terms, *self.terms))}",
            f"Sources: {coverage.read} of {counted(coverage.found, 'document')} could be read.",
            *(
                f"Searched: {words} – {counted(count, 'passage')}"
                for words, count in result.searched
            ),
            f"Names to look up:\n{fenced(chr(10).join(result.look_up))}" if result.look_up else "",
            f"Documents:\n{fenced(chr(10).join(documents))}" if documents else "",
            *(f"Quote:\n{fenced(quote.text)}" for quote in found[:12]),
        ]
        asked = "\n\n".join(part for part in parts if part)
        planned = prompt("plan", asked, Searches, PLAN_TOKENS)
        return await ask(self.models, Searches, planned, worker=self.name)

    async def _search(
        self, planned: Searches, result: TaskResult, seen: Sequence[Quote], *, first: bool
    ) -> list[Passage]:
        """Return the passages found that were not read yet, and those of opened documents."""
        tried = {words.casefold() for words, _ in result.searched}
        searches = [one for one in planned.searches if one.casefold() not in tried]
        if first and self.task.ask.casefold() not in {one.casefold() for one in searches}:
            searches.insert(0, self.task.ask)
        found: dict[int, Sequence[Passage]] = {}
        limits: list[LimitReached] = []
        terms = (*self.task.search_terms, *self.terms)
        shown = (*(quote.passage for quote in (*seen, *result.quotes)), *result.read)
        words_from = tuple(sorted(self.words_from.union(one.source for one in shown)))

        async def search(at: int, words: str) -> None:
            try:
                found[at] = await self.source.search(
                    Query(words, terms, words_from), limit=PASSAGES[self.depth]
                )
            except LimitReached as limit:
                limits.append(limit)

        async with anyio.create_task_group() as group:
            for at, words in enumerate(searches):
                group.start_soon(search, at, words)
        if limits and not found:
            raise limits[0]
        if limits:  # what was found is read first
            result.limit = str(limits[0])
        for at in sorted(found):
            result.searched.append((searches[at], len(found[at])))
            for snapshot in dict.fromkeys(one.snapshot for one in found[at]):
                self.progress.shown(snapshot, await self.source.snapshot(snapshot))
        opened = await self._opened(planned, result.read)
        known = {one.place for one in result.read}
        new = {
            one.place: one
            for one in (*opened, *(one for at in sorted(found) for one in found[at]))
            if one.place not in known
        }
        return list(new.values())[: 2 * PASSAGES[self.depth] + len(opened)]

    async def _opened(self, planned: Searches, read: Sequence[Passage]) -> list[Passage]:
        """Return the text of the documents to be opened, in parts of what is read at once."""
        by_snapshot = list({one.snapshot: one for one in read}.values())
        parts = []
        for number in planned.open:
            if 0 < number <= len(by_snapshot):
                passage = by_snapshot[number - 1]
                text = (await self.source.snapshot(passage.snapshot))[:OPENED]
                starts = range(0, len(text), self.read_characters)
                parts += [_part(passage, text, at, at + self.read_characters) for at in starts]
        return parts

    async def _read(self, passages: Sequence[Passage], result: TaskResult) -> None:
        """Read the passages, several parts at once; add quotes in the order of the passages."""
        parts = list(_divided(passages, self.read_characters))
        readings: dict[int, tuple[list[Quote], Reading]] = {}
        failures: list[Exception] = []

        async def read(at: int, part: Sequence[Passage]) -> None:
            try:
                readings[at] = await self._read_part(part)
            except (LimitReached, NoAnswer) as error:
                failures.append(error)

        async with anyio.create_task_group() as group:
            for at, part in enumerate(parts):
                group.start_soon(read, at, part)
        result.read += passages
        known = {quote.place for quote in result.quotes}
        for at in sorted(readings):
            quotes, reading = readings[at]
            new = [one for one in quotes if one.place not in known]
            known |= {one.place for one in new}
            result.quotes += new
            result.look_up += [one for one in reading.look_up if one not in result.look_up]
            if new and reading.answers != "no" and result.answers != "yes":
                result.answers = reading.answers
        limits = [error for error in failures if isinstance(error, LimitReached)]
        if limits or (failures and not readings):
            raise (limits or failures)[0]

    async def _read_part(self, passages: Sequence[Passage]) -> tuple[list[Quote], Reading]:
        """Return the located quotes of one call; of two with half each if it is too long."""
        asked = f"Task: {self.task.ask}\n\n{numbered_passages(passages)}"
        shown = prompt("read", asked, Reading, READ_TOKENS)
        try:
            reading = await ask(self.models, Reading, shown, worker=self.name)
        except NoAnswer as error:
            if not error.too_long or len(passages) < 2:
                raise
            middle = len(passages) // 2
            quotes, reading = await self._read_part(passages[:middle])
            others, second = await self._read_part(passages[middle:])
            return [*quotes, *others], reading if reading.answers == "yes" else second
        located = [self._located(one.text, one.passage, passages) for one in reading.quotes]
        return [quote for quote in located if quote], reading

    def _located(self, words: str, number: int, passages: Sequence[Passage]) -> Quote | None:
        """Return the quote where a passage says it, first the one that was named; else log it."""
        named = passages[number - 1 : number] if number > 0 else ()
        for passage in (*named, *passages):
            if place := locate(words, passage.text):
                start, end = place
                if passage.kind in _WHOLE:
                    start, end = 0, len(passage.text)
                text = passage.text[start:end]
                return Quote(passage, passage.start + start, passage.start + end, text, 1.0)
        nearest = nearest_words(words, " ".join(one.text for one in named or passages))
        near = f" The nearest text is {in_quotes(nearest, most=200)}." if nearest else ""
        message = f"A quote of the model is in no passage: {in_quotes(words, most=200)}.{near}"
        self.progress.log("error", message, task=self.number)
        return None


def _documents(passages: Sequence[Passage]) -> list[str]:
    """Return the numbered titles of the documents of which passages were read."""
    titles = {one.snapshot: one.title for one in passages}
    return [f"{number}. {title}" for number, title in enumerate(titles.values(), 1)]


def _part(passage: Passage, text: str, start: int, end: int) -> Passage:
    """Return ``text[start:end]`` of the document of ``passage`` as a passage of its own."""
    piece = text[start:end]
    return replace(
        passage,
        locator=passage.locator if start <= passage.start < end else "",
        start=start,
        end=start + len(piece),
        text=piece,
        score=0.0,
        kind="paragraph",
        context=(),
        nearness=0.0,
        ahead=False,
    )


def _divided(passages: Sequence[Passage], most: int) -> list[list[Passage]]:
    """Return the passages in parts of about ``most`` characters, each of at least one."""
    parts: list[list[Passage]] = []
    size = most
    for passage in passages:
        if size + len(passage.text) > most:
            parts.append([])
            size = 0
        parts[-1].append(passage)
        size += len(passage.text)
    return parts
