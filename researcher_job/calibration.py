"""How likely it is that the sources speak of a question, and that its quotes answer it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from functools import cache
from itertools import combinations

from researcher_job.selection import Ranked, sentence_texts
from researcher_job.sources.base import Frequencies, Passage
from researcher_job.stop_words import STOP_WORDS
from researcher_job.terms import Question
from researcher_job.words import is_part, stems

SUPPORTING = 3
"""How many of the best quotes are looked at."""

_PASSAGES = 5
_RAREST = 2
_SATURATION = 1.2
_MOST_LED = 1.5
_EVEN = 1.0
"""Added to each word's idf: among few passages idf is mostly chance."""


@dataclass(frozen=True)
class Signals:
    """What the evidence has of the question: shares of its idf mass, 0 to 1.

    ``pair``: in two passages. ``about``: how surely one passage is on the subject, by the share of
    its title that the question has, or by what two neighbouring sentences of it have below their
    titles. ``rare``: of the two rarest words only, in one passage. ``led``: how much the best
    passage gained by what names it. ``own``: in the words of one quote. ``asked``: in those of
    the first, of what the titles do not say. ``weight``: in one passage, more where a word comes
    often. None grows with the length of a document by itself.
    """

    pair: float = 0.0
    about: float = 0.0
    rare: float = 0.0
    led: float = 0.0
    own: float = 0.0
    asked: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True)
class Model:
    """A logistic model of ``Signals``: ``weights`` has a coefficient for each, 0 where it is
    not looked at.
    """

    weights: Signals
    intercept: float

    def probability(self, signals: Signals) -> float:
        pairs = zip(astuple(self.weights), astuple(signals), strict=True)
        return 1 / (1 + math.exp(-self.intercept - math.fsum(a * b for a, b in pairs)))


RELEVANT = Model(Signals(pair=3.11, about=4.0, rare=1.46, led=1.83), -6.56)
"""Whether the sources speak of the question at all: fitted on questions of HotpotQA and CLAPnq,
each asked of both sets' documents."""

ANSWERING = Model(Signals(own=2.14, asked=1.83, weight=2.14), -2.25)
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
    demand = Demand(question, frequencies)
    best = [Held.of(one) for one in passages[:_PASSAGES]]
    texts = [one.title | one.words.keys() for one in best]
    pairs = [one | other for one, other in combinations(texts, 2)] or texts
    return Signals(
        pair=_most(map(demand.share, pairs)),
        about=_most(map(demand.about, best)),
        rare=_most(map(demand.rare, texts)),
        led=min(led, _MOST_LED),
        own=_most(demand.share(one.stems) for one in ranked),
        asked=ranked[0].traits.asked if ranked else 0.0,
        weight=_most(demand.weight(one.words) for one in best),
    )


def _most(values: Iterable[float]) -> float:
    return max(values, default=0.0)


@dataclass(frozen=True)
class Held:
    """The stems of a passage: of its title, in all with how often, of neighbouring sentences."""

    title: frozenset[str]
    words: Counter[str]
    neighbours: Sequence[frozenset[str]]

    @classmethod
    def of(cls, passage: Passage) -> Held:
        said = sentence_texts(passage.text)
        title, heading, *each = stems([passage.title, passage.locator, *said])
        (whole,) = stems([passage.text])
        pairs = zip(each, [*each[1:], []], strict=False)
        return cls(
            frozenset(title),
            Counter([*title, *whole]),
            [frozenset((*one, *other, *title, *heading)) for one, other in pairs],
        )


@cache
def _small() -> frozenset[str]:
    return frozenset(stem for word in stems(sorted(STOP_WORDS)) for stem in word)


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

    def rare(self, words: AbstractSet[str]) -> float:
        """Return the share of the two rarest stems that ``words`` have."""
        rarest = sorted(self._weights, key=lambda stem: -self._weights[stem])[:_RAREST]
        return sum(stem in words for stem in rarest) / max(len(rarest), 1)

    def about(self, held: Held) -> float:
        """Return how surely a passage is on the subject."""
        telling = held.title - _small()
        named = len(telling & self._weights.keys()) / max(len(telling), 1)
        said = _most(map(self.share, held.neighbours))
        return 1 - (1 - named) * (1 - min(said, 1.0))

    def weight(self, counts: Mapping[str, int]) -> float:
        return self._sum({s: n / (n + _SATURATION) for s, n in counts.items()}) / self._total

    def _sum(self, worth: Mapping[str, float]) -> float:
        found = sum(weight * worth.get(stem, 0.0) for stem, weight in self._weights.items())
        missing = sorted(weight for stem, weight in self._weights.items() if stem not in worth)
        for other in self._others:
            if missing and all(stem in worth for stem in other):
                found += missing.pop() * min(worth[stem] for stem in other)
        return found
