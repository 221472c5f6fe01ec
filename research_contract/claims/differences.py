"""What a quote says otherwise than a claim: another number, a negation, the opposite word."""

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
"""How the side without a negation is shown."""

_TRUTH = ("true", "correct", "right", "case", "proven", "evidence", "certain")

_NEAR = 4
"""Words between a negation and what it denies, at most."""

_ROUNDED: tuple[str, ...] = (
    "about",
    "around",
    "approx",
    "nearly",
    "almost",
    "roughly",
    "over",
    "more than",
    "circa",
)
_ROUNDED += ("some", "ca.", "rund", "etwa", "environ")


@dataclass(frozen=True)
class Difference:
    """What the claim says and what the quote says instead."""

    kind: Literal["number", "negation", "opposite"]
    claimed: str
    quoted: str


def differences(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
    """Give what ``sentence`` says otherwise. It is about the same: its other words match.

    ``missing`` are the terms of the claim that no cited quote holds.
    """
    yield from _numbers(claimed, missing, sentence)
    yield from _negations(claimed, sentence.terms)
    yield from _opposites(claimed, missing, sentence)


def _numbers(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
    ours = [term.quantity for term in claimed if term.quantity]
    free = [
        term
        for term in sentence.terms
        if term.quantity and not any(number.same(term.quantity) for number in ours)
    ]
    for term in missing:
        for other in free:
            if term.quantity and _instead(term, claimed, other, sentence.terms):
                yield Difference("number", term.text, other.text)
                free.remove(other)
                break


def _instead(term: Term, claimed: Sequence[Term], other: Term, quoted: Sequence[Term]) -> bool:
    """Say whether one number stands where the other does: same unit or same neighbour."""
    one, two = term.quantity, other.quantity
    if not one or not two or not one.comparable(two):
        return False
    if one.unit or one.sort == "date":
        return True
    return bool(_beside(term, claimed) & _beside(other, quoted))


def _beside(term: Term, among: Sequence[Term]) -> set[str]:
    """Return the words on both sides of a number."""
    telling = [one for one in among if one.matters or one is term]
    at = next(index for index, one in enumerate(telling) if one is term)
    return {one.key for one in telling[max(at - 1, 0) : at + 2] if one is not term}


def rounds(term: Term, text: str, other: Quantity) -> bool:
    """Say whether a claim's "about 260,000" is ``other`` rounded, such as 264,512."""
    one = term.quantity
    before = text[max(term.start - 16, 0) : term.start].lower()
    if not one or not one.comparable(other) or not any(word in before for word in _ROUNDED):
        return False
    mine, its = one.amount, other.amount
    if mine is None or its is None:
        return False
    digits = len(mine.normalize().as_tuple().digits)
    finer = len(its.normalize().as_tuple().digits) > digits
    return finer and Decimal(f"{its:.{digits - 1}E}") == mine


def _negations(claimed: Sequence[Term], quoted: Sequence[Term]) -> Iterator[Difference]:
    mine, its = _denied(claimed), _denied(quoted)
    if mine and not its:
        for head, said in mine.items():
            if _stands(head, quoted):
                yield Difference("negation", said, NOT_DENIED)
                return
    if its and not mine:
        for head, said in its.items():
            if _stands(head, claimed):
                yield Difference("negation", NOT_DENIED, said)
                return


def _stands(head: str, among: Sequence[Term]) -> bool:
    return any(head == term.key for term in among)


def _denied(among: Sequence[Term]) -> dict[str, str]:
    """Return by the word that is denied how it stands; "not only" denies nothing."""
    found: dict[str, str] = {}
    for index, term in enumerate(among):
        follows = next(iter(among[index + 1 : index + 2]), term)
        if term.kind != "negation" or follows.key == "only":
            continue
        head = _head(among, index)
        if head:
            words = sorted((term, head), key=lambda one: one.start)
            found[head.key] = " … ".join(one.text for one in words)
    return found


def _head(among: Sequence[Term], index: int) -> Term | None:
    """Return what a negation denies: the next word that matters, behind "not true that" too."""
    behind = list(among[index + 1 : index + 1 + _NEAR])
    truth = _truth_stems()
    if any(term.key in truth for term in behind):
        behind = [term for term in among[index + 1 :] if term.key not in truth]
    before = reversed(among[max(index - _NEAR, 0) : index])
    return next((one for one in (*behind, *before) if one.matters), None)


def _opposites(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
    said = {term.key for term in claimed}
    for term in missing:
        for other in sentence.terms:
            if other.key in _opposite_stems().get(term.key, ()) and other.key not in said:
                yield Difference("opposite", term.text, other.text)
                break


@cache
def _opposite_stems() -> Mapping[str, frozenset[str]]:
    return opposites(stem)


@cache
def _truth_stems() -> frozenset[str]:
    return frozenset(map(stem, _TRUTH))
