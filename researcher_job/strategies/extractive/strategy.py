"""Finding without a language model: the passages nearest to a question, quoted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread

from research_contract.records import Depth
from researcher_job.core.secrets import SecretUnavailable
from researcher_job.sources.base import Frequencies, Passage, Query, Source, word_statistics
from researcher_job.sources.embeddings.base import EmbeddingFailed
from researcher_job.sources.embeddings.configured import Model
from researcher_job.sources.index.query import Question, analyse
from researcher_job.strategies.base import Finding
from researcher_job.strategies.extractive.links import follow
from researcher_job.strategies.extractive.notes import missing_words
from researcher_job.strategies.extractive.ranking import Ranked, Weights, ranked_quotes
from researcher_job.strategies.extractive.reranking import reranked

_PASSAGES = {"quick": 20, "standard": 40, "deep": 80}
_ROUNDS = {"quick": 1, "standard": 1, "deep": 2}
_QUOTES = {"quick": 3, "standard": 5, "deep": 8}
SHOWN = 8
"""Quotes and nearest passages of one question together; more with depth ``deep``."""

NOT_FOUND_BELOW = 0.3
"""Confidence below which a question counts as ``not_found``.

Measured by ``make eval``: see the table of ``docs/finding.md``.
"""

_WORTH = 0.5
"""A quote is evidence if it holds at least this much of what the best quote holds."""


@dataclass(frozen=True)
class Ranking:
    """What a source holds about a question: passages and quotes, each the best first.

    ``complete``: everything that was found in the source was read. ``trouble`` says why the model
    did not rank them, "" if it did.
    """

    question: Question
    passages: Sequence[Passage]
    quotes: Sequence[Ranked]
    frequencies: Frequencies
    complete: bool = True
    trouble: str = ""


class Extractive:
    """The ``Strategy`` that ranks by shared words, and by meaning where vectors are installed.

    ``depth`` decides how many passages are examined (20, 40 or 80) and how many quotes are
    returned (3, 5 or 8). It cannot tell whether a quote answers: states are ``evidence`` and
    ``not_found``.
    """

    def __init__(self, model: Model | None = None) -> None:
        """Take the ``model`` that ranks the best quotes again, if there is one."""
        self._model = model

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        ranking = await self.rank(question, source, terms=terms, depth=depth)
        return concluded(ranking, most=_QUOTES[depth])

    async def rank(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Ranking:
        """Return the passages and quotes of ``source``, also where they would be too weak."""
        query = Query(question, tuple(terms))
        related = await source.lexicon.related(query) if source.lexicon else None
        analysed = await to_thread.run_sync(analyse, question, terms, related)
        found = await source.search(query, limit=_PASSAGES[depth])
        passages = await follow(analysed, query, found, source, rounds=_ROUNDS[depth])
        counted = await word_statistics(source, analysed.index_stems, passages)
        frequencies = analysed.together(counted)
        ranked, trouble = await to_thread.run_sync(self._ranked, analysed, passages, frequencies)
        complete = not source.coverage.not_read
        return Ranking(analysed, passages, ranked, frequencies, complete, trouble)

    def _ranked(
        self, question: Question, passages: Sequence[Passage], frequencies: Frequencies
    ) -> tuple[list[Ranked], str]:
        """Return the quotes, and why they are ranked by words alone where a service failed."""
        ranked = ranked_quotes(question, passages, frequencies)
        if self._model is None:
            return ranked, ""
        try:
            return reranked(question.text, ranked, self._model.load()), ""
        except (EmbeddingFailed, SecretUnavailable) as error:
            return ranked, f"Ranked by words alone: {error}"


def confidence(ranking: Ranking) -> float:
    """Return how surely the sources are about the question, from 0; above 1 is common.

    It is the greatest share of the question that one quote holds with its context, times the
    square root of how many words of the question that are: one word met by chance proves little.
    """
    weights = Weights(ranking.question, ranking.frequencies)
    return max(
        (
            weights.share(one.own, one.context, in_context=1.0) * math.sqrt(one.words)
            for one in ranking.quotes
        ),
        default=0.0,
    )


def concluded(ranking: Ranking, *, most: int) -> Finding:
    """Return up to ``most`` quotes as evidence, or none, and the nearest of the others."""
    ranked = ranking.quotes
    missing = missing_words(
        ranking.question, ranked, ranking.frequencies, complete=ranking.complete
    )
    note = " ".join(one for one in (missing, ranking.trouble) if one)
    shown = max(SHOWN, most)
    if confidence(ranking) < NOT_FOUND_BELOW:
        return Finding((), "not_found", note, nearest=tuple(one.quote for one in ranked[:shown]))
    best = max((one.quote.score for one in ranked), default=0.0)
    evidence = [one for one in ranked if one.quote.score >= _WORTH * best][:most]
    others = [one for one in ranked if one not in evidence][: shown - len(evidence)]
    return Finding(
        tuple(one.quote for one in evidence),
        "evidence",
        note,
        nearest=tuple(one.quote for one in others),
    )
