"""The lines of a page of a PDF: where each one stands, how large it is, and its pieces."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

_ENDS = re.compile(r"\r\n|\n|\r|\ufffe|\x02")
_SPACES = re.compile(r"[ \t\u00a0]+")
_BOLD = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy", re.I)
_SAME = 4.0
"""Points by which letters on one line differ in height."""

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

    @cached_property
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
    boxes = sorted(
        (textpage.get_rect(index) for index in range(textpage.count_rects())),
        key=lambda box: (-round(box[1] / _SAME), box[0]),
    )
    places: set[int] = set()  # of lines on which runs of letters stand far from each other
    for one, other in pairwise(boxes):
        same = min(one[3], other[3]) - max(one[1], other[1]) > (one[3] - one[1]) / 2
        if same and other[0] - one[2] > _APART * max(one[3] - one[1], _SAME):
            bottoms = round(one[1] / _SAME), round(other[1] / _SAME)
            places.update(range(min(bottoms) - 1, max(bottoms) + 2))
    return list(_lines(_Boxes(textpage.raw), text, frozenset(places)))


class _Boxes:
    """Where the letters of a page stand; asked for often, so the places for answers are kept."""

    def __init__(self, page: Any) -> None:  # noqa: ANN401
        self.page = page
        self._left, self._right = ctypes.c_double(), ctypes.c_double()
        self._bottom, self._top = ctypes.c_double(), ctypes.c_double()
        self._name, self._flags = ctypes.create_string_buffer(100), ctypes.c_int()
        self._edges = (self._left, self._right, self._bottom, self._top)

    def of(self, index: int) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top of a letter."""
        pdfium.FPDFText_GetCharBox(self.page, index, *self._edges)
        return self._left.value, self._right.value, self._bottom.value, self._top.value

    def bold(self, index: int) -> bool:
        """Whether a letter is bold, by its font or the name of that."""
        if pdfium.FPDFText_GetFontWeight(self.page, index) >= _BOLD:
            return True
        pdfium.FPDFText_GetFontInfo(self.page, index, self._name, len(self._name), self._flags)
        return _BOLD_NAME.search(self._name.value) is not None


def _lines(boxes: _Boxes, text: str, divided: frozenset[int]) -> Iterator[Line]:
    start = 0
    while start < len(text):
        found = _ENDS.search(text, start)
        stop, after = (found.start(), found.end()) if found else (len(text), len(text))
        said = text[start:stop].strip()
        if said:
            first = text.index(said[0], start)
            left, _, bottom, top = boxes.of(first)
            size = pdfium.FPDFText_GetFontSize(boxes.page, first)
            size = size if size > 1 else max(top - bottom, 1.0)  # what scales the page hides it
            if round(bottom / _SAME) in divided:
                pieces = _pieces(boxes, text, first, first + len(said), size)
            else:
                pieces = [Piece(left, boxes.of(first + len(said) - 1)[1], said)]
            if found and found[0] in "\ufffe\x02":
                pieces[-1] = pieces[-1]._replace(text=f"{pieces[-1].text}-")
            yield Line(tuple(pieces), bottom, size, boxes.bold(first))
        start = after


def _pieces(boxes: _Boxes, text: str, start: int, end: int, size: float) -> list[Piece]:
    pieces: list[Piece] = []
    begin, left = start, boxes.of(start)[0]
    for found in _SPACES.finditer(text, start, end):
        right, after = boxes.of(found.start() - 1)[1], boxes.of(found.end())[0]
        if after - right > _APART * size:
            pieces.append(Piece(left, right, text[begin : found.start()]))
            begin, left = found.end(), after
    pieces.append(Piece(left, boxes.of(end - 1)[1], text[begin:end]))
    return pieces
