"""What a sentence has that a question asks for, and how much each such trait counts."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass

from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import stems
from researcher_job.strategies.extractive.answer_cues import strength

OTHERS_SHARE = 0.7
"""What another word for the same counts, each in place of one that is missing."""

_FEW_WORDS = 6
"""Sentences with fewer words, links left out, rarely say much."""

_DEFINES = re.compile(r"\W*(?:\w+\W+){1,4}?(?:is|are|was|were|provides?|allows?|lets|means)\b")
_REFERS = re.compile(
    r"\W*(?:It|He|She|They|Its|His|Her|Their|This|These|That|Those|The|Both|Such)\b"
)
_ARTICLES = frozenset({"the", "a", "an"})


@dataclass(frozen=True)
class Traits:
    """What one sentence has of a question, 0 to 1 each.

    ``own``: the share of the question's weight in its words. ``asked``: the same of what the
    titles above do not say already. ``telling``: the same, where words count more that few
    sentences of the passage have. ``answer``: how plainly it shows the kind of answer.
    ``defines``: it says what a word of the question is. ``opens``: more, the earlier it stands in
    its paragraph. ``apart``: it neither names what the titles name nor begins by referring to
    it. ``thin``: it has few words. ``near``: how near it is in meaning, by word vectors; 0
    without them.
    """

    own: float
    asked: float
    telling: float
    answer: float
    defines: float
    opens: float
    apart: float
    thin: float
    near: float = 0.0


def worth(traits: Traits, weights: Traits) -> float:
    """Return how much speaks for a sentence; only differences mean something."""
    return math.fsum(a * b for a, b in zip(astuple(traits), astuple(weights), strict=True))


def refers(text: str) -> bool:
    """Tell whether a sentence begins by referring to what was named before it."""
    return _REFERS.match(text) is not None


@dataclass(frozen=True)
class Said:
    """A sentence as it is judged: what it says, its stems, its number in its paragraph, and how
    near it is to the question.
    """

    text: str
    words: Sequence[str]
    place: int
    near: float = 0.0


class Wanted:
    """What a question asks for, by the weights of its stems."""

    def __init__(self, question: Question, weights: Mapping[str, float]) -> None:
        self._question = question
        self.weights = {term.stem: weights[term.stem] for term in question.terms}
        self._known = frozenset(stems([question.text])[0])
        self._others = [
            (set(words), max(weights[word] for word in words))
            for words in question.alternatives
            if set(words) - {term.stem for term in question.terms}
        ]

    def traits(self, sentences: Sequence[Said], above: AbstractSet[str]) -> list[Traits]:
        """Return the traits of the sentences of one passage; ``above`` are its titles' stems."""
        rare = self._rare([set(one.words) for one in sentences])
        asked = {stem: weight for stem, weight in self.weights.items() if stem not in above}
        return [self._traits(one, above, asked, rare) for one in sentences]

    def share(
        self,
        worth: Mapping[str, float],
        own: AbstractSet[str],
        weights: Mapping[str, float] | None = None,
    ) -> float:
        """Return the share of ``weights`` (all by default) that has ``worth``.

        Other words for the same count where ``own`` has them and a word is missing.
        """
        weights = self.weights if weights is None else weights
        covered = sum(weight * worth.get(stem, 0.0) for stem, weight in weights.items())
        missing = sorted((w for stem, w in weights.items() if not worth.get(stem)), reverse=True)
        others = sorted((found for words, found in self._others if words <= own), reverse=True)
        covered += OTHERS_SHARE * sum(map(min, zip(missing, others, strict=False)))
        return covered / (sum(weights.values()) or 1.0)

    def _rare(self, sentences: Sequence[AbstractSet[str]]) -> dict[str, float]:
        """Return the weights of the stems that occur, by how few of the sentences have them."""
        counts = Counter(stem for one in sentences for stem in one if stem in self.weights)
        return {
            stem: self.weights[stem] * math.log1p((len(sentences) - n + 0.5) / (n + 0.5))
            for stem, n in counts.items()
        }

    def _traits(
        self,
        said: Said,
        above: AbstractSet[str],
        asked: Mapping[str, float],
        rare: Mapping[str, float],
    ) -> Traits:
        own = set(said.words)
        held = dict.fromkeys(own, 1.0)
        names = any(stem in own for stem in self.weights if stem in above)
        answer = strength(self._question.waits_for, said.text, self._known | above)
        return Traits(
            own=self.share(held, own),
            asked=self.share(held, own, asked) if asked else 0.0,
            telling=sum(rare[stem] for stem in own & rare.keys()) / (sum(rare.values()) or 1.0),
            answer=answer or 0.0,
            defines=float(_DEFINES.match(said.text) is not None and self._begins(said.words)),
            opens=1 / (1 + said.place),
            apart=float(not names and not refers(said.text)),
            thin=float(len(said.words) < _FEW_WORDS),
            near=said.near,
        )

    def _begins(self, words: Iterable[str]) -> bool:
        first = next((word for word in words if word not in _ARTICLES), "")
        return first in self.weights
