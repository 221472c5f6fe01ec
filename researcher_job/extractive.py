"""Finding without a language model: the sentences that touch the most of a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from anyio import to_thread

from researcher_job import contract
from researcher_job.hops import follow
from researcher_job.selection import Ranked, ranked_quotes, support
from researcher_job.sources.base import Frequencies, Library, Passage, Query, Quote
from researcher_job.terms import Question, analyse

State = Literal["answered", "partial", "not_found"]

_PASSAGES = {"quick": 20, "standard": 40, "deep": 80}
_ROUNDS = {"quick": 1, "standard": 1, "deep": 2}
_QUOTES = {"quick": 3, "standard": 5, "deep": 8}
SUPPORTING = 3
"""How many of the best quotes decide whether a question is answered."""

ANSWERED = 0.55
PARTIAL = 0.45
"""Shares of the question that must be supported. Of CLAPnq questions asked of one passage each,
the lower one keeps 79 % of those with an answer and refuses 60 % of those without, the upper one
65 % and 77 %: what lies between is called partial."""

_WORTH = 0.75
_LEAST = 0.15
_MOST_WORDS = 6


@dataclass(frozen=True)
class Findings:
    """Quotes for a question, best first, none twice, and whether they answer it.

    ``note`` says in plain words what is missing; it is empty where the state is ``answered``.
    """

    quotes: tuple[Quote, ...]
    state: State
    note: str


async def find(
    question: str,
    library: Library,
    *,
    terms: Sequence[str] = (),
    depth: contract.Depth = "standard",
) -> Findings:
    """Return the quotes of ``library`` that speak to ``question``.

    ``terms`` are other words for what it asks (synonyms, names, translations). ``depth``
    decides how many passages are looked at and how many quotes are given (3, 5 or 8).
    Raises what the library raises.
    """
    analysed = await to_thread.run_sync(analyse, question, terms)
    passages = await gather(analysed, terms, library, depth=depth)
    frequencies = analysed.together(await library.frequencies(analysed.index_stems))
    return await to_thread.run_sync(_findings, analysed, passages, frequencies, _QUOTES[depth])


async def gather(
    question: Question, terms: Sequence[str], library: Library, *, depth: contract.Depth
) -> list[Passage]:
    """Return the passages to look at, the best first: those found and what they lead to."""
    query = Query(question.text, tuple(terms))
    found = await library.search(query, limit=_PASSAGES[depth])
    return await follow(question, query, found, library, rounds=_ROUNDS[depth])


def _findings(
    question: Question, passages: Sequence[Passage], frequencies: Frequencies, most: int
) -> Findings:
    ranked = _worth_quoting(ranked_quotes(question, passages, frequencies))[:most]
    share = support(question, ranked[:SUPPORTING], frequencies)
    state: State = "answered" if share >= ANSWERED else "partial"
    if share < PARTIAL:
        return Findings((), "not_found", _note(question, [], frequencies))
    note = "" if state == "answered" else _note(question, ranked[:SUPPORTING], frequencies)
    return Findings(tuple(one.quote for one in ranked), state, note)


def _worth_quoting(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Leave out quotes that touch far less than the best one, and code where words exist."""
    prose = [one for one in ranked if not one.is_code] or list(ranked)
    best = max((one.quote.score for one in prose), default=0.0)
    return [one for one in prose if one.quote.score >= max(best * _WORTH, _LEAST)]


def _note(question: Question, ranked: Sequence[Ranked], frequencies: Frequencies) -> str:
    """Say which words of the question nothing was found about."""
    if not question.terms:
        return "The question has no word that can be searched for."
    said = {stem for one in ranked for stem in (*one.stems, *one.context)}
    missing = [term for term in question.terms if term.stem not in said]
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
