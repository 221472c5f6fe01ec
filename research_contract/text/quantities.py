"""Numbers, amounts and dates in a text, in forms that can be compared.

``1,000`` is ``1000``, ``3 %`` is ``3 percent``, ``2 million`` is ``2000000``, ``3 km`` is
``3,000 m``, and ``12 May 2013`` is ``May 12, 2013`` and ``2013-05-12``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from research_contract.text.lexicon import MONTHS, NUMBER_WORDS, ORDINAL_WORDS
from research_contract.text.units import SCALES, UNITS

Sort = Literal["number", "date", "year", "ordinal"]

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:1\d|20|21)\d\d"
_DATES = (
    re.compile(rf"(?<![\w.])(?P<y>{_YEAR})-(?P<m>1[0-2]|0[1-9])-(?P<d>{_DAY})\b"),
    re.compile(rf"(?<![\w.])(?P<d>{_DAY})\.\s?(?P<m>1[0-2]|0?[1-9])\.\s?(?P<y>{_YEAR})\b"),
    re.compile(
        rf"(?<![\w.])(?P<d>{_DAY})(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?(?P<m>{_MONTH})\b\.?"
        rf"(?:,?\s+(?:de\s+)?(?P<y>{_YEAR})\b)?",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\b\.?\s+(?P<d>{_DAY})(?:st|nd|rd|th)?\b(?!:)(?:,?\s+(?P<y>{_YEAR})\b)?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\b\.?,?\s+(?:of\s+|de\s+)?(?P<y>{_YEAR})\b", re.IGNORECASE),
)
_SLASHED = re.compile(rf"\b(\d{{1,2}})/(\d{{1,2}})/({_YEAR})\b")
_ALONE = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December)\b"
)
_DECADE = re.compile(rf"\b((?:{_YEAR[:-2]}0|[1-9]0))['\u2019]?s\b")
_ORDINAL = re.compile(r"\b(\d{1,4})(?:st|nd|rd|th)\b", re.IGNORECASE)
_WORD = "|".join(sorted({*NUMBER_WORDS, *ORDINAL_WORDS}, key=len, reverse=True))
_SPELLED = re.compile(rf"\b(?:{_WORD})\b(?:[- ](?:{_WORD})\b)?", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<before>(?:[$€£¥]|\b(?:EUR|USD|GBP|JPY|CHF|SEK|NOK|DKK|PLN|CZK)(?=\s?\d))\s?)?(?<![a-zA-Z0-9_.])(?P<n>[-\u2212]?(?:\d{1,3}(?:[,'\u2019\u00a0\u202f]\d{3})+|\d+)"
    r"(?:[.,]\d+)*)(?P<after>\s?(?:%|°\s?[CF]\b|°)|[ \u00a0-]?[^\W\d_]+[²³]?)?"
)
_UNIT_BEHIND = re.compile(r"[ \u00a0-]?(%|[^\W\d_]{1,20}[²³]?)")
_ABBREVIATED = ("mio", "mrd", "mn", "bn")
"""Words of scale that are written with a full stop: ``4.5 Mio. Euro``."""

_NO_UNIT = ("", Decimal(1))
_PLAIN = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?")
MOST_DIGITS = 30
"""Digits of a number that are compared; longer runs are compared as text."""


@dataclass(frozen=True)
class Quantity:
    """A number or date in a text. ``values`` are its readings; those of a date ``mm`` or ``mm-dd``.

    ``unit`` is the base unit to which ``values`` were converted, such as ``m`` for ``3 km``, or "";
    ``bare`` are the values before the conversion.
    """

    sort: Sort
    values: frozenset[str]
    text: str
    start: int
    end: int
    unit: str = ""
    bare: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """A normal form that equal quantities share."""
        value = max(self.values) if self.sort == "date" else min(self.values, key=len)
        return f"{self.sort}:{value}{self.unit}"

    def same(self, other: Quantity) -> bool:
        """Return whether ``other``, of a quote, is this number or a date that contains it."""
        if self.sort == "date" or other.sort == "date":
            return self.sort == other.sort and self.values <= other.values
        if self.unit and other.unit:
            return self.unit == other.unit and bool(self.values & other.values)
        return bool(self.readings & other.readings) and (
            "ordinal" not in (self.sort, other.sort) or self.sort == other.sort
        )

    @property
    def amount(self) -> Decimal | None:
        """The value of a plain number, by its first reading; ``None`` for years and dates."""
        value = min(self.values, key=len)
        return Decimal(value) if self.sort == "number" and _PLAIN.fullmatch(value) else None

    @property
    def readings(self) -> frozenset[str]:
        """The values that the number may have without its unit."""
        return self.bare or self.values

    def comparable(self, other: Quantity) -> bool:
        """Return whether both have the same sort and unit."""
        return self.sort == other.sort and self.unit == other.unit


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the numbers and dates of ``text`` in order, none overlapping."""
    if not any(map(str.isdigit, text)) and not _SPELLED.search(text) and not _ALONE.search(text):
        return ()
    found: list[Quantity] = []
    taken: set[int] = set()
    for one in _all(text):
        if taken.isdisjoint(range(one.start, one.end)):
            found.append(one)
            taken.update(range(one.start, one.end))
    return tuple(sorted(_with_years(found), key=lambda one: one.start))


