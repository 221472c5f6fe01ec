"""Contradictions: quotes for one question that differ in a number, a date or a negation.

The comparison is lexical. Two quotes have the same subject if they share most of their words and
no name or numbered thing occurs in only one of them. This favours precision: more contradictions
are missed than wrongly shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from research_contract.records import Evidence
from research_contract.text.stop_words import STOP_WORDS

SAME_SUBJECT = 0.6
"""Share of the words of the shorter quote that the other quote must also contain."""

SAME_BUT_NEGATED = 0.75
LEAST_SHARED = 2
MOST_SHOWN = 3
"""Most pairs that are shown for one question."""

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
"""Without May, which is usually a different word."""

_NEGATIONS = frozenset(
    re.findall(
        r"\w+",
        """not no never none neither nor without cannot nobody nothing nicht kein keine keinen
        keiner nie niemals ohne pas jamais sans aucun nunca sin ningún non mai senza""",
    )
)


@dataclass(frozen=True)
class Contradiction:
    """Two quotes and the values in which they differ: ``30`` and ``60``; none for a negation."""

    one: Evidence
    other: Evidence
    one_says: tuple[str, ...] = ()
    other_says: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Statement:
    """The features of a quote that are compared: its subject, values and negation."""

    subject: frozenset[str]
    names: frozenset[str]
    values: frozenset[str]
    years: frozenset[str]
    negated: bool


def find_contradictions(evidence: Sequence[Evidence]) -> tuple[Contradiction, ...]:
    """Return the contradicting pairs in the order of ``evidence``; each quote is used once."""
    statements = {item.n: _statement(item) for item in evidence}
    pairs: list[Contradiction] = []
    used: set[int] = set()
    for one, other in combinations(evidence, 2):
        if used & {one.n, other.n} or one.quote == other.quote:
            continue
        if pair := _compare(one, other, statements[one.n], statements[other.n]):
            pairs.append(pair)
            used |= {one.n, other.n}
    return tuple(pairs[:MOST_SHOWN])


def _compare(one: Evidence, other: Evidence, a: _Statement, b: _Statement) -> Contradiction | None:
    shared = len(a.subject & b.subject)
    share = shared / max(min(len(a.subject), len(b.subject)), 1)
    if shared < LEAST_SHARED or share < SAME_SUBJECT or a.names != b.names:
        return None
    if (a.years and b.years and a.years != b.years) and (a.values and b.values):
        return None  # different values in different years do not contradict each other
    left, right = a.values | a.years, b.values | b.years
    if left - right and right - left:
        return Contradiction(one, other, tuple(sorted(left - right)), tuple(sorted(right - left)))
    if a.negated != b.negated and left == right and share >= SAME_BUT_NEGATED:
        return Contradiction(one, other)
    return None


def _statement(item: Evidence) -> _Statement:
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
    return _Statement(
        subject=frozenset(word[:_STEM].rstrip("s") for word in plain if len(word) > 1),
        names=frozenset({f"{word} {number}" for word, number in numbered} | _names(item.quote)),
        values=(numbers - years - ids) | frozenset(counted | months),
        years=years,
        negated=any(word in _NEGATIONS or word.endswith(("n't", "n\u2019t")) for word in lower),
    )


def _names(quote: str) -> set[str]:
    """Return the words that start with a capital letter within a sentence, except months."""
    found = re.findall(r"(?<=[\w,;] )[^\W\d_]\w*", quote)
    return {word.lower() for word in found if word[0].isupper() and word.lower() not in _MONTHS}


def _plain(number: str) -> str:
    """Return the number without thousands separators."""
    return re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number)
