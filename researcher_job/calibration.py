"""How likely it is that the sources speak of a question, and that its quotes answer it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from itertools import combinations

from researcher_job.selection import Ranked
from researcher_job.sources.base import Frequencies, Passage
from researcher_job.terms import Question
from researcher_job.words import is_part, stems

SUPPORTING = 3
"""How many of the best quotes are looked at."""

_PASSAGES = 5
_SATURATION = 1.2
_MOST_LED = 1.5
_EVEN = 1.0
"""Added to each word's idf: among few passages idf is mostly chance."""


@dataclass(frozen=True)
class Signals:
    """What the evidence has of the question: shares of its idf mass, 0 to 1.

    ``together``: in the words of the best quotes. ``alone``: in those of one quote and the
    titles above it. ``weight``: in one passage, more where a word comes often. ``pair``: in two
    passages. ``titled``: in the title of one. ``led``: how much the best passage gained by what
    names it. None grows with the length of a document by itself.
    """

    together: float
    alone: float
    weight: float
    pair: float
    titled: float
    led: float = 0.0


@dataclass(frozen=True)
class Model:
    """A logistic model of ``Signals``, one coefficient each, in their order."""

    coefficients: tuple[float, ...]
    intercept: float

    def probability(self, signals: Signals) -> float:
        logit = self.intercept + sum(
            one * value for one, value in zip(self.coefficients, astuple(signals), strict=True)
        )
        return 1 / (1 + math.exp(-logit))


RELEVANT = Model((-0.13, 2.94, 1.52, 4.8, 1.68, 3.43), -6.73)
"""Whether the sources speak of the question at all: fitted on questions of HotpotQA and CLAPnq,
each asked of both sets' documents."""

ANSWERING = Model((2.08, 1.57, 2.24, 2.41, -3.22, 0.0), -2.94)
"""Whether the quotes answer it: fitted on questions of CLAPnq, each asked of one passage on its
subject. Both by ``tests.evaluation.fit``, on every other question."""


def signals(
    question: Question,
    ranked: Sequence[Ranked],
    passages: Sequence[Passage],
    frequencies: Frequencies,
    *,
    led: float = 0.0,
) -> Signals:
    """Measure what the best ``ranked`` quotes and ``passages`` have of ``question``."""
    judge = Demand(question, frequencies)
    best = passages[:_PASSAGES]
    titles = stems([one.title for one in best])
    texts = stems([f"{one.title} {one.text}" for one in best])
    held = [set(text) for text in texts]
    top = ranked[:SUPPORTING]
    return Signals(
        together=judge.share({stem for one in top for stem in one.stems}),
        alone=max((judge.share(one.stems | one.context) for one in top), default=0.0),
        weight=max((judge.weight(Counter(text)) for text in texts), default=0.0),
        pair=max((judge.share(one | other) for one, other in combinations(held, 2)), default=0.0)
        or max(map(judge.share, held), default=0.0),
        titled=max((judge.share(set(title)) for title in titles), default=0.0),
        led=min(led, _MOST_LED),
    )


class Demand:
    """Tells which share of one question's idf mass words have; other words for the same count."""

    def __init__(self, question: Question, frequencies: Frequencies) -> None:
        self._weights = {
            term.stem: frequencies.idf(term.stem) + _EVEN
            for term in question.terms
            if frequencies.containing.get(term.stem) or not is_part(term.word)
        }
        self._total = sum(self._weights.values()) or 1.0
        self._others = question.alternatives

    def share(self, words: AbstractSet[str]) -> float:
        return self._sum(dict.fromkeys(words, 1.0)) / self._total

    def weight(self, counts: Mapping[str, int]) -> float:
        return self._sum({s: n / (n + _SATURATION) for s, n in counts.items()}) / self._total

    def _sum(self, worth: Mapping[str, float]) -> float:
        found = sum(weight * worth.get(stem, 0.0) for stem, weight in self._weights.items())
        missing = sorted(weight for stem, weight in self._weights.items() if stem not in worth)
        for other in self._others:
            if missing and all(stem in worth for stem in other):
                found += missing.pop() * min(worth[stem] for stem in other)
        return found
