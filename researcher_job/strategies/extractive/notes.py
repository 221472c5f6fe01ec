"""What a question asks for and nothing was found about, in words."""

from __future__ import annotations

from collections.abc import Sequence

from researcher_job.sources.base import Frequencies
from researcher_job.sources.index.query import Question
from researcher_job.sources.index.tokenizer import is_part
from researcher_job.strategies.extractive.ranking import Ranked

SUPPORTING = 3
"""Quotes, the best first, whose words are looked at."""

_MOST_WORDS = 6


def missing_words(
    question: Question,
    ranked: Sequence[Ranked],
    frequencies: Frequencies,
    *,
    complete: bool,
) -> str:
    """Return which words of the question are in no source, or in no quote; "" for none.

    ``complete``: everything that was found was read, so what is nowhere is in no source.
    """
    if not question.terms:
        return "The question has no word that can be searched for."
    said = {stem for one in ranked[:SUPPORTING] for stem in (*one.own, *one.context)}
    missing = [term for term in question.terms if term.stem not in said and not is_part(term.word)]
    nowhere = [term.word for term in missing if not frequencies.containing.get(term.stem, 0)]
    apart = [term.word for term in missing if term.word not in nowhere]
    notes = []
    if nowhere:
        where = "The sources nowhere mention" if complete else "Nothing that was read mentions"
        notes.append(f"{where} {_listed(nowhere)}.")
    if apart:
        notes.append(f"No quote mentions {_listed(apart)}.")
    return " ".join(notes)


def _listed(words: Sequence[str]) -> str:
    quoted = [f"“{word}”" for word in words[:_MOST_WORDS]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
