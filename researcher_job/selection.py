"""Which sentences of the passages found speak to a question, and how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from researcher_job.answer_type import shows
from researcher_job.sentences import Sentence, said, sentences
from researcher_job.sources.base import Frequencies, Passage, Quote
from researcher_job.terms import Question
from researcher_job.words import stems

CONTEXT_SHARE = 0.5
"""What a word counts that stands in the title or heading above a sentence, not in it."""

NEAR_SHARE = 0.3
"""What a word counts that stands elsewhere in the same passage."""

OTHERS_SHARE = 0.7
"""What another word for the same counts, each in place of one that is missing."""

_NAME = 1.3
_DEFINES_BONUS = 0.1
_SHOUTED = 0.7
_THIN = 0.85
_MIN_WORDS = 6
"""Sentences with fewer words, links left out, rarely say much."""

_RANK = 1.6
_UNNAMED = 0.75
"""What the passage's rank counts for a sentence that has none of the question's words itself."""

_FIRST = 0.06
_EARLY = 0.1
_NOT_OF_KIND = 0.1
_TOGETHER = 0.08
_WEIGHT_OF_KIND = {"prose": 1.0, "item": 0.97, "field": 0.85, "row": 0.85, "code": 0.6}
_LINE = re.compile(r"\bline (\d+)$")
_DEFINES = re.compile(r"\W*(?:\w+\W+){1,4}?(?:is|are|was|were|provides?|allows?|lets|means)\b")
_SHORT = 2
_SAME = 0.8


@dataclass(frozen=True)
class Ranked:
    """A quote with the stems it is judged by: its own and those of its title and headings."""

    quote: Quote
    stems: frozenset[str]
    context: frozenset[str]
    rank: float
    is_code: bool = False


def ranked_quotes(
    question: Question, passages: Sequence[Passage], frequencies: Frequencies
) -> list[Ranked]:
    """Return the sentences of ``passages`` that touch the question, the best first, none twice."""
    judged = _Judge(question, _weights(question, frequencies))
    best_score = max((passage.score for passage in passages), default=0.0)
    found: list[Ranked] = []
    for passage in passages:
        share = passage.score / best_score if best_score > 0 else 0.0
        found += judged.quotes(passage, share)
    found.sort(key=lambda one: (-one.rank, one.quote.passage.uri, one.quote.start))
    return list(_distinct(found))


def sentence_texts(text: str) -> list[str]:
    """Return what the sentences of ``text`` say, in order."""
    return [said(text[one.start : one.end]) for one in sentences(text)]


def coverage(
    question: Question, frequencies: Frequencies, texts: Sequence[str], titles: Sequence[str]
) -> list[float]:
    """Return for each text, below its title, how much of the question it touches (0 to 1)."""
    judge = _Judge(question, _weights(question, frequencies))
    pairs = zip(stems(texts), stems(titles), strict=True)
    return [judge.share(set(own), set(title), set()) for own, title in pairs]


class _Judge:
    """Weighs sentences by the words of one question; ``weights`` are those of its stems."""

    def __init__(self, question: Question, weights: Mapping[str, float]) -> None:
        self._question = question
        self._weights = {term.stem: weights[term.stem] for term in question.terms}
        self._total = sum(self._weights.values()) or 1.0
        self._others = [
            (set(words), max(weights[word] for word in words))
            for words in question.alternatives
            if set(words) - {term.stem for term in question.terms}
        ]

    def quotes(self, passage: Passage, share: float) -> list[Ranked]:
        spans = sentences(passage.text)
        texts = [said(passage.text[span.start : span.end]) for span in spans]
        *own, title, heading = stems([*texts, passage.title, passage.locator])
        context = frozenset((*title, *heading))
        near = {stem for sentence in own for stem in sentence}
        found = []
        places = _places(passage.text, spans)
        for index, (span, words) in enumerate(zip(spans, own, strict=True)):
            touched = self.share(set(words), set(context), near)
            if touched <= 0:
                continue
            bonus = self._bonus(texts[index], words, places[index])
            worth = _WEIGHT_OF_KIND[span.kind] * _worth(texts[index], words)
            named = any(stem in self._weights for stem in words)
            rank = (touched + bonus) * worth + _RANK * share * (1.0 if named else _UNNAMED)
            quote = _quote(passage, span, self.share(set(words), set(context), set()))
            found.append(Ranked(quote, frozenset(words), context, rank, span.kind == "code"))
        return found

    def share(self, own: set[str], context: set[str], near: set[str]) -> float:
        """Return the share of the question's idf mass that stands in or around a sentence."""
        covered = 0.0
        missing: list[float] = []
        for stem, weight in self._weights.items():
            share = 1.0 if stem in own else CONTEXT_SHARE if stem in context else 0.0
            share = share or (NEAR_SHARE if stem in near else 0.0)
            covered += weight * share
            if not share:
                missing.append(weight)
        others = sorted((found for words, found in self._others if words <= own), reverse=True)
        pairs = zip(sorted(missing, reverse=True), others, strict=False)
        covered += OTHERS_SHARE * sum(min(pair) for pair in pairs)
        return covered / self._total

    def _bonus(self, text: str, words: Sequence[str], place: int) -> float:
        pairs = set(pairwise(words))
        asked = [pair for pair in pairwise(self._weights) if set(pair) <= set(words)]
        together = sum(pair in pairs for pair in asked) / max(len(self._weights) - 1, 1)
        of_kind = shows(self._question.waits_for, text)
        short = len(self._weights) <= _SHORT and of_kind is None
        defines = short and _DEFINES.match(text) is not None and words[0] in self._weights
        early = _FIRST * (place == 0) + _EARLY / (1 + place)
        return (
            early
            + _TOGETHER * together
            + _DEFINES_BONUS * defines
            - _NOT_OF_KIND * (of_kind is False)
        )


def _places(text: str, spans: Sequence[Sentence]) -> list[int]:
    """Return the number of each sentence in its paragraph, from 0: the first says what it is of."""
    found: list[int] = []
    for before, span in zip((None, *spans), spans, strict=False):
        new = before is None or "\n\n" in text[before.end : span.start]
        found.append(0 if new else found[-1] + 1)
    return found


def _worth(text: str, words: Sequence[str]) -> float:
    return (_SHOUTED if text.isupper() else 1.0) * (_THIN if len(words) < _MIN_WORDS else 1.0)


def _weights(question: Question, frequencies: Frequencies) -> dict[str, float]:
    """Return what a stem counts when sentences are compared: names more than other words."""
    names = {term.stem for term in question.terms if term.is_name}
    return {
        stem: frequencies.idf(stem) * (_NAME if stem in names else 1.0) for stem in question.stems
    }


def _quote(passage: Passage, span: Sentence, score: float) -> Quote:
    return Quote(
        passage=replace(passage, locator=_exact(passage, span)),
        start=passage.start + span.start,
        end=passage.start + span.end,
        text=passage.text[span.start : span.end],
        score=round(min(score, 1.0), 4),
    )


def _exact(passage: Passage, span: Sentence) -> str:
    """Return the locator of a sentence: a passage's names its first line, this its own."""
    found = _LINE.search(passage.locator)
    if found is None:
        return passage.locator
    line = int(found[1]) + passage.text.count("\n", 0, span.start)
    return f"{passage.locator[: found.start(1)]}{line}"


def _distinct(found: Iterable[Ranked]) -> Iterable[Ranked]:
    """Leave out what says nearly the same as a better one, word by word."""
    kept: list[Ranked] = []
    for one in found:
        if not any(_alike(one.stems, other.stems) for other in kept):
            kept.append(one)
            yield one


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _SAME * len(one | other)
