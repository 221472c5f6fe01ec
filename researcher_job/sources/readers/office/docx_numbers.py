"""The numbers that Word shows before list items, clauses and headings, counted as it counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from docx.document import Document as Opened
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import qn

_PLACE = re.compile(r"%([1-9])")
_MAX_BASES = 20
_VAL = qn("w:val")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


class Label(NamedTuple):
    """What stands before a paragraph: ``3.``, ``(b)``, ``-``; ``level`` 1 is the outermost."""

    text: str
    level: int


class _Level(NamedTuple):
    form: str
    text: str
    start: int


class Numbers:
    """Counts the paragraphs of a document; each is asked for once, in order."""

    def __init__(self, opened: Opened) -> None:
        self._lists: dict[str, str] = {}
        self._levels: dict[tuple[str, int], _Level] = {}
        self._counts: dict[tuple[str, int], int] = {}
        for relation in opened.part.rels.values():
            if relation.reltype == RELATIONSHIP_TYPE.NUMBERING and not relation.is_external:
                self._learn(parse_xml(relation.target_part.blob))
        styles = opened.styles.element.iterchildren(qn("w:style"))
        self._styles = {style.get(qn("w:styleId")): style for style in styles}

    def _learn(self, numbering: Any) -> None:  # noqa: ANN401 - no types there
        for abstract in numbering.iterchildren(qn("w:abstractNum")):
            for level in abstract.iterchildren(qn("w:lvl")):
                key = (abstract.get(qn("w:abstractNumId")), int(level.get(qn("w:ilvl"), "0")))
                start = _value(level, "w:start")
                self._levels[key] = _Level(
                    _value(level, "w:numFmt") or "decimal",
                    _value(level, "w:lvlText"),
                    int(start) if start.isdigit() else 1,
                )
        for one in numbering.iterchildren(qn("w:num")):
            self._lists[one.get(qn("w:numId"))] = _value(one, "w:abstractNumId")

    def of(self, paragraph: Any) -> Label | None:  # noqa: ANN401
        """Count ``paragraph`` and return its label, ``None`` where it is no part of a list."""
        number, level = self._place(paragraph)
        kept = self._lists.get(number, "")
        found = self._levels.get((kept, level))
        if found is None:
            return None
        self._counts[kept, level] = self._counts.get((kept, level), found.start - 1) + 1
        for key in [key for key in self._counts if key[0] == kept and key[1] > level]:
            del self._counts[key]
        if found.form == "bullet":
            return Label("-", level + 1)
        return Label(_PLACE.sub(self._written(kept), found.text).strip(), level + 1)

    def _written(self, kept: str) -> Callable[[re.Match[str]], str]:
        def written(place: re.Match[str]) -> str:
            level = int(place[1]) - 1
            known = self._levels.get((kept, level), _Level("decimal", "", 1))
            return _number(self._counts.get((kept, level), known.start), known.form)

        return written

    def _place(self, paragraph: Any) -> tuple[str, int]:  # noqa: ANN401
        """Return the list and level of a paragraph, by itself or by its style."""
        number = level = ""
        holder, style = paragraph, self._styles.get(paragraph.style)
        for _ in range(_MAX_BASES):
            own = holder.find(f"{qn('w:pPr')}/{qn('w:numPr')}") if holder is not None else None
            if own is not None:
                number = number or _value(own, "w:numId")
                level = level or _value(own, "w:ilvl")
            if number or style is None:
                break
            holder, style = style, self._styles.get(_value(style, "w:basedOn"))
        return number, int(level) if level.isdigit() else 0


def _value(element: Any, name: str) -> str:  # noqa: ANN401
    found = element.find(qn(name))
    return "" if found is None else found.get(_VAL, "")


def _number(count: int, form: str) -> str:
    match form:
        case "lowerLetter" | "upperLetter":
            said = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        case "lowerRoman" | "upperRoman":
            said = ""
            for value, letters in _ROMAN:
                said += letters * (count // value)
                count %= value
        case "none":
            said = ""
        case "decimalZero":
            said = f"{count:02}"
        case _:
            said = str(count)
    return said.upper() if form.startswith("upper") else said
