"""What a quote says instead of a claim: another number, a negation, the opposite word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import combinations, product
from typing import Literal

from research_contract.claims.quotes import Sentence
from research_contract.text.lexicon import DENYING, opposites
from research_contract.text.quantities import Quantity
from research_contract.text.stems import stem
from research_contract.text.tokens import Term

NOT_DENIED = "no negation"
"""Shown for the side that has no negation."""

_TRUTH = ("true", "correct", "right", "case", "proven", "evidence", "certain")
"""Words between a negation and what it denies: "it is not true that …"."""

_MAX_DISTANCE = 4
"""Terms between a negation and the term that it denies, at most."""

_SYMMETRIC = ("meet", "marry", "border", "equal", "differ", "agree", "talk", "resemble", "adjoin")
"""Verbs whose two sides can be exchanged."""

_MAX_NAME = 5
"""Words of a side that may be exchanged with the other one."""

_ROUNDED = (
    *("about", "around", "approx", "nearly", "almost", "roughly", "over", "more than", "circa"),
    *("some", "ca.", "rund", "etwa", "environ"),
)
_BEFORE_NUMBER = 16
"""Characters before a number in which a word such as "about" is recognised."""


@dataclass(frozen=True)
class Difference:
    """What the claim says, and what the quote says instead."""

    kind: Literal["number", "negation", "opposite", "name", "order", "wording"]
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
    yield from _exchanged_numbers(claimed, sentence.terms)
    yield from _exchanged_words(claimed, sentence.terms)
    negations = list(_negations(claimed, sentence.terms))
    others = list(_opposites(claimed, missing, sentence))
    # "does not open" is "stays closed": two differences of which each takes back the other.
    if not (negations and others):
        yield from (*negations, *others)


def _opposites(
    claimed: Sequence[Term], missing: Sequence[Term], sentence: Sentence
) -> Iterator[Difference]:
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


Fact = tuple[str, tuple[Term, ...]]
"""A number or name, with the sort of thing it is: "year", "number:€", "name"."""


def _facts(terms: Sequence[Term]) -> list[Fact]:
    """Return the numbers and names of a text in order; words of one name are one fact."""
    units = {term.quantity.unit for term in terms if term.quantity and term.quantity.unit}
    unit = units.pop() if len(units) == 1 else ""
    found: list[Fact] = []
    last = -2
    for at, term in enumerate(terms):
        if number := term.quantity:
            said = f":{number.unit or unit}" if number.sort == "number" else ""
            found.append((f"{number.sort}{said}", (term,)))
        elif term.kind == "name" and last == at - 1:
            found[-1] = ("name", (*found[-1][1], term))
        elif term.kind == "name":
            found.append(("name", (term,)))
        last = at if term.kind == "name" else last
    return found


def _exchanged_numbers(claimed: Sequence[Term], quoted: Sequence[Term]) -> Iterator[Difference]:
    """Yield what is claimed of another year or name: "5 in 2020" of "5 in 2019 and 6 in 2020"."""
    ours, theirs = _facts(claimed), _facts(quoted)
    for one, other in combinations(dict.fromkeys(sort for sort, _ in theirs), 2):
        pairs, mine = _paired(theirs, one, other), _paired(ours, one, other)
        for first, second in mine if len(pairs) > 1 else ():
            held = [at for at, pair in enumerate(pairs) if _same_fact(first, pair[0])]
            stands = [at for at, pair in enumerate(pairs) if _same_fact(second, pair[1])]
            if held and stands and not set(held) & set(stands):
                instead = pairs[stands[0]]
                yield Difference("number", _both(first, second), _both(*instead))


def _paired(
    facts: Sequence[Fact], one: str, other: str
) -> list[tuple[tuple[Term, ...], tuple[Term, ...]]]:
    """Return the facts of two sorts that alternate, in pairs; none where they do not."""
    both = [fact for fact in facts if fact[0] in (one, other)]
    firsts, seconds = both[::2], both[1::2]
    if len(firsts) != len(seconds) or len({sort for sort, _ in firsts}) != 1:
        return []
    if len({sort for sort, _ in seconds}) != 1 or firsts[0][0] == seconds[0][0]:
        return []
    pairs = [(a[1], b[1]) for a, b in zip(firsts, seconds, strict=True)]
    return pairs if firsts[0][0] == one else [(b, a) for a, b in pairs]


def _same_fact(one: tuple[Term, ...], other: tuple[Term, ...]) -> bool:
    if one[0].quantity and other[0].quantity:
        return one[0].quantity.same(other[0].quantity)
    return bool({term.key for term in one} & {term.key for term in other})


def _both(one: tuple[Term, ...], other: tuple[Term, ...]) -> str:
    words = sorted(((*one, *other)), key=lambda term: term.start)
    return " … ".join(term.text for term in words)


def _exchanged_words(claimed: Sequence[Term], quoted: Sequence[Term]) -> Iterator[Difference]:
    """Yield who did what to whom where a sentence says it in the same words the other way round.

    Also a name that stands in the place of another, all other words being the same.
    """
    ours, theirs = _counted(claimed), _counted(quoted)
    for at in range(len(theirs) - len(ours) + 1):
        other = theirs[at : at + len(ours)]
        differing = [n for n in range(len(ours)) if ours[n].key != other[n].key]
        if not differing:
            continue
        first, last = differing[0], differing[-1] + 1
        mine, said = ours[first:last], other[first:last]
        if len(differing) == 1 and len(ours) > 2 and _are_names(ours, other, first):
            yield Difference("name", mine[0].text, said[0].text)
            return
        if _turned_round(mine, said):
            yield Difference("order", _all(mine), _all(said))
            return


def _counted(terms: Sequence[Term]) -> list[Term]:
    return [term for term in terms if term.key not in ("a", "an", "the")]


def _are_names(ours: Sequence[Term], other: Sequence[Term], at: int) -> bool:
    """Return whether the words at ``at`` are two names of which neither text has both."""
    if ours[at].quantity or other[at].quantity or ours[at].key in {term.key for term in other}:
        return False
    capital = all(words[at].text[:1].isupper() for words in (ours, other))
    beside = ours[at + 1 : at + 2]
    return capital and (
        "name" in (ours[at].kind, other[at].kind) or any(term.kind == "name" for term in beside)
    )


def _turned_round(mine: Sequence[Term], said: Sequence[Term]) -> bool:
    """Return whether one is "A … B" and the other "B … A", with a verb between."""
    symmetric = frozenset(map(stem, _SYMMETRIC))
    for x, y in product(range(1, _MAX_NAME + 1), repeat=2):
        between = mine[x : len(mine) - y]
        moved = [*mine[len(mine) - y :], *between, *mine[:x]]
        if (
            any(term.matters and term.key not in symmetric for term in between)
            and [term.key for term in moved] == [term.key for term in said]
            and all(term.matters for term in (*mine[:x], *mine[len(mine) - y :]))
        ):
            return True
    return False


def _all(terms: Sequence[Term]) -> str:
    return " ".join(term.text for term in terms)


def _negations(claimed: Sequence[Term], quoted: Sequence[Term]) -> Iterator[Difference]:
    """Yield a negation that only one side has, of a word that both have."""
    if any(term.text.casefold() in DENYING for term in (*claimed, *quoted)):
        return
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
