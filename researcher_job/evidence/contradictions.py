"""Quotes for one question that say different things of the same: numbers, dates, negations.

No language is understood here. Two quotes are taken to speak of the same where most of their words
are the same and no name or numbered thing stands in one of them only; so what is missed is more
than what is wrongly shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from research_contract.records import Evidence
from research_contract.text.stop_words import STOP_WORDS

SAME_SUBJECT = 0.6
"""Share of the words of the shorter quote that both must have."""

SAME_BUT_NEGATED = 0.75
LEAST_SHARED = 2
MOST_SHOWN = 3
"""Most pairs shown for one question."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_NUMBERED = re.compile(r"\b([^\W\d_]\w*)[ -]?(\d+)\b")
_YEAR = re.compile(r"(?:19|20)\d\d")
_STEM = 6
_NUMERALS = re.findall(
    r"\w+",
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand""",
)
_AMOUNTS = [*range(21), 30, 40, 50, 60, 70, 80, 90, 100, 1000]
_COUNTED = {word: str(amount) for word, amount in zip(_NUMERALS, _AMOUNTS, strict=True)}
_MONTHS = frozenset(
    re.findall(
        r"\w+",
        """january february march april june july august september october november december""",
    )
)
"""Without May, which is mostly another word."""

_NEGATIONS = frozenset(
    re.findall(
        r"\w+",
        """not no never none neither nor without cannot nobody nothing nicht kein keine keinen
        keiner nie niemals ohne pas jamais sans aucun nunca sin ningún non mai senza""",
    )
)


@dataclass(frozen=True)
class Contradiction:
    """Two quotes that differ, and in what: ``30`` against ``60``; empty for a negation."""

    one: Evidence
    other: Evidence
    one_says: tuple[str, ...] = ()
    other_says: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Said:
    """A quote taken apart: what it speaks of, which values it gives, whether it negates."""

    subject: frozenset[str]
    names: frozenset[str]
    values: frozenset[str]
    years: frozenset[str]
    negated: bool


def find_contradictions(found: Sequence[Evidence]) -> tuple[Contradiction, ...]:
    """Return the pairs of quotes that differ, in the order of ``found``, each quote once."""
    said = {item.n: _said(item) for item in found}
    pairs: list[Contradiction] = []
    used: set[int] = set()
    for one, other in combinations(found, 2):
        if used & {one.n, other.n} or one.quote == other.quote:
            continue
        if pair := _compare(one, other, said[one.n], said[other.n]):
            pairs.append(pair)
            used |= {one.n, other.n}
    return tuple(pairs[:MOST_SHOWN])


def _compare(one: Evidence, other: Evidence, a: _Said, b: _Said) -> Contradiction | None:
    shared = len(a.subject & b.subject)
    share = shared / max(min(len(a.subject), len(b.subject)), 1)
    if shared < LEAST_SHARED or share < SAME_SUBJECT or a.names != b.names:
        return None
    if (a.years and b.years and a.years != b.years) and (a.values and b.values):
        return None  # two times of which different things are said
    left, right = a.values | a.years, b.values | b.years
    if left - right and right - left:
        return Contradiction(one, other, _sorted(left - right), _sorted(right - left))
    if a.negated != b.negated and left == right and share >= SAME_BUT_NEGATED:
        return Contradiction(one, other)
    return None


def _sorted(values: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(values))


def _said(item: Evidence) -> _Said:
    words = _WORD.findall(item.quote)
    lower = [word.lower() for word in words]
    numbers = frozenset(_plain(found) for found in _NUMBER.findall(item.quote))
    numbered = {
        (word.lower(), number)
        for word, number in _NUMBERED.findall(f"{item.locator} {item.quote}")
        if word[0].isupper() and word.lower() not in _MONTHS | {"line", "page", "row", "slide"}
    }
    counted = {_COUNTED[word] for word in lower if word in _COUNTED}
    months = {word for word in lower if word in _MONTHS}
    years = frozenset(number for number in numbers if _YEAR.fullmatch(number))
    ids = {number for _, number in numbered}
    plain = set(lower) - STOP_WORDS - set(_COUNTED) - _MONTHS - _NEGATIONS
    return _Said(
        subject=frozenset(word[:_STEM].rstrip("s") for word in plain if len(word) > 1),
        names=frozenset({f"{word} {number}" for word, number in numbered} | _names(item.quote)),
        values=(numbers - years - ids) | frozenset(counted | months),
        years=years,
        negated=any(word in _NEGATIONS or word.endswith(("n't", "n\u2019t")) for word in lower),
    )


def _names(quote: str) -> set[str]:
    """Return the words that are written with a capital though no sentence begins there."""
    found = re.findall(r"(?<=[\w,;] )[^\W\d_]\w*", quote)
    return {word.lower() for word in found if word[0].isupper() and word.lower() not in _MONTHS}


def _plain(number: str) -> str:
    """Write a number without what only divides its thousands."""
    return re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number)
