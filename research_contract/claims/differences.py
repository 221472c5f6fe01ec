"""What a quote says instead of a claim: another number, a negation, the opposite word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from research_contract.claims.quotes import Sentence
from research_contract.text.lexicon import opposites
from research_contract.text.quantities import Quantity
from research_contract.text.stems import stem
from research_contract.text.tokens import Term

NOT_DENIED = "no negation"
"""Shown for the side that has no negation."""

_TRUTH = ("true", "correct", "right", "case", "proven", "evidence", "certain")
"""Words between a negation and what it denies: "it is not true that …"."""

_MAX_DISTANCE = 4
"""Terms between a negation and the term that it denies, at most."""

_ROUNDED = (
    *("about", "around", "approx", "nearly", "almost", "roughly", "over", "more than", "circa"),
    *("some", "ca.", "rund", "etwa", "environ"),
)
_BEFORE_NUMBER = 16
"""Characters before a number in which a word such as "about" is recognised."""


@dataclass(frozen=True)
class Difference:
    """What the claim says, and what the quote says instead."""

    kind: Literal["number", "negation", "opposite"]
    claimed: str
    quoted: str


def differences(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
    """Yield what ``sentence`` says instead of a claim about the same subject.

    Args:
        claimed: all terms of the claim.
        missing: those that no cited quote holds.
    """
    yield from _numbers(claimed, missing, sentence)
    yield from _negations(claimed, sentence.terms)
    keys = {term.key for term in claimed}
    for term in missing:
        opposite = _opposite_stems().get(term.key, frozenset())
        for other in sentence.terms:
            if other.key in opposite and other.key not in keys:
                yield Difference("opposite", term.text, other.text)
                break


def rounds(term: Term, text: str, other: Quantity) -> bool:
    """Return whether a number of a claim is ``other`` rounded: "about 260,000" and 264,512.

    ``text`` is the claim that holds ``term``.
    """
    number = term.quantity
    before = text[max(term.start - _BEFORE_NUMBER, 0) : term.start].lower()
    if not number or not number.comparable(other) or not any(word in before for word in _ROUNDED):
        return False
    if number.amount is None or other.amount is None:
        return False
    digits = len(number.amount.normalize().as_tuple().digits)
    is_finer = len(other.amount.normalize().as_tuple().digits) > digits
    return is_finer and Decimal(f"{other.amount:.{digits - 1}E}") == number.amount


def _numbers(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
    """Yield each missing number with the number that stands in its place, each used once."""
    stated = [term.quantity for term in claimed if term.quantity]
    others = [
        term
        for term in sentence.terms
        if term.quantity and not any(number.same(term.quantity) for number in stated)
    ]
    for term in missing:
        for other in others:
            if term.quantity and _same_place(term, claimed, other, sentence.terms):
                yield Difference("number", term.text, other.text)
                others.remove(other)
                break


def _same_place(term: Term, claimed: Sequence[Term], other: Term, quoted: Sequence[Term]) -> bool:
    """Return whether two numbers have the same unit, are dates, or share a neighbouring word."""
    one, two = term.quantity, other.quantity
    if not one or not two or not one.comparable(two):
        return False
    if one.unit or one.sort == "date":
        return True
    return bool(_neighbours(term, claimed) & _neighbours(other, quoted))


def _neighbours(term: Term, among: Sequence[Term]) -> set[str]:
    counted = [one for one in among if one.matters or one is term]
    at = next(index for index, one in enumerate(counted) if one is term)
    return {one.key for one in counted[max(at - 1, 0) : at + 2] if one is not term}


def _negations(claimed: Sequence[Term], quoted: Sequence[Term]) -> Iterator[Difference]:
    """Yield a negation that only one side has, of a word that both have."""
    ours, theirs = _denied(claimed), _denied(quoted)
    ours_shared = [text for key, text in ours.items() if any(key == t.key for t in quoted)]
    theirs_shared = [text for key, text in theirs.items() if any(key == t.key for t in claimed)]
    if ours_shared and not theirs:
        yield Difference("negation", ours_shared[0], NOT_DENIED)
    if theirs_shared and not ours:
        yield Difference("negation", NOT_DENIED, theirs_shared[0])


def _denied(among: Sequence[Term]) -> dict[str, str]:
    """Return, by the key of each denied term, its text with the negation; "not only" denies
    nothing."""
    truth = frozenset(map(stem, _TRUTH))
    found: dict[str, str] = {}
    for index, term in enumerate(among):
        following = among[index + 1 : index + 2]
        if term.kind != "negation" or (following and following[0].key == "only"):
            continue
        behind = list(among[index + 1 : index + 1 + _MAX_DISTANCE])
        if any(one.key in truth for one in behind):
            behind = [one for one in among[index + 1 :] if one.key not in truth]
        before = reversed(among[max(index - _MAX_DISTANCE, 0) : index])
        denied = next((one for one in (*behind, *before) if one.matters), None)
        if denied:
            words = sorted((term, denied), key=lambda one: one.start)
            found[denied.key] = " … ".join(one.text for one in words)
    return found


@cache
def _opposite_stems() -> Mapping[str, frozenset[str]]:
    return opposites(stem)
