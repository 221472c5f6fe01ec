"""What is measured on HotpotQA and CLAPnq, with the finding and ranking that jobs use.

The baseline is BM25 with stemming over the same documents, as published with the sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from researcher_job.sources.base import Quote
from researcher_job.strategies.extractive.strategy import NOT_FOUND_BELOW
from tests.evaluation.results import Aim, Result, area, result
from tests.evaluation.searching import Answer, Models, Searched, document
from tests.evaluation.sets import EvaluationSet, Item, lay_out

AIMS = {
    "hotpotqa": {
        "document hit@1": Aim(0.800, 0.89),
        "document recall@5": Aim(0.820),
        "all-gold@5": Aim(0.650, 0.82),
        "sentence recall@10": Aim(0.787, 0.85),
        "questions of the other set, not 'not_found'": Aim(None, 0.15, at_most=True),
        "answerable but 'not_found'": Aim(None, 0.05, at_most=True),
    },
    "clapnq": {
        "document hit@1": Aim(0.860),
        "sentence recall@10": Aim(0.814, 0.85),
        "sentence hit@1 (given passage)": Aim(0.607, 0.71),
        "questions of the other set, not 'not_found'": Aim(None, 0.15, at_most=True),
        "answerable but 'not_found'": Aim(None, 0.05, at_most=True),
    },
}

MOST = 10
"""Quotes of a question whose sentences are counted."""


@dataclass(frozen=True)
class OpenSet:
    """One set, laid out as a folder of Markdown files and opened."""

    data: EvaluationSet
    searched: Searched

    @classmethod
    async def open(cls, data: EvaluationSet, folder: Path, models: Models = ()) -> OpenSet:
        if not (folder / "documents").exists():
            lay_out(data.items, folder / "documents")
        searched = await Searched.open([folder / "documents"], models, cache=folder / "cache")
        return cls(data, searched)

    async def answers(self) -> list[Answer]:
        return [await self.searched.answer(one.query) for one in self.data.questions]

    def sentences(self, quotes: Sequence[Quote]) -> set[tuple[str, int]]:
        """Return the set's own sentences of which a quote holds at least half."""
        return {sentence for quote in quotes for sentence in self._sentences(quote)}

    def _sentences(self, quote: Quote) -> set[tuple[str, int]]:
        item = self.data.items[document(quote.passage)]
        start, end = quote.start - _before(item), quote.end - _before(item)
        return {
            (item.id, number)
            for number, (begin, stop) in enumerate(item.sentences)
            if min(end, stop) - max(start, begin) >= (stop - begin) / 2 > 0
        }


def _before(item: Item) -> int:
    return len(f"# {item.title}\n\n") if item.title else 0


async def hotpotqa(opened: OpenSet) -> dict[str, Result]:
    """Measure finding both documents, and all sentences, that a two-step question needs."""
    asked = opened.data.questions
    answers = await opened.answers()
    pairs = [(one, answer.documents[:5]) for one, answer in zip(asked, answers, strict=True)]
    return {
        "document hit@1": result([bool(set(top[:1]) & one.gold_docs) for one, top in pairs]),
        "document recall@5": result(
            [len(one.gold_docs & set(top)) / len(one.gold_docs) for one, top in pairs]
        ),
        "all-gold@5": result([one.gold_docs <= set(top) for one, top in pairs]),
        "sentence recall@10": result(_sentence_recall(opened, answers)),
    }


async def clapnq(opened: OpenSet) -> dict[str, Result]:
    """Measure finding the passage and its sentences, and the best sentence of a given passage."""
    asked = opened.data.questions
    answers = await opened.answers()
    first = [
        bool(set(one.documents[:1]) & question.gold_docs) if question.answerable else None
        for question, one in zip(asked, answers, strict=True)
    ]
    given = []
    for question, one in zip(asked, answers, strict=True):
        inside = [
            quote for quote in one.quotes if document(quote.passage) == question.candidates[0]
        ]
        hit = any(opened.sentences(inside[:1]) & gold for gold in question.gold_sentences)
        given.append(hit if question.answerable else None)
    return {
        "document hit@1": result(first),
        "sentence recall@10": result(_sentence_recall(opened, answers)),
        "sentence hit@1 (given passage)": result(given),
    }


async def states(one: OpenSet, other: OpenSet) -> dict[str, Result]:
    """Measure whether questions that ``one`` answers are told from those of ``other``."""
    own = await one.answers()
    answerable = [
        answer.not_found if asked.answerable else None
        for asked, answer in zip(one.data.questions, own, strict=True)
    ]
    foreign = [await one.searched.confidence(asked.query) for asked in other.data.questions]
    sure = [
        answer.confidence
        for asked, answer in zip(one.data.questions, own, strict=True)
        if asked.answerable
    ]
    return {
        "answerable but 'not_found'": result(answerable),
        "questions of the other set, not 'not_found'": result(
            [confidence >= NOT_FOUND_BELOW for confidence in foreign]
        ),
        "confidence: area under the curve": Result(
            area(sure, foreign), area(sure[::2], foreign[::2]), area(sure[1::2], foreign[1::2])
        ),
    }


def _sentence_recall(opened: OpenSet, answers: Sequence[Answer]) -> list[float | None]:
    return [
        _best_recall(question.gold_sentences, opened.sentences(answer.quotes[:MOST]))
        if question.answerable
        else None
        for question, answer in zip(opened.data.questions, answers, strict=True)
    ]


def _best_recall(
    alternatives: Sequence[AbstractSet[tuple[str, int]]], found: AbstractSet[tuple[str, int]]
) -> float:
    return max(len(gold & found) / len(gold) for gold in alternatives)


MEASURES = {"hotpotqa": hotpotqa, "clapnq": clapnq}
