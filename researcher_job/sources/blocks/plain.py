"""Elements of plain text, told by how its lines look: lists, tables, fields, code, paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from researcher_job.sources.blocks.units import Cell, Unit

_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_ITEM = re.compile(r"(\s*)(?:[-*+•–◦▪‣]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_RULE = re.compile(r"[\s|:=\-_*~+#.^]+")
_HEAD_RULE = re.compile(r"\s*(?:\|\s*)?:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*(?:\|\s*)?")
_ROW = re.compile(r"\s*\|.*\|\s*")
_TABBED = re.compile(r"\S[^\t]*(?:\t+[^\t]+)+")
_FIELD = re.compile(r"\*{0,2}[A-Z\"'][^\n:|]{0,40}?\*{0,2}: {0,4}\S")
_COLON_DEFINITION = re.compile(r":\s{1,4}\S")
_MARKUP = re.compile(
    r"(?:\s*(?:</?[A-Za-z!][^>]*>|!\[[^\]]*\]\([^)]*\)|\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)"
    r"|\[[^\]]+\]:\s*+\S++|\.\. [\w|-].*+))+\s*"
)
"""Tags, pictures, badges and targets of links, which say nothing by themselves."""

_CELL = re.compile(r"(?:\\.|[^|\\])*")

_Shape = Literal["blank", "rule", "fence", "item", "row", "field", "definition", "prose"]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text, ``start`` to ``end``, without its line end."""

    start: int
    end: int
    shape: _Shape


def plain_units(
    text: str, start: int, end: int, *, place: Callable[[int], str] = lambda _: ""
) -> Iterator[Unit]:
    """Yield the elements of ``text[start:end]`` in order; ``place`` names where an offset is.

    Time is linear in the length of the text.
    """
    lines = list(_lines(text, start, end))
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.shape in ("blank", "rule"):
            at += 1
            continue
        stop = _last(lines, at)
        span = (line.start, lines[stop - 1].end)
        said = place(line.start)
        match line.shape:
            case "fence":
                inside = lines[at + 1 : stop]
                if len(inside) > 1 and inside[-1].shape == "fence":
                    inside.pop()
                if inside:
                    yield Unit("code", inside[0].start, inside[-1].end, place=said)
            case "row":
                yield from _table(text, lines[at:stop], said)
            case "item":
                indent = len(text[line.start : line.end]) - len(
                    text[line.start : line.end].lstrip()
                )
                yield Unit("item", *span, level=indent // 2 + 1, place=said)
            case "field":
                yield Unit("field", *span, place=said)
            case "definition":
                yield Unit("description", *span, place=said)
            case _:
                defined = stop < len(lines) and lines[stop].shape == "definition"
                yield Unit("term" if defined else "paragraph", *span, place=said)
        at = stop


def _lines(text: str, start: int, end: int) -> Iterator[_Line]:
    shaped: list[tuple[int, int, _Shape]] = []
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        shaped.append((start, stop, _shape(text[start:stop])))
        start = stop + 1
    for index, (begin, stop, shape) in enumerate(shaped):
        after = shaped[index + 1][2] if index + 1 < len(shaped) else "blank"
        before = shaped[index - 1][2] if index else "blank"
        alone = after in ("blank", "rule", "field") and before in ("blank", "rule", "field")
        yield _Line(begin, stop, "prose" if shape == "field" and not alone else shape)


def _shape(line: str) -> _Shape:
    if not line.strip():
        return "blank"
    if _FENCE.match(line):
        return "fence"
    if _MARKUP.fullmatch(line):
        return "rule"
    if _ROW.fullmatch(line):
        return "row"
    if _RULE.fullmatch(line):
        return "rule"
    if _ITEM.match(line):
        return "item"
    if _TABBED.fullmatch(line):
        return "row"
    if _COLON_DEFINITION.match(line):
        return "definition"
    return "field" if _FIELD.match(line) else "prose"


def _last(lines: list[_Line], at: int) -> int:
    """Return the index behind the last line of the element that begins at ``at``."""
    shape, stop = lines[at].shape, at + 1
    if shape == "fence":
        while stop < len(lines) and lines[stop].shape != "fence":
            stop += 1
        return min(stop + 1, len(lines))
    if shape == "row":
        while stop < len(lines) and lines[stop].shape == "row":
            stop += 1
        return stop
    if shape == "field":
        return stop
    while stop < len(lines) and lines[stop].shape in ("prose", "definition"):
        if shape == "prose" and lines[stop].shape == "definition":
            break
        stop += 1
    return stop


def _table(text: str, lines: list[_Line], place: str) -> Iterator[Unit]:
    """Yield the rows; in Markdown the row above a rule names the columns."""
    for index, line in enumerate(lines):
        row = text[line.start : line.end]
        if _RULE.fullmatch(row):
            continue
        following = lines[index + 1] if index + 1 < len(lines) else None
        ruled = following is not None and _HEAD_RULE.fullmatch(text, following.start, following.end)
        cells = tuple(_cells(text, line))
        yield Unit(
            "head" if ruled else "row",
            *(line.start, line.end),
            place=place,
            cells=cells,
            first=not index,
        )


def _cells(text: str, line: _Line) -> Iterator[Cell]:
    """Yield the cells of a line that divides them by bars or tabs."""
    start, end = line.start, line.end
    row = text[start:end]
    if "|" not in row:
        at = start
        for column, cell in enumerate(row.split("\t")):
            yield _trimmed(text, column, at, at + len(cell))
            at += len(cell) + 1
        return
    at = start + row.index("|") + 1 if row.lstrip().startswith("|") else start
    column = 0
    while at < end:
        found = _CELL.match(text, at, end)
        stop = found.end() if found else end
        if stop < end or text[at:stop].strip():
            yield _trimmed(text, column, at, stop)
        column, at = column + 1, stop + 1


def _trimmed(text: str, column: int, start: int, end: int) -> Cell:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Cell(column, start, end)
