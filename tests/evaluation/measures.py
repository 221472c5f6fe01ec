"""What is measured, with the library and the ranking that jobs use.

The baseline is BM25 with stemming over the same documents, as published with the sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath
from statistics import mean

from researcher_job.contract import Source
from researcher_job.extractive import SUPPORTING, gather
from researcher_job.selection import Ranked, ranked_quotes, support
from researcher_job.sources.base import Frequencies, Library, Passage, Query
from researcher_job.sources.documents import open_library
from researcher_job.terms import Question, analyse
from tests.evaluation.sets import Asked, EvaluationSet, Item, lay_out

BASELINE = {
    "hotpotqa": {
        "document hit@1": 0.800,
        "document recall@5": 0.820,
        "all-gold@5": 0.650,
        "sentence recall@10": 0.787,
    },
    "clapnq": {
        "document hit@1": 0.860,
        "sentence recall@10": 0.814,
        "sentence hit@1 (given passage)": 0.607,
        "abstention balanced accuracy": 0.730,
    },
}
_FAR = 200
_FOLDS = 5


class Searched:
    """One set, laid out as a folder and opened as jobs open it."""

    def __init__(self, data: EvaluationSet, library: Library) -> None:
        self.data = data
        self._library = library

    @classmethod
    async def open(cls, data: EvaluationSet, folder: Path) -> Searched:
        lay_out(data.items, folder / "documents")
        source = Source(name="set", uri=(folder / "documents").resolve().as_uri())
        return cls(data, await open_library([source], cache_dir=folder / "cache"))

    async def passages(self, query: str) -> Sequence[Passage]:
        return await gather(analyse(query), (), self._library, depth="standard")

    async def documents(self, query: str) -> list[str]:
        """Return the ids of the documents found, the best first, each once."""
        return list(dict.fromkeys(document(one) for one in await self.passages(query)))

    async def quotes(self, query: str, *, only: str = "") -> Judged:
        """Return the ranked quotes for ``query``, those of one document where it is named."""
        question = analyse(query)
        frequencies = question.together(await self._library.frequencies(question.index_stems))
        if only:
            passages = await self._library.search(Query(query), limit=_FAR)
        else:
            passages = await self.passages(query)
        kept = [one for one in passages if not only or document(one) == only]
        return Judged(question, ranked_quotes(question, kept, frequencies), frequencies)

    def sentence(self, ranked: Ranked) -> tuple[str, int]:
        """Return the set's own sentence that a quote overlaps most."""
        item = self.data.items[document(ranked.quote.passage)]
        start = ranked.quote.start - _before(item)
        end = ranked.quote.end - _before(item)
        overlaps = [min(end, stop) - max(start, begin) for begin, stop in item.sentences]
        return item.id, overlaps.index(max(overlaps))


class Judged:
    """Ranked quotes and what they were judged by."""

    def __init__(
        self, question: Question, ranked: Sequence[Ranked], frequencies: Frequencies
    ) -> None:
        self.ranked = ranked
        self.support = support(question, ranked[:SUPPORTING], frequencies)


def document(passage: Passage) -> str:
    """Return the id of the document that a passage is of."""
    return PurePosixPath(passage.uri).stem


def _before(item: Item) -> int:
    return len(f"# {item.title}\n\n") if item.title else 0


async def hotpotqa(found: Searched) -> dict[str, float]:
    """Measure finding both documents, and all sentences, that a two-step question needs."""
    ranked = [(asked, await found.documents(asked.query)) for asked in found.data.questions]
    return {
        "document hit@1": mean(
            top[:1] != [] and top[0] in asked.gold_docs for asked, top in ranked
        ),
        "document recall@5": mean(
            len(asked.gold_docs & set(top[:5])) / len(asked.gold_docs) for asked, top in ranked
        ),
        "all-gold@5": mean(asked.gold_docs <= set(top[:5]) for asked, top in ranked),
        "sentence recall@10": await _sentence_recall(found, found.data.questions),
    }


async def clapnq(found: Searched) -> dict[str, float]:
    """Measure finding the passage and its sentences, and telling when it holds no answer."""
    answerable = [asked for asked in found.data.questions if asked.answerable]
    given = [await found.quotes(one.query, only=one.candidates[0]) for one in found.data.questions]
    hits = [
        bool(judged.ranked)
        and any(found.sentence(judged.ranked[0]) in gold for gold in asked.gold_sentences)
        for asked, judged in zip(found.data.questions, given, strict=True)
        if asked.answerable
    ]
    first = [(await found.documents(asked.query))[:1] for asked in answerable]
    support = [one.support for one in given]
    truth = [asked.answerable for asked in found.data.questions]
    return {
        "document hit@1": mean(
            set(top) <= asked.gold_docs and top != []
            for asked, top in zip(answerable, first, strict=True)
        ),
        "sentence recall@10": await _sentence_recall(found, answerable),
        "sentence hit@1 (given passage)": mean(hits),
        "abstention balanced accuracy": _cross_fitted(list(zip(support, truth, strict=True))),
    }


async def _sentence_recall(found: Searched, questions: Sequence[Asked]) -> float:
    shares = []
    for asked in questions:
        ranked = (await found.quotes(asked.query)).ranked[:10]
        sentences = {found.sentence(one) for one in ranked}
        shares.append(_best_recall(asked.gold_sentences, sentences))
    return mean(shares)


def _best_recall(
    alternatives: Sequence[AbstractSet[tuple[str, int]]], found: AbstractSet[tuple[str, int]]
) -> float:
    return max(len(gold & found) / len(gold) for gold in alternatives)


def _cross_fitted(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the balanced accuracy of a threshold that is fitted on the other four folds."""
    judged: list[tuple[bool, bool]] = []
    for fold in range(_FOLDS):
        others = [pair for index, pair in enumerate(pairs) if index % _FOLDS != fold]
        thresholds = sorted({score for score, _ in others})
        best = max(thresholds, key=lambda at: balanced([(s >= at, is_) for s, is_ in others]))
        judged += [(score >= best, truth) for score, truth in pairs[fold::_FOLDS]]
    return balanced(judged)


def balanced(judged: Sequence[tuple[bool, bool]]) -> float:
    """Return the mean of both classes' accuracies; pairs are (said, true)."""
    return mean(mean(said == truth for said, truth in judged if truth == side) for side in (0, 1))


MEASURES = {"hotpotqa": hotpotqa, "clapnq": clapnq}


def table(measured: Mapping[str, Mapping[str, float]]) -> str:
    """Return the numbers beside the baseline's as plain text."""
    lines = [f"{'set':<10}{'metric':<34}{'ours':>8}{'baseline':>10}{'difference':>12}"]
    for name, metrics in measured.items():
        for metric, value in metrics.items():
            before = BASELINE[name][metric]
            lines.append(
                f"{name:<10}{metric:<34}{value:>8.3f}{before:>10.3f}{value - before:>+12.3f}"
            )
    return "\n".join(lines)
