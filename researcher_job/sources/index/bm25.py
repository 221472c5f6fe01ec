"""BM25 over passages of several indexes, by the statistics of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from researcher_job.sources.base import Frequencies
from researcher_job.sources.index.index import (
    AROUND_WEIGHT,
    HEADING_WEIGHT,
    TITLE_WEIGHT,
    Candidate,
)
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import stems

_K1 = 1.2
_B = 0.5
_OTHERS_WEIGHT = 0.5
"""What a word that the question itself does not use is worth beside one that it does."""


def scores(
    candidates: Sequence[Candidate],
    question: Question,
    frequencies: Frequencies,
    *,
    average_length: float,
) -> list[float]:
    """Return each candidate's BM25 (Robertson and Zaragoza, 2009), title and heading weighted."""
    asked = {term.stem for term in question.terms}
    weights = {
        stem: frequencies.idf(stem) * (1.0 if stem in asked else _OTHERS_WEIGHT)
        for stem in question.stems
    }
    fields = stems(
        [part for one in candidates for part in (one.title, one.heading, one.around, one.body)]
    )
    found = []
    for index in range(0, len(fields), 4):
        title, heading, around, body = (
            Counter(question.found(field)) for field in fields[index : index + 4]
        )
        norm = _K1 * (1 - _B + _B * len(fields[index + 3]) / max(average_length, 1.0))
        score = 0.0
        for stem, weight in weights.items():
            often = title[stem] * TITLE_WEIGHT + heading[stem] * HEADING_WEIGHT
            often += around[stem] * AROUND_WEIGHT + body[stem]
            score += weight * often * (_K1 + 1) / (often + norm)
        found.append(score)
    return found