def _with_years(found: list[Quantity]) -> Iterator[Quantity]:
    """Yield each quantity; a date with a year becomes a date and a year."""
    for one in found:
        years = {value for value in one.values if one.sort == "date" and len(value) == 4}
        if not years:
            yield one
            continue
        rest = one.values - years
        year = min(years)
        at = one.start + max(one.text.find(year), 0)
        before = one.text[: at - one.start].rstrip(" ,.-/") if at > one.start else one.text[5:]
        first = one.start if at > one.start else one.start + 5
        yield Quantity("date", rest, before, first, first + len(before))
        yield Quantity("year", frozenset(years), year, at, at + 4)


def _all(text: str) -> Iterator[Quantity]:
    yield from _dates(text)
    for match in _DECADE.finditer(text):
        yield _made("year", {match[1] + "s"}, match)
    for match in _ORDINAL.finditer(text):
        yield _made("ordinal", {str(int(match[1]))}, match)
    yield from _numbers(text)
    for match in _SPELLED.finditer(text):
        yield from _spelled(match, text)


def _made(sort: Sort, values: set[str], match: re.Match[str]) -> Quantity:
    return Quantity(sort, frozenset(values), match[0], match.start(), match.end())


def _dates(text: str) -> Iterator[Quantity]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            said = match.groupdict()
            month = said["m"]
            number = int(month) if month.isdigit() else MONTHS[month.lower()]
            values = {f"{number:02d}"}
            if day := said.get("d"):
                values.add(f"{number:02d}-{int(day):02d}")
            if year := said.get("y"):
                values.add(year)
            yield _made("date", values, match)
    for match in _SLASHED.finditer(text):
        one, other = int(match[1]), int(match[2])
        if max(one, other) <= 31 and min(one, other) <= 12:
            months = [(m, d) for m, d in ((one, other), (other, one)) if 1 <= m <= 12]
            values = {f"{m:02d}" for m, _ in months} | {f"{m:02d}-{d:02d}" for m, d in months}
            yield _made("date", values | {match[3]}, match)
    for match in _ALONE.finditer(text):
        yield _made("date", {f"{MONTHS[match[0].lower()]:02d}"}, match)


def _numbers(text: str) -> Iterator[Quantity]:
    for match in _NUMBER.finditer(text):
        written = match["n"]
        if sum(map(str.isdigit, written)) > MOST_DIGITS:
            yield Quantity("number", frozenset({written}), written, *match.span("n"))
            continue
        values = readings(written)
        end = match.end("n")
        after = (match["after"] or "").strip(" -\u00a0").lower()
        scale = SCALES.get(after)
        if scale and (match["before"] or after not in ("m", "k", "b")):
            values = {value * scale for value in values}
            end = match.end("after")
            abbreviated = after in _ABBREVIATED and text[end : end + 1] == "."
            found = _UNIT_BEHIND.match(text, end + abbreviated)
            after = found[1].lower() if found else ""
        unit, factor = UNITS.get(_spelling(after), _NO_UNIT)
        if match["before"]:
            unit = match["before"].strip()
            unit, factor = UNITS.get(unit.lower(), (unit, Decimal(1)))
        elif unit and end == match.end("n"):
            end = match.end("after")
        start = match.start()
        year = not unit and re.fullmatch(_YEAR, written) and not scale
        sort: Sort = "year" if year else "number"
        yield _measured(sort, values, text[start:end], start, unit, factor)


def _measured(
    sort: Sort, values: Collection[Decimal], text: str, start: int, unit: str, factor: Decimal
) -> Quantity:
    """Return an amount converted to its base unit."""
    scaled = frozenset(_shown(value * factor) for value in values)
    bare = frozenset(map(_shown, values)) if unit else frozenset[str]()
    return Quantity(sort, scaled, text, start, start + len(text), unit, bare)


def _spelling(unit: str) -> str:
    return unit.replace(" ", "").replace("metre", "meter").replace("litre", "liter")


def readings(written: str) -> set[Decimal]:
    """Return the values that a written number may mean: ``1.000`` is 1 or 1000, ``3,5`` is 3.5."""
    written = re.sub("['\u2019\u00a0\u202f]", "", written.replace("\u2212", "-"))
    marks = re.findall("[.,]", written)
    if not marks:
        return {Decimal(written)}
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:
        whole, _, part = written.rpartition(marks[-1])
        return {Decimal(re.sub("[.,]", "", whole) + "." + part)}
    joined = Decimal(re.sub("[.,]", "", written))
    if len(marks) > 1 or (marks[0] == "," and re.fullmatch(r"-?\d{1,3},\d{3}", written)):
        return {joined}
    decimal = Decimal(written.replace(",", "."))
    return {decimal, joined} if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", written) else {decimal}


def _shown(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def _spelled(match: re.Match[str], text: str) -> Iterator[Quantity]:
    words = re.split("[- ]", match[0].lower())
    if words in (["one"], ["second"]):
        return
    numbers = [NUMBER_WORDS.get(word, ORDINAL_WORDS.get(word, 0)) for word in words]
    if len(numbers) == 2:
        numbers = _joined(*numbers)
    if len(numbers) == 1 and words[-1] in ORDINAL_WORDS:
        yield _made("ordinal", {str(numbers[0])}, match)
    elif len(numbers) == 1:
        after = _UNIT_BEHIND.match(text, match.end())
        unit, factor = UNITS.get(_spelling(after[1].lower()), _NO_UNIT) if after else _NO_UNIT
        end = after.end() if after and unit else match.end()
        said = text[match.start() : end]
        yield _measured("number", [Decimal(numbers[0])], said, match.start(), unit, factor)


def _joined(first: int, second: int) -> list[int]:
    if second in (100, 1000, 1_000_000, 1_000_000_000):
        return [first * second]
    if first >= 20 and first % 10 == 0 and 0 < second < 10:
        return [first + second]
    return []
