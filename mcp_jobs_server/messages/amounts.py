"""Amounts as people write them: ``30 minutes``, ``$2``, ``50 cents``, ``1,000``, ``2 million``.

A value that is not understood is returned unchanged, so that validation reports it; nothing is
guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial

from research_contract.text.quantities import readings
from research_contract.text.units import SCALES, UNITS

Sizes = Mapping[str, float]
"""By the name of a unit in lower case ("" is no unit): how many of the wanted unit it is."""


def _sizes(base: str) -> dict[str, float]:
    return {name: float(size) for name, (of, size) in UNITS.items() if of == base}


_SECONDS: Sizes = {**_sizes("s"), "m": 60.0, "d": 86_400.0, "": 1.0}
_MINUTES: Sizes = {**{name: size / 60 for name, size in _SECONDS.items()}, "": 1.0}
_DOLLARS: Sizes = {
    **_sizes("$"),
    **dict.fromkeys(("", "$", "us$", "us dollars"), 1.0),
    **dict.fromkeys(("¢", "c", "ct", "cent", "cents"), 0.01),
}
_COUNTS: Sizes = {**{name: float(size) for name, size in SCALES.items()}, "": 1.0}
_COUNTED = re.compile(r"(?:tool )?calls?|searches|tokens?|words?|char(?:acter)?s?|jobs?")

_AMOUNT = re.compile(r"(\$|us\$)? ?(\d[\d.,]*) ?([^\d\s.,][^\d]*?)? ?(?=\d|$)")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?")


def count(value: object) -> object:
    """Return the number in ``"1,000"``, ``"2k"``, ``"1 million tokens"`` or ``"20 words"``."""
    if not isinstance(value, str):
        return _total(value, _COUNTS)
    total = _total(_COUNTED.sub("", value.lower()), _COUNTS, parts=1)
    return value if isinstance(total, str) else total


def _total(value: object, sizes: Sizes, *, parts: int = 3) -> object:
    """Return the sum of up to ``parts`` amounts in a text; other values are returned unchanged."""
    if isinstance(value, bool):
        return str(value).lower()  # true is no number
    if not isinstance(value, str):
        return value
    text = " ".join(value.lower().split())
    found = list(_AMOUNT.finditer(text))
    if not 0 < len(found) <= parts or "".join(match[0] for match in found) != text:
        return value
    total = 0.0
    for match in found:
        unit = (match[1] or "") + (match[3] or "").strip().rstrip(".,")
        number = match[2].rstrip(".,")
        if unit not in sizes or not _NUMBER.fullmatch(number):
            return value
        total += float(min(readings(number))) * sizes[unit]
    total = round(total, 9)
    return int(total) if math.isfinite(total) and total == int(total) else total


minutes = partial(_total, sizes=_MINUTES)
"""Returns the minutes in ``"90s"``, ``"1.5 h"`` or ``"1 hour 30 minutes"``."""

seconds = partial(_total, sizes=_SECONDS)
"""Returns the seconds in ``"20"``, ``"500 ms"`` or ``"1 minute"``."""

dollars = partial(_total, sizes=_DOLLARS, parts=1)
"""Returns the US dollars in ``"$2"``, ``"2.50 USD"`` or ``"50 cents"``."""
