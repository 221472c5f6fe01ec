"""What is measured, with the finding, ranking and deciding that jobs use.

The baseline is BM25 with stemming over the same documents, as published with the sets. Questions
at even positions are judged by what the odd ones fitted, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import mean

from research_contract.records import SourceRef
from researcher_job.sources.base import Frequencies, Passage, Query
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.index.document_source import DocumentSource
from researcher_job.sources.index.query import Question, analyse
from researcher_job.strategies.extractive.confidence import Calibration
from researcher_job.strategies.extractive.embeddings import vectors_for
from researcher_job.strategies.extractive.ranking import Ranked
from researcher_job.strategies.extractive.strategy import Judged, gather, judge
from tests.evaluation.sets import Asked, EvaluationSet, Item, lay_out

_FAR = 200


@dataclass(frozen=True)
class Aim:
    """What a measure is compared with; ``baseline`` is ``None`` where none was published."""

    baseline: float | None
    aim: float | None = None
    at_most: bool = False


AIMS = {
    "hotpotqa": {
        "document hit@1": Aim(0.800),
        "document recall@5": Aim(0.820),
        "all-gold@5": Aim(0.650, 0.82),
        "sentence recall@10": Aim(0.787, 0.85),
    },
    "clapnq": {
        "document hit@1": Aim(0.860),
        "sentence recall@10": Aim(0.814, 0.85),
        "sentence hit@1 (given passage)": Aim(0.607, 0.74),
        "answerable, balanced accuracy": Aim(0.730, 0.80),
    },
    "declined": {
        "questions of the other set": Aim(None, 0.95),
        "proper questions": Aim(None, 0.10, at_most=True),
    },
}

Values = Sequence[float | None]
"""A value for each question in order; ``None`` where a question does not count."""


@dataclass(frozen=True)
class Method:
    """How quotes are ranked and judged; by ``meaning``: with word vectors."""

    calibrated: Calibration
    meaning: bool


@dataclass(frozen=True)
class Halves:
    """What the questions at even and at odd positions fitted: each judges the other's."""

    even: Calibration
    odd: Calibration
    meaning: bool

    def of(self, position: int) -> Method:
        """Return what judges the question at ``position``."""
        return Method(self.even if position % 2 else self.odd, self.meaning)


@dataclass(frozen=True)
class Result:
    """A measure: over all questions, and apart over those at even and at odd positions."""

    all: float
    even: float
    odd: float


def result(values: Values) -> Result:
    """Return the means of ``values``: all, even and odd positions."""
    return Result(*(_mean(part) for part in (values, values[::2], values[1::2])))


def _mean(values: Values) -> float:
    counted = [value for value in values if value is not None]
    return mean(counted) if counted else float("nan")


class Searched:
    """One set, laid out as a folder and opened as jobs open it."""

    def __init__(self, data: EvaluationSet, library: DocumentSource) -> None:
        self.data = data
        self._library = library
        self._gathered: dict[str, Gathered] = {}
        self._given: dict[tuple[str, str], Gathered] = {}

    @classmethod
    async def open(cls, data: EvaluationSet, folder: Path) -> Searched:
        lay_out(data.items, folder / "documents")
        source = SourceRef(name="set", uri=(folder / "documents").resolve().as_uri())
        return cls(data, await open_documents([source], cache_dir=folder / "cache"))

    async def quotes(self, query: str, method: Method) -> Found:
        """Return what a job would find for ``query`` in the whole set."""
        if query not in self._gathered:
            question = analyse(query)
            passages, led = await gather(question, (), self._library, depth="standard")
            self._gathered[query] = Gathered(question, passages, await self._counts(question), led)
        return self._gathered[query].judged(method)

    async def given(self, query: str, only: str, method: Method) -> Found:
        """Return what is found for ``query`` in one document, by the whole set's statistics."""
        if (query, only) not in self._given:
            question = analyse(query)
            passages = await self._library.search(Query(query), limit=_FAR)
            kept = [one for one in passages if document(one) == only]
            self._given[query, only] = Gathered(question, kept, await self._counts(question))
        return self._given[query, only].judged(method)

    async def _counts(self, question: Question) -> Frequencies:
        return question.together(await self._library.lexicon.frequencies(question.index_stems))

    def sentence(self, ranked: Ranked) -> tuple[str, int]:
        """Return the set's own sentence that a quote overlaps most."""
        item = self.data.items[document(ranked.quote.passage)]
        start = ranked.quote.start - _before(item)
        end = ranked.quote.end - _before(item)
        overlaps = [min(end, stop) - max(start, begin) for begin, stop in item.sentences]
        return item.id, overlaps.index(max(overlaps))

    def is_gold(self, asked: Asked, ranked: Ranked) -> bool:
        """Tell whether a quote is one of those that answer."""
        sentence = self.sentence(ranked)
        return any(sentence in gold for gold in asked.gold_sentences)


@dataclass(frozen=True)
class Gathered:
    """What is found for a question before it is judged: that takes longest and stays the same."""

    question: Question
    passages: Sequence[Passage]
    frequencies: Frequencies
    led: float = 0.0

    def judged(self, method: Method) -> Found:
        vectors = vectors_for(self.question.text) if method.meaning else None
        of = self.question, self.passages, self.frequencies, self.led
        return Found(self.passages, judge(*of, vectors, method.calibrated))


