"""Whether a claim restates quotes in their own words, and in which words it differs from one.

Without a language model nobody can say that other words mean the same. So a claim restates a
sentence only if it has its words in its order, up to the end of the sentence or of one of its
clauses. Numbers, dates and units may be written in other forms, regular endings may differ, and
English articles do not count. Several such parts may be joined by "and" or a semicolon.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from research_contract.claims.differences import Difference
from research_contract.claims.words import Words
from research_contract.text.lexicon import AND, BETWEEN, LIMITING, PARTICLES, PRONOUNS
from research_contract.text.stop_words import language_of
from research_contract.text.tokens import Term

NOT_SAID = "not said"
"""Shown for the side that has no words in a place where the other one has some."""

MAX_JOINED = 4
"""Parts of which a claim may be joined."""

MAX_SHOWN = 3
"""Places shown in which the words of a claim differ from those of a quote."""

_MAX_SPAN = 80
_MARK = re.compile(r"[;,–—]")

Said = tuple[Words, Collection[str]]
"""A sentence of a quote, and the names for which "It" at its beginning may stand."""


def restates(claim: Words, said: Sequence[Said]) -> bool:
    """Return whether ``claim`` is one of the sentences in its own words, or several joined."""
    if any(_is_covered(claim, 0, len(claim), *one) for one in said):
        return True
    cuts: list[tuple[int, int]] = []  # where one part ends, and where the next one begins
    for at in range(1, len(claim) - 1):
        if claim.plain[at] in AND:
            cuts.append((at, at + 1))
        elif ";" in claim.text[claim.terms[at - 1].end : claim.terms[at].start]:
            cuts.append((at, at))
    cuts = cuts[: MAX_JOINED - 1]
    parts = list(pairwise([(0, 0), *cuts, (len(claim), len(claim))]))
    if not cuts or any(claim.plain[start] in PRONOUNS for (_, start), _ in parts[1:]):
        return False
    return all(
        any(
            _is_covered(claim, start, end, *one)
            or (start > 0 and _continues(claim, start, end, one[0]))
            for one in said
        )
        for (_, start), (end, _) in parts
    )


def _is_covered(claim: Words, start: int, end: int, other: Words, named: Collection[str]) -> bool:
    """Return whether a part of a claim is ``other``, or a clause of it that is true alone."""
    length = end - start
    if length < 2 and length != len(other):
        return False
    shared = _shared(claim, start, end, other, 0)
    if shared == length and _stands_alone(other, length):
        return True
    if _is_second_clause(claim, start, end, other, shared):
        return True
    if not other.plain or other.plain[0] not in PRONOUNS:
        return False
    verb = end - (len(other) - 1)
    return (
        verb > start
        and " ".join(claim.plain[start:verb]) in named
        and _shared(claim, verb, end, other, 1) == end - verb
    )


def _stands_alone(other: Words, length: int) -> bool:
    """Return whether the first ``length`` words of a sentence are true without the rest."""
    if length == len(other):
        return True
    gap = other.text[other.terms[length - 1].end : other.terms[length].start]
    if not _MARK.search(gap) and other.plain[length] not in AND:
        return False
    if language_of(other.plain) == "de" and other.plain[-1] in PARTICLES:
        return False
    return not _limits(other, length, len(other)) and BETWEEN.isdisjoint(other.plain[:length])


def _is_second_clause(claim: Words, start: int, end: int, other: Words, shared: int) -> bool:
    """Return whether a claim is the beginning of a sentence with its last, parallel clause.

    "Revenue was 4 million in 2020 and 5 million in 2021" holds "Revenue was 5 million in 2021":
    what is left out ends with "and", and has the sorts of numbers that are kept behind it.
    """
    for kept in range(shared, 0, -1):
        at = len(other) - (end - start - kept)
        if (
            at - kept > 1
            and at < len(other)
            and other.plain[at - 1] in AND
            and _sorts(other.terms[kept:at]) == _sorts(other.terms[at:]) != []
            and not _limits(other, kept, at)
            and _shared(claim, start + kept, end, other, at) == len(other) - at
        ):
            return True
    return False


def _continues(claim: Words, start: int, end: int, other: Words) -> bool:
    """Return whether a part has the subject of the first: "X opened in May and shut in June"."""
    most = _shared(claim, 0, start - 1, other, 0)
    length = end - start
    return any(
        _shared(claim, start, end, other, subject) == length
        and _stands_alone(other, subject + length)
        for subject in range(1, most + 1)
    )


def _sorts(terms: Sequence[Term]) -> list[str]:
    return [term.quantity.sort for term in terms if term.quantity]


def _limits(words: Words, start: int, end: int) -> bool:
    """Return whether a sentence without some of its words would say more than it does."""
    negated = any(term.kind == "negation" for term in words.terms[start:end])
    return negated or not LIMITING.isdisjoint(words.plain[start:end])


def _shared(claim: Words, start: int, end: int, other: Words, at: int) -> int:
    """Return how many words from ``start``, at most to ``end``, are those of ``other``."""
    most = min(end - start, len(other) - at)
    return next((n for n in range(most) if not claim.same(start + n, other, at + n)), most)


def rewordings(claim: Words, sentence: Words) -> Iterator[Difference]:
    """Yield at most ``MAX_SHOWN`` places in which the words of a claim are not those of a sentence.

    What a claim leaves out at the end of the sentence is yielded only where it limits the rest, or
    where nothing else differs.
    """
    ours, theirs = [
        [term.key if term.matters else term.text.casefold() for term in words.terms]
        for words in (claim, sentence)
    ]
    compared = SequenceMatcher(None, ours, theirs, autojunk=False)
    shown = 0
    for what, first, last, start, end in compared.get_opcodes():
        behind = what == "insert" and end == len(sentence) and not _limits(sentence, start, end)
        if what != "equal" and not (behind and shown) and shown < MAX_SHOWN:
            shown += 1
            yield Difference("wording", _span(claim, first, last), _span(sentence, start, end))


def _span(words: Words, first: int, last: int) -> str:
    if first == last:
        return NOT_SAID
    text = words.text[words.terms[first].start : words.terms[last - 1].end]
    return text if len(text) <= _MAX_SPAN else f"{text[:_MAX_SPAN].rstrip()}…"
