"""The lines of a page of a PDF: where each one stands, how large it is, and its pieces."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

_ENDS = re.compile(r"\r\n|\n|\r|\ufffe|\x02")
_SPACES = re.compile(r"[ \t\u00a0]+")
_BOLD = 600
_APART = 1.0
"""Spaces wider than this many times the size of the letters divide the pieces of a line."""


class Piece(NamedTuple):
    """A part of a line that stands apart from the others, in points from the left."""

    left: float
    right: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line; ``bottom`` is its place from the bottom of the page, ``size`` that of its letters."""

    pieces: tuple[Piece, ...]
    bottom: float
    size: float
    bold: bool

    @property
    def text(self) -> str:
        """What the line says, a space between its pieces."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.pieces[0].left


def lines_of(textpage: Any) -> list[Line]:  # noqa: ANN401 - the library has no types
    """Return the lines of a page in the order in which they stand in the file."""
    text = textpage.get_text_range()
    divided = _has_pieces(textpage)
    return list(_lines(textpage.raw, text, divided=divided))


def _lines(page: Any, text: str, *, divided: bool) -> Iterator[Line]:  # noqa: ANN401
    start = 0
    while start < len(text):
        found = _ENDS.search(text, start)
        stop, after = (found.start(), found.end()) if found else (len(text), len(text))
        first = start + len(text[start:stop]) - len(text[start:stop].lstrip())
        said = text[first:stop].rstrip()
        if said:
            size = pdfium.FPDFText_GetFontSize(page, first)
            box = _box(page, first)
            size = size if size > 1 else max(box[3] - box[2], 1.0)  # what scales the page hides it
            ends = "-" if found and found[0] in "\ufffe\x02" else ""
            pieces = (
                _pieces(page, text, first, first + len(said), size)
                if divided
                else [Piece(box[0], _box(page, first + len(said) - 1)[1], said)]
            )
            last = pieces[-1]
            pieces[-1] = last._replace(text=last.text + ends)
            bold = pdfium.FPDFText_GetFontWeight(page, first) >= _BOLD
            yield Line(tuple(pieces), box[2], size, bold)
        start = after


def _pieces(page: Any, text: str, start: int, end: int, size: float) -> list[Piece]:  # noqa: ANN401
    pieces: list[Piece] = []
    begin = start
    for found in [*_SPACES.finditer(text, start, end), None]:
        stop, after = (found.start(), found.end()) if found else (end, end)
        if found and _box(page, after)[0] - _box(page, stop - 1)[1] <= _APART * size:
            continue
        if text[begin:stop].strip():
            edges = _box(page, begin)[0], _box(page, stop - 1)[1]
            pieces.append(Piece(*edges, text[begin:stop]))
        begin = after
    return pieces


def _has_pieces(textpage: Any) -> bool:  # noqa: ANN401
    """Whether any two runs of letters stand on one line far from each other."""
    boxes = sorted(
        (textpage.get_rect(index) for index in range(textpage.count_rects())),
        key=lambda box: (-round(box[1] / 4), box[0]),
    )
    for one, other in pairwise(boxes):
        same = min(one[3], other[3]) - max(one[1], other[1]) > (one[3] - one[1]) / 2
        if same and other[0] - one[2] > _APART * max(one[3] - one[1], 4):
            return True
    return False


def _box(page: Any, index: int) -> tuple[float, float, float, float]:  # noqa: ANN401
    """Return left, right, bottom and top of a letter."""
    edges = [ctypes.c_double() for _ in range(4)]
    pdfium.FPDFText_GetCharBox(page, index, *edges)
    left, right, bottom, top = (edge.value for edge in edges)
    return left, right, bottom, top