@dataclass(frozen=True)
class Found:
    """Passages, best first, and what was judged of them."""

    passages: Sequence[Passage]
    judged: Judged

    @property
    def documents(self) -> list[str]:
        """The ids of the documents found, the best first, each once."""
        return list(dict.fromkeys(map(document, self.passages)))

    @property
    def declined(self) -> bool:
        return not self.judged.is_found

    @property
    def answered(self) -> bool:
        return self.judged.is_answered


def document(passage: Passage) -> str:
    """Return the id of the document that a passage is of."""
    return PurePosixPath(passage.uri).stem


def _before(item: Item) -> int:
    return len(f"# {item.title}\n\n") if item.title else 0


async def hotpotqa(found: Searched, by: Halves) -> dict[str, Result]:
    """Measure finding both documents, and all sentences, that a two-step question needs."""
    asked = found.data.questions
    answers = await _answers(found, by)
    tops = [one.documents[:5] for one in answers]
    pairs = list(zip(asked, tops, strict=True))
    return {
        "document hit@1": result([bool(set(top[:1]) & one.gold_docs) for one, top in pairs]),
        "document recall@5": result(
            [len(one.gold_docs & set(top)) / len(one.gold_docs) for one, top in pairs]
        ),
        "all-gold@5": result([one.gold_docs <= set(top) for one, top in pairs]),
        "sentence recall@10": result(_sentence_recall(found, asked, answers)),
    }


async def _answers(found: Searched, by: Halves) -> list[Found]:
    asked = enumerate(found.data.questions)
    return [await found.quotes(one.query, by.of(place)) for place, one in asked]


async def clapnq(found: Searched, by: Halves) -> dict[str, Result]:
    """Measure finding the passage and its sentences, and telling when it holds no answer."""
    asked = found.data.questions
    answers = await _answers(found, by)
    given = [
        await found.given(one.query, one.candidates[0], by.of(place))
        for place, one in enumerate(asked)
    ]
    first = [
        bool(set(one.documents[:1]) & question.gold_docs) if question.answerable else None
        for question, one in zip(asked, answers, strict=True)
    ]
    hits = [
        any(found.is_gold(question, top) for top in one.judged.ranked[:1])
        if question.answerable
        else None
        for question, one in zip(asked, given, strict=True)
    ]
    right = [
        (one.answered, question.answerable) for question, one in zip(asked, given, strict=True)
    ]
    return {
        "document hit@1": result(first),
        "sentence recall@10": result(_sentence_recall(found, asked, answers)),
        "sentence hit@1 (given passage)": result(hits),
        "answerable, balanced accuracy": Result(
            balanced(right), balanced(right[::2]), balanced(right[1::2])
        ),
    }


async def declined(one: Searched, other: Searched, by: Halves) -> dict[str, Result]:
    """Measure how many questions are declined: of the other set, and those that have answers."""
    foreign: list[float | None] = []
    proper: list[float | None] = []
    for asked, library in ((one, other), (other, one)):
        for place, question in enumerate(asked.data.questions):
            method = by.of(place)
            foreign.append((await library.quotes(question.query, method)).declined)
            own = (await asked.quotes(question.query, method)).declined
            proper.append(own if question.answerable else None)
    return {"questions of the other set": result(foreign), "proper questions": result(proper)}


def _sentence_recall(
    found: Searched, asked: Sequence[Asked], answers: Sequence[Found]
) -> list[float | None]:
    return [
        _best_recall(
            question.gold_sentences, {found.sentence(one) for one in answer.judged.ranked[:10]}
        )
        if question.answerable
        else None
        for question, answer in zip(asked, answers, strict=True)
    ]


def _best_recall(
    alternatives: Sequence[AbstractSet[tuple[str, int]]], found: AbstractSet[tuple[str, int]]
) -> float:
    return max(len(gold & found) / len(gold) for gold in alternatives)


def balanced(judged: Sequence[tuple[bool, bool]]) -> float:
    """Return the mean of both classes' accuracies; pairs are (said, true)."""
    sides = [[said == truth for said, truth in judged if truth == side] for side in (False, True)]
    return mean(mean(side) for side in sides) if all(sides) else float("nan")


MEASURES = {"hotpotqa": hotpotqa, "clapnq": clapnq}


def table(measured: Mapping[str, Mapping[str, Result]]) -> str:
    """Return the numbers beside the baseline's and the aims as plain text.

    ``even`` are the questions at even positions, ``odd`` those at odd ones.
    """
    lines = [f"{'set':<10}{'metric':<33}{'all':>7}{'even':>8}{'odd':>8}{'baseline':>10}{'aim':>9}"]
    for name, metrics in measured.items():
        for metric, value in metrics.items():
            lines.append(f"{name:<10}{metric:<33}{_row(value, AIMS[name][metric])}")
    return "\n".join(lines)


def _row(value: Result, against: Aim) -> str:
    baseline = "-" if against.baseline is None else f"{against.baseline:.3f}"
    sign = "≤" if against.at_most else "≥"
    aim = "-" if against.aim is None else f"{sign} {against.aim:.2f}"
    return f"{value.all:>7.3f}{value.even:>8.3f}{value.odd:>8.3f}{baseline:>10}{aim:>9}"
