"""The second stage: the best quotes ranked again by a model that compares sentences."""

from __future__ import annotations

from collections.abc import Sequence

from researcher_job.sources.embeddings.base import Embedder, embedded_text
from researcher_job.strategies.extractive.ranking import Ranked, with_rank

RERANKED = 25
"""Quotes, the best first, that are compared: at about 40 ms each, one second a question."""

_WEIGHT = 20.0
"""What a cosine of 1 counts beside the rank by words. The cosines of this model lie within .75 and
.95, so that the whole range counts about as much as the rank by words does."""


def reranked(question: str, ranked: Sequence[Ranked], embedder: Embedder) -> list[Ranked]:
    """Return ``ranked``, its first quotes ordered anew by meaning.

    So are quotes of passages that vectors made ahead have found, whatever their words.
    """
    first, rest = list(ranked[:RERANKED]), list[Ranked]()
    for one in ranked[RERANKED:]:
        (first if one.quote.passage.ahead else rest).append(one)
    if not first:
        return []
    asked = embedder.questions([question])[0]
    cosines = embedder.passages([_text(one) for one in first]) @ asked
    return [*with_rank(first, (_WEIGHT * float(cosine) for cosine in cosines)), *rest]


def _text(ranked: Ranked) -> str:
    passage = ranked.quote.passage
    headings = " > ".join(one.text for one in passage.context if one.kind == "heading")
    around = " ".join(one.text for one in passage.context if one.kind != "heading")
    return embedded_text(passage.title, headings, around, ranked.quote.text)
