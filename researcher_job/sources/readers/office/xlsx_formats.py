"""Values of cells as their number formats show them: percentages, currencies, dates."""

from __future__ import annotations

import datetime
import re

_DATE_PIECE = re.compile(r"y+|m+|d+|h+|s+|am/pm|a/p|\"[^\"]*\"|\\.|[^ymdhsa\"\\]+|a", re.I)
_PLAIN_DATES = frozenset({"mm-dd-yy", "m/d/yy", "yyyy-mm-dd", "yyyy\\-mm\\-dd", "general"})
"""Formats whose look depends on the country of the reader, or is that of ISO 8601."""

_BRACKETS = re.compile(r"\[\$([^\[\]-]*+)[^\[\]]*+\]|\[[^\[\]]*+\]|_.|\*.")
_FIGURES = re.compile(r"[#0?][#0?,]*(?:\.([0#?]+))?")
_LITERAL = re.compile(r"\"([^\"]*)\"|\\(.)")
_DATES = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "dddd": "%A", "ddd": "%a",
    "dd": "%d", "hh": "%H", "ss": "%S", "am/pm": "%p",
}  # fmt: skip


def shown(value: object, number_format: str) -> str:
    """Return ``value`` as a cell with ``number_format`` shows it; ISO 8601 where that varies."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case datetime.datetime() | datetime.date() | datetime.time():
            return _date(value, number_format.split(";", maxsplit=1)[0])
        case int() | float():
            return _number(value, number_format)
    return str(value)


def _date(value: datetime.datetime | datetime.date | datetime.time, number_format: str) -> str:
    plain = _BRACKETS.sub("", number_format).strip().lower()
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    timed = "h" in plain
    whole = value.time() == datetime.time() and not timed
    iso = value.date().isoformat() if whole else value.isoformat(sep=" ")
    if plain in _PLAIN_DATES or not (whole or timed):
        return iso
    return "".join(_date_pieces(value, plain)).strip() or iso


def _date_pieces(value: datetime.datetime, plain: str) -> list[str]:
    said: list[str] = []
    twelve = "am/pm" in plain
    before = ""
    for piece in _DATE_PIECE.findall(plain):
        if piece[0] in '"\\':
            said.append(piece.strip('"\\'))
            continue
        if piece in ("m", "mm") and before.startswith("h"):
            said.append(f"{value.minute:02}")
        elif piece == "m":
            said.append(str(value.month))
        elif piece == "d":
            said.append(str(value.day))
        elif piece[0] == "h":
            hour = (value.hour + 11) % 12 + 1 if twelve else value.hour
            said.append(f"{hour:0{len(piece)}}")
        elif piece in _DATES:
            said.append(value.strftime(_DATES[piece]))
        else:
            said.append(piece)
        before = piece if piece[0].isalpha() else before
    return said


def _number(value: float, number_format: str) -> str:
    """Return a number with its sign of percent or currency, and as many decimals as are shown."""
    sections = number_format.split(";")
    section = _BRACKETS.sub(lambda found: found[1] or "", sections[0])
    figures = _FIGURES.search(section)
    if figures is None or "E+" in section.upper() or "/" in section or value is None:
        return _plain(value)
    before, after = section[: figures.start()], section[figures.end() :]
    percent = "%" in after
    decimals = len(figures[1] or "")
    grouping = "," if "," in figures[0] else ""
    said = f"{value * 100 if percent else value:{grouping}.{decimals}f}"
    return "".join((_said(before), said, _said(after))).strip()


def _said(pattern: str) -> str:
    return _LITERAL.sub(lambda found: found[1] or found[2] or "", pattern)


def _plain(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)  # 0.1 + 0.2 as it is shown
