"""Contradictions: quotes for one question that differ in a number, a date or a negation.

The comparison is lexical. Two quotes have the same subject if they share most of their words and
no name or numbered thing occurs in only one of them. This favours precision: more contradictions
are missed than wrongly shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from research_contract.records import Evidence
from research_contract.text.lexicon import LABELS
from research_contract.text.quantities import Quantity
from research_contract.text.tokens import Term, terms
from researcher_job.sources.blocks.writer import SEPARATOR

SAME_SUBJECT = 0.6
"""Share of the words of the shorter quote that the other quote must also contain."""

SAME_BUT_NEGATED = 0.75
LEAST_SHARED = 2
_MARK_BEFORE = re.compile(r"[§#\[]\s?$")
_LEADING = re.compile(r"\d+(?:\.\d+)+\.?\s|\d+[.)]\s")
_MACHINE = re.compile(
    r"\.(?:js|mjs|cjs|css|map|lock|svg)$|\.min\.|-lock\.json$|^searchindex", re.IGNORECASE
)
_LEAST_READABLE = 0.6
"""Share of letters, digits and spaces in a quote that a person wrote."""

MOST_SHOWN = 3
"""Most pairs that are shown for one question."""


@dataclass(frozen=True)
class Contradiction:
    """Two quotes and the values in which they differ: ``30 days`` and ``sixty days``.

    There are no values where one quote denies what the other one states.
    """

    one: Evidence
    other: Evidence
    one_says: tuple[str, ...] = ()
    other_says: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Statement:
    """The features of a quote that are compared: its subject, values and negation."""

    subject: frozenset[str]
    names: frozenset[str]
    values: tuple[Quantity, ...]
    years: tuple[Quantity, ...]
    negated: bool


def find_contradictions(evidence: Sequence[Evidence]) -> tuple[Contradiction, ...]:
    """Return the contradicting pairs in the order of ``evidence``; each quote is used once."""
    statements = {item.n: _statement(item) for item in evidence}
    pairs: list[Contradiction] = []
    used: set[int] = set()
    written = [item for item in evidence if not _is_of_machine(item)]
    for one, other in combinations(written, 2):
        if used & {one.n, other.n} or one.quote == other.quote or _are_other_rows(one, other):
            continue
        if pair := _compare(one, other, statements[one.n], statements[other.n]):
            pairs.append(pair)
            used |= {one.n, other.n}
    return tuple(pairs[:MOST_SHOWN])


def _are_other_rows(one: Evidence, other: Evidence) -> bool:
    """Return whether two quotes are rows of one document whose first cells differ.

    Such rows are about different things, however alike they are: ``Up to 5 t``, ``Up to 10 t``.
    """
    if (one.kind, one.uri) != ("row", other.uri) or other.kind != "row":
        return False
    return one.quote.partition(SEPARATOR)[0] != other.quote.partition(SEPARATOR)[0]


def _compare(one: Evidence, other: Evidence, a: _Statement, b: _Statement) -> Contradiction | None:
    shared = len(a.subject & b.subject)
    share = shared / max(min(len(a.subject), len(b.subject)), 1)
    if shared < LEAST_SHARED or share < SAME_SUBJECT or a.names != b.names:
        return None
    only_a_years, only_b_years = _only(a.years, b.years), _only(b.years, a.years)
    if only_a_years and only_b_years and a.values and b.values:
        return None  # different values in different years do not contradict each other
    if all(
        {bool(value.unit) for value in _new(these, those)} == {True, False}
        for these, those in ((a.values, b.values), (b.values, a.values))
    ):
        return None  # nor do different amounts of things with different numbers
    only_a = _only(a.values, b.values) + only_a_years
    only_b = _only(b.values, a.values) + only_b_years
    if only_a and only_b:
        return Contradiction(one, other, only_a, only_b)
    if a.negated != b.negated and not only_a and not only_b and share >= SAME_BUT_NEGATED:
        return Contradiction(one, other)
    return None


def _new(values: Sequence[Quantity], others: Sequence[Quantity]) -> list[Quantity]:
    """Return those ``values`` that are not among ``others``."""
    return [
        value
        for value in values
        if not any(value.same(other) or other.same(value) for other in others)
    ]


def _only(values: Sequence[Quantity], others: Sequence[Quantity]) -> tuple[str, ...]:
    """Return the texts of those ``values`` that are not among ``others``."""
    return tuple(value.text for value in _new(values, others))


def _statement(item: Evidence) -> _Statement:
    quoted = terms(item.quote)
    numbered = _numbered(item.quote, quoted)
    quantities = [term.quantity for term in quoted if term.quantity and term not in numbered]
    words = [term for term in quoted if term.matters and not term.quantity]
    return _Statement(
        subject=frozenset(term.key for term in words)
        | frozenset(one.unit for one in quantities if one.unit),
        names=frozenset(term.key for term in words if term.kind == "name")
        | set(numbered.values())
        | set(_numbered(item.locator, terms(item.locator)).values()),
        values=tuple(one for one in quantities if one.sort != "year"),
        years=tuple(one for one in quantities if one.sort == "year"),
        negated=any(term.kind == "negation" for term in quoted),
    )


def _numbered(text: str, among: Sequence[Term]) -> dict[Term, str]:
    """Return the numbers that belong to the name of a thing, with that name: ``Pump 7``."""
    named = {
        number: f"{word.key} {number.key}"
        for word, number in pairwise(among)
        if _is_plain(number)
        and (word.text[:1].isupper() or word.text.casefold() in LABELS)
        and text[word.end : number.start] in (" ", "-", "", ". ", ".")
    }
    marked = {
        number: f"§ {number.key}"
        for number in among
        if _is_plain(number)
        and (
            _MARK_BEFORE.search(text[max(number.start - 2, 0) : number.start])
            or (number.start == 0 and _LEADING.match(text))
        )
    }
    return marked | named


def _is_plain(term: Term) -> bool:
    return bool(term.quantity and term.quantity.sort == "number" and not term.quantity.unit)


def _is_of_machine(item: Evidence) -> bool:
    """Return whether a quote is code or data of a program: by the file's name, or mostly signs."""
    readable = sum(char.isalnum() or char.isspace() for char in item.quote)
    name = item.uri.rpartition("/")[2]
    return bool(_MACHINE.search(name)) or readable < _LEAST_READABLE * len(item.quote)
