"""Quotes of the passages found, ranked by what they share with a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from researcher_job.sources.base import Frequencies, Passage, Quote
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.extractive.spans import quote_spans

CONTEXT_SHARE = 0.5
"""What a word of the question counts that stands in the context of a quote, not in the quote."""

OTHERS_SHARE = 0.7
"""What another word for the same counts, each in place of one that is missing."""

NEARNESS = 2.0
"""What a cosine of 1 counts where a whole question held by a quote counts 1, and the best score
of a passage 1. On all evaluation sets values from 1 to 4 change little."""

_SAME = 0.9
"""Share of common words from which two quotes with the same figures say the same."""

_WITHOUT_QUOTES = frozenset({"heading", "head"})
"""Kinds of blocks that are context of others."""


@dataclass(frozen=True)
class Ranked:
    """A quote with the stems of its own words and of its context.

    ``rank`` orders the quotes of one question; only differences mean something. ``words`` is how
    many of the question's words stand in the quote's block or context.
    """

    quote: Quote
    own: frozenset[str]
    context: frozenset[str]
    rank: float
    words: int


class Weights:
    """The words of a question, each by how rare it is in the sources."""

    def __init__(self, question: Question, frequencies: Frequencies) -> None:
        self._weights = {term.stem: frequencies.idf(term.stem) for term in question.terms}
        self._total = sum(self._weights.values()) or 1.0
        self._others = sorted(
            (
                (set(words), max(frequencies.idf(word) for word in words))
                for words in question.alternatives
                if set(words) - self._weights.keys()
            ),
            key=lambda other: -other[1],
        )

    def share(
        self, own: frozenset[str], context: frozenset[str], *, in_context: float = CONTEXT_SHARE
    ) -> float:
        """Return the share of the question (0 to 1) that stands in a quote and its context."""
        found = sum(
            weight * (1.0 if stem in own else in_context if stem in context else 0.0)
            for stem, weight in self._weights.items()
        )
        missing = sorted(
            (weight for stem, weight in self._weights.items() if stem not in own | context),
            reverse=True,
        )
        others = [weight for words, weight in self._others if words <= own | context]
        found += OTHERS_SHARE * sum(map(min, zip(missing, others, strict=False)))
        return min(found / self._total, 1.0)

    def count(self, words: frozenset[str]) -> int:
        """Return how many words of the question, or other words for it, are among ``words``."""
        others = sum(other <= words for other, _ in self._others)
        return len(self._weights.keys() & words) + others


def ranked_quotes(
    question: Question, passages: Sequence[Passage], frequencies: Frequencies
) -> list[Ranked]:
    """Return the quotes of ``passages``, the best first, none twice.

    A quote ranks by the score of its passage, as a share of the best score, by the share of the
    question that it holds, and by how near its passage is in meaning.
    """
    weights = Weights(question, frequencies)
    best = max((passage.score for passage in passages), default=0.0) or 1.0
    found: list[Ranked] = []
    for passage in passages:
        if passage.kind in _WITHOUT_QUOTES:
            continue
        spans = quote_spans(passage)
        rank = passage.score / best + NEARNESS * passage.nearness
        context_text = " ".join((passage.title, *(one.text for one in passage.context)))
        texts = [*(passage.text[start:end] for start, end in spans), context_text, passage.text]
        *each, around, whole = map(question.found, stems(texts))
        context = frozenset(around)
        words = weights.count(frozenset((*whole, *around)))
        for (start, end), own in zip(spans, map(frozenset, each), strict=True):
            share = weights.share(own, context)
            quote = Quote(
                passage=passage,
                start=passage.start + start,
                end=passage.start + end,
                text=passage.text[start:end],
                score=round(share, 4),
            )
            found.append(Ranked(quote, own, context, rank + share, words))
    found.sort(key=lambda one: (-one.rank, one.quote.passage.uri, one.quote.start))
    return list(_distinct(found))


def with_rank(ranked: Iterable[Ranked], gains: Iterable[float]) -> list[Ranked]:
    """Return ``ranked`` ordered anew, after each gained something."""
    found = [replace(one, rank=one.rank + gain) for one, gain in zip(ranked, gains, strict=True)]
    return sorted(found, key=lambda one: (-one.rank, one.quote.passage.uri, one.quote.start))


def _distinct(found: Iterable[Ranked]) -> Iterable[Ranked]:
    """Leave out what overlaps a better quote, or says the same with the same figures."""
    kept: list[Ranked] = []
    for one in found:
        if not any(_overlap(one.quote, other.quote) or _alike(one, other) for other in kept):
            kept.append(one)
            yield one


def _overlap(one: Quote, other: Quote) -> bool:
    same = one.passage.snapshot == other.passage.snapshot
    return same and one.start < other.end and other.start < one.end


def _alike(one: Ranked, other: Ranked) -> bool:
    shared = len(one.own & other.own)
    if shared < _SAME * len(one.own | other.own):
        return False
    return not any(any(map(str.isdigit, word)) for word in one.own ^ other.own)
