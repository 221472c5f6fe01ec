"""Other forms in which documents write a question's numbers, compounds and quarters."""

from __future__ import annotations

import re
from collections.abc import Iterator

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,'\u2019\u00a0\u202f ]\d{3}){1,8}(?![\d.,]*\d)")
_LONG = re.compile(r"(?<![\d.,])\d{4,12}(?![\d.,]*\d)")
_HYPHENATED = re.compile(r"(?<![^\W\d_])[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)+")

_ORDINALS = (
    "1|1st|first|erste[snrm]?|premier|primer|primo|primeiro",
    "2|2nd|second|zweite[snrm]?|deuxième|segundo|secondo",
    "3|3rd|third|dritte[snrm]?|troisième|tercer|terzo|terceiro",
    "4|4th|fourth|vierte[snrm]?|quatrième|cuarto|quarto",
)
_QUARTER = "quarter|quartals?|trimestre"
_HALF = "half(?: year|-year)?|halbjahrs?|semestre"
_PERIODS = [
    (re.compile(rf"\b(?:{ordinal})\.? (?:{period})\b", re.I), f"{letter}{number}")
    for period, letter, count in ((_QUARTER, "Q", 4), (_HALF, "H", 2))
    for number, ordinal in enumerate(_ORDINALS[:count], start=1)
]
_SHORT_QUARTER = re.compile(r"\bQ([1-4])\b")
_WORDS = ("first", "second", "third", "fourth")


def written_forms(question: str) -> Iterator[str]:
    """Yield words and phrases: ``1000`` for 1,000 and back, ``onsite`` for on-site, ``Q3``."""
    for match in _GROUPED.finditer(question):
        yield "".join(filter(str.isdigit, match[0]))
    for match in _LONG.finditer(question):
        yield f"{int(match[0]):,}".replace(",", " ")
    for match in _HYPHENATED.finditer(question):
        yield re.sub(r"[^\w]", "", match[0])
    for pattern, short in _PERIODS:
        if pattern.search(question):
            yield short
    for match in _SHORT_QUARTER.finditer(question):
        yield f"{_WORDS[int(match[1]) - 1]} quarter"
