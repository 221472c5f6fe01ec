"""Finding without a language model: the sentences that touch the most of a question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from anyio import to_thread

from research_contract import records
from researcher_job.sources.base import Frequencies, Passage, Query, Source, word_statistics
from researcher_job.sources.index.answer_type import AnswerType
from researcher_job.sources.index.query import Question, analyse
from researcher_job.sources.index.tokenizer import is_part
from researcher_job.strategies.base import Finding
from researcher_job.strategies.extractive.confidence import (
    BY_MEANING,
    BY_WORDS,
    SUPPORTING,
    Calibration,
    Demand,
    Signals,
    signals,
)
from researcher_job.strategies.extractive.embeddings import Vectors, vectors_for
from researcher_job.strategies.extractive.multi_hop import follow
from researcher_job.strategies.extractive.ranking import Ranked, ranked_quotes

_PASSAGES = {"quick": 20, "standard": 40, "deep": 80}
_ROUNDS = {"quick": 1, "standard": 1, "deep": 2}
_QUOTES = {"quick": 3, "standard": 5, "deep": 8}
ANSWERED = 0.5
"""Probability from which a question counts as answered. What is found and not answered is called
partial."""

_FEWER = 1.5
_MANY = 500
"""Passages from which ``Calibration.found`` holds. Among fewer, words meet by chance less often."""

_COUNTED: frozenset[AnswerType] = frozenset({"time", "duration", "number", "price"})
_FEW = 2
_WORTH = 0.75
_LEAST = 0.15
_MOST_WORDS = 6


class Extractive:
    """The ``Strategy`` that quotes the sentences which have the most of a question.

    ``depth`` decides how many passages are examined (20, 40 or 80) and how many quotes are
    returned (3, 5 or 8).
    """

    async def find(
        self,
        question: str,
        source: Source,
        *,
        terms: Sequence[str] = (),
        depth: records.Depth = "standard",
    ) -> Finding:
        analysed = await to_thread.run_sync(analyse, question, terms)
        passages, led = await gather(analysed, terms, source, depth=depth)
        counted = await word_statistics(source, analysed.index_stems, passages)
        frequencies = analysed.together(counted)
        vectors = await to_thread.run_sync(vectors_for, question)
        judged = await to_thread.run_sync(judge, analysed, passages, frequencies, led, vectors)
        return _finding(analysed, judged, frequencies, most=_QUOTES[depth])


async def gather(
    question: Question, terms: Sequence[str], source: Source, *, depth: records.Depth
) -> tuple[list[Passage], float]:
    """Return the passages to look at, the best first: those found and what they lead to.

    The number is by how much the best one gained from being led to, in shares of the best
    score before.
    """
    query = Query(question.text, tuple(terms))
    found = await source.search(query, limit=_PASSAGES[depth])
    followed = await follow(question, query, found, source, rounds=_ROUNDS[depth])
    before = found[0].score if found else 0.0
    led = followed[0].score / before - 1 if before > 0 else 0.0
    return followed[: _PASSAGES[depth]], led


@dataclass(frozen=True)
class Judged:
    """The ranked sentences, those ``shown``, and what they have of the question.

    ``held`` is the share of the question that stands in the best quotes shown or above them, in
    one of them where the question is about one thing; 0 where a question of few words lacks one.
    ``is_fit``: one of them is on what is asked about, and one has a figure or a time where that
    is asked for. ``needed`` is the probability from which the question counts as spoken of in so
    many passages, ``least`` what must be ``held`` for an answer. All by what is ``calibrated``.
    """

    ranked: tuple[Ranked, ...]
    shown: tuple[Ranked, ...]
    signals: Signals
    held: float
    is_fit: bool
    needed: float
    least: float
    calibrated: Calibration

    @property
    def is_found(self) -> bool:
        """Whether the sources speak of the question."""
        return (
            bool(self.shown) and self.calibrated.relevant.probability(self.signals) >= self.needed
        )

    @property
    def is_answered(self) -> bool:
        """Whether the quotes answer it; never where they leave much of it out."""
        enough = self.is_fit and self.held >= self.least
        return enough and self.calibrated.answering.probability(self.signals) >= ANSWERED


def judge(
    question: Question,
    passages: Sequence[Passage],
    frequencies: Frequencies,
    led: float = 0.0,
    vectors: Vectors | None = None,
    calibrated: Calibration | None = None,
) -> Judged:
    """Rank the sentences of ``passages`` and measure what they have of ``question``.

    By meaning where there are ``vectors``, by words only where there are none.
    """
    calibrated = calibrated or (BY_MEANING if vectors else BY_WORDS)
    ranked = ranked_quotes(question, passages, frequencies, calibrated.weights, vectors)
    shown = _worth_quoting(question, ranked)
    best = shown[:SUPPORTING]
    return Judged(
        ranked=tuple(ranked),
        shown=tuple(shown),
        signals=signals(question, ranked, passages, frequencies, led=led, vectors=vectors),
        calibrated=calibrated,
        needed=calibrated.found * _chance(frequencies.passages),
        least=_least(question, frequencies, calibrated),
        is_fit=_is_fit(question, best),
        held=_held(question, best, frequencies),
    )


def _chance(passages: int) -> float:
    """Return how likely words meet by chance in so many passages, against many: 0 to 1."""
    share: float = min(1.0, math.log1p(passages) / math.log1p(_MANY)) ** _FEWER
    return share


def _least(question: Question, frequencies: Frequencies, calibrated: Calibration) -> float:
    """Return what share of a question must be held; what is said in other words may be less.

    Not where the sources nowhere have a word of it: then it may be just what is asked about.
    """
    known = all(frequencies.containing.get(term.stem) for term in question.terms)
    return calibrated.held if known else max(calibrated.held, BY_WORDS.held)


def _is_fit(question: Question, best: Sequence[Ranked]) -> bool:
    counted = question.waits_for not in _COUNTED or any(one.traits.answer > 0 for one in best)
    return counted and any(one.on_subject for one in best)


def _held(question: Question, best: Sequence[Ranked], frequencies: Frequencies) -> float:
    demand = Demand(question, frequencies)
    each = [one.stems | one.context for one in best]
    together = {stem for one in each for stem in one}
    if _lacks_a_word(question, together):
        return 0.0
    held = each if question.subject else [together]
    return max((demand.share(one) for one in held), default=0.0)


def _lacks_a_word(question: Question, held: AbstractSet[str]) -> bool:
    """Tell whether a question of so few words that each is needed has one that is not there."""
    few = len(question.terms) <= _FEW and not question.alternatives
    return few and any(term.stem not in held for term in question.terms)


def _finding(question: Question, judged: Judged, frequencies: Frequencies, *, most: int) -> Finding:
    if not judged.is_found:
        return Finding((), "not_found", _note(question, [], frequencies))
    quotes = tuple(one.quote for one in judged.shown[:most])
    if judged.is_answered:
        return Finding(quotes, "answered", "")
    return Finding(quotes, "partial", _note(question, judged.shown[:SUPPORTING], frequencies))


def _worth_quoting(question: Question, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Leave out quotes that touch far less than the best one, and code where words exist.

    Of a question about one thing, also those of other things, where it has documents of its own.
    """
    if question.subject:
        ranked = [one for one in ranked if one.on_subject] or ranked
    prose = [one for one in ranked if not one.is_code] or list(ranked)
    best = max((one.quote.score for one in prose), default=0.0)
    return [one for one in prose if one.quote.score >= max(best * _WORTH, _LEAST)]


def _note(question: Question, ranked: Sequence[Ranked], frequencies: Frequencies) -> str:
    """Say which words of the question nothing was found about."""
    if not question.terms:
        return "The question has no word that can be searched for."
    said = {stem for one in ranked for stem in (*one.stems, *one.context)}
    missing = [term for term in question.terms if term.stem not in said and not is_part(term.word)]
    nowhere = [term.word for term in missing if not frequencies.containing.get(term.stem, 0)]
    apart = [term.word for term in missing if term.word not in nowhere]
    notes = []
    if nowhere:
        notes.append(f"The sources nowhere mention {_listed(nowhere)}.")
    if apart and ranked:
        notes.append(f"No passage quoted here speaks of {_listed(apart)}.")
    elif apart:
        notes.append(f"No passage brings {_listed(apart)} together with the rest of the question.")
    return " ".join(notes) or "No passage answers the question as a whole."


def _listed(words: Sequence[str]) -> str:
    quoted = [f"“{word}”" for word in words[:_MOST_WORDS]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
