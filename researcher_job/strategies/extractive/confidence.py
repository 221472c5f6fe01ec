"""How likely it is that the sources speak of a question, and that its quotes answer it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from functools import cache
from itertools import combinations

from research_contract.text.lexicon import NEGATIONS
from research_contract.text.stop_words import QUESTION_WORDS, STOP_WORDS
from researcher_job.sources.base import Frequencies, Passage
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import is_part, stems
from researcher_job.strategies.extractive.embeddings import Vectors, nearness_by
from researcher_job.strategies.extractive.features import Traits
from researcher_job.strategies.extractive.ranking import Ranked, sentence_texts

SUPPORTING = 3
"""How many of the best quotes are looked at."""

_PASSAGES = 5
_NEAR = 12
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
    often. ``near``: how near the nearest of the best quotes is in meaning, by word vectors, 0
    without them. ``titled``: the same below its title. None grows with the length of a document
    by itself.
    """

    pair: float = 0.0
    about: float = 0.0
    rare: float = 0.0
    led: float = 0.0
    own: float = 0.0
    asked: float = 0.0
    weight: float = 0.0
    near: float = 0.0
    titled: float = 0.0


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


@dataclass(frozen=True)
class Calibration:
    """What sentences are ranked by, and what is made of the best of them.

    ``weights``: how much each trait speaks for a sentence against the others of its passage.
    ``relevant``: whether the sources speak of the question at all, which counts as so from the
    probability ``found``. ``answering``: whether the quotes answer it. ``held``: the share of the
    question that quotes must have, at least, to count as an answer.
    """

    weights: Traits
    relevant: Model
    answering: Model
    found: float
    held: float


BY_WORDS = Calibration(
    weights=Traits(
        own=0.09,
        asked=1.88,
        telling=1.92,
        answer=1.72,
        defines=0.22,
        opens=-0.46,
        apart=-0.26,
        thin=-2.02,
    ),
    relevant=Model(Signals(pair=3.4, about=4.45, rare=1.67, led=1.99), -7.19),
    answering=Model(Signals(own=1.52, asked=1.01, weight=1.83), -1.68),
    found=0.44,
    held=0.6,
)
BY_MEANING = Calibration(
    weights=Traits(
        own=-0.7,
        asked=1.96,
        telling=1.67,
        answer=1.73,
        defines=0.23,
        opens=-0.58,
        apart=-0.16,
        thin=-2.27,
        near=2.42,
    ),
    relevant=Model(Signals(pair=3.88, about=3.17, led=1.59, near=1.67, titled=5.22), -8.74),
    answering=Model(Signals(own=1.08, asked=0.84, weight=1.38, near=2.84), -2.44),
    found=0.58,
    held=0.4,
)
"""Fitted by ``tests.evaluation.fit``, without word vectors and with them. The weights: on passages
of CLAPnq and HotpotQA, where questions that are not answered by the first sentence of a passage
count as much again: few documents are an encyclopedia, which begins with the answer. ``relevant``:
on questions of both sets, each asked of both sets' documents. ``answering``: on those of CLAPnq,
each asked of one passage on its subject. ``held`` is chosen by hand: vectors find answers in other
words than were asked in."""


def signals(
    question: Question,
    ranked: Sequence[Ranked],
    passages: Sequence[Passage],
    frequencies: Frequencies,
    *,
    led: float = 0.0,
    vectors: Vectors | None = None,
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
        near=_most(one.traits.near for one in ranked[:_NEAR]),
        titled=_most(nearness_by(vectors, question.text, _below_titles(ranked[:_NEAR]))),
    )


def _below_titles(ranked: Sequence[Ranked]) -> list[str]:
    return [f"{one.quote.passage.title}. {one.quote.text}" for one in ranked]


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
    small = STOP_WORDS | NEGATIONS | QUESTION_WORDS
    return frozenset(stem for word in stems(sorted(small)) for stem in word)


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
