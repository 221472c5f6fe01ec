"""Amounts as people write them: ``30 minutes``, ``$2``, ``50 cents``, ``1,000``, ``2 million``.

What is not understood is returned as it is, so that the caller is told; nothing is guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_MINUTE = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes"), 1.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60.0),
    **dict.fromkeys(("d", "day", "days"), 1440.0),
}
_SECOND = {unit: size * 60 for unit, size in _MINUTE.items() if unit} | {"": 1.0}
_SECOND |= dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001)
_DOLLAR = {
    **dict.fromkeys(("", "$", "usd", "dollar", "dollars", "us dollars", "us$"), 1.0),
    **dict.fromkeys(("¢", "c", "ct", "cent", "cents"), 0.01),
}
_MANY = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6}
_COUNTED = re.compile(r"(?:tool )?calls?|searches|tokens?|words?|char(?:acter)?s?|jobs?")

_AMOUNT = re.compile(r"(\$|us\$)?\s*(\d[\d.,]*)\s*([^\d\s.,][^\d]*?)?\s*(?=\d|$)")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"\d+(?:[.,]\d{1,2}|\.\d+)?")


def minutes(value: object) -> object:
    """Return the minutes in ``"90s"``, ``"1.5 h"`` or ``"1 hour 30 minutes"``."""
    return _sum(value, _MINUTE)


def seconds(value: object) -> object:
    """Return the seconds in ``"20"``, ``"500 ms"`` or ``"1 minute"``."""
    return _sum(value, _SECOND)


def dollars(value: object) -> object:
    """Return the US dollars in ``"$2"``, ``"2.50 USD"`` or ``"50 cents"``."""
    return _sum(value, _DOLLAR, parts=1)


def count(value: object) -> object:
    """Return the number in ``"1,000"``, ``"2k"``, ``"1 million tokens"`` or ``"20 words"``."""
    if not isinstance(value, str):
        return _sum(value, _MANY)
    return _sum(_COUNTED.sub("", value.lower()), _MANY, parts=1, said=value)


def _sum(
    value: object, units: Mapping[str, float], *, parts: int = 3, said: object = None
) -> object:
    """Add up the amounts in a text; ``said`` is what to return where it is not understood."""
    if isinstance(value, bool):
        return str(value).lower()  # true is no number
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    found = [match.groups() for match in _AMOUNT.finditer(text)]
    whole = "".join(match[0] for match in _AMOUNT.finditer(text)) == text
    amounts = [_one(before, number, unit, units) for before, number, unit in found]
    if not whole or not 0 < len(found) <= parts or None in amounts:
        return value if said is None else said
    total = round(sum(amount for amount in amounts if amount is not None), 9)
    return int(total) if math.isfinite(total) and total == int(total) else total


def _one(
    before: str | None, number: str, unit: str | None, units: Mapping[str, float]
) -> float | None:
    name = (before or "") + (unit or "").strip().rstrip(".,")
    plain = _number(number.rstrip(".,"))
    return None if plain is None or name not in units else plain * units[name]


def _number(text: str) -> float | None:
    """Read a number: a comma before three digits groups them, before one or two it is a point."""
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else None
