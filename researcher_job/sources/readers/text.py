"""Plain text: paragraphs between blank lines, below headings that are underlined."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from researcher_job.sources.blocks.plain import plain_units
from researcher_job.sources.blocks.structure import blocks_of
from researcher_job.sources.blocks.units import Unit
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.decoding import decode

_UNDERLINE = re.compile(r"([=\-~^\"'*+#])\1{2,}\s*")
_GENERIC = re.compile(r"readme|licen[cs]e|copying|notice|authors|index|changelog|metadata", re.I)
_MAX_HEADING = 120


def read(data: bytes, name: str) -> Document:
    """Read a text file; see ``text_document``."""
    return text_document(decode(data), title_of(name))


def title_of(name: str) -> str:
    """Return a title for a file without one; its folder is named where many are called so."""
    path = PurePosixPath(name)
    folder = next((part for part in reversed(path.parts[:-1]) if not _GENERIC.match(part)), "")
    return f"{path.name} ({folder})" if folder and _GENERIC.match(path.name) else path.name


def text_document(text: str, title: str, *, line: int = 1, start: int = 0) -> Document:
    """Divide ``text`` from offset ``start`` (which is in line ``line``) into blocks.

    Raises:
        Unreadable: there is nothing but white space.
    """
    blocks = list(blocks_of(text, _units(text, line, start)))
    if not blocks:
        raise Unreadable(Reason.EMPTY)
    return Document(title=title, text=text, blocks=blocks)


def _units(text: str, line: int, start: int) -> Iterator[Unit]:
    marks: list[str] = []
    for first, begin, end in _paragraphs(text, line, start):
        lines = text[begin:end].split("\n")
        place, number = begin, first
        if heading := _heading(lines):
            mark = lines[heading][0]
            if mark not in marks:
                marks.append(mark)
            above = begin + sum(len(row) + 1 for row in lines[: heading - 1])
            named = (above, above + len(lines[heading - 1]))
            yield Unit("heading", *named, level=marks.index(mark) + 1)
            place += sum(len(row) + 1 for row in lines[: heading + 1])
            number += heading + 1
        if place < end:
            yield from plain_units(text, place, end, place=line_of(text, place, number))


def line_of(text: str, start: int, line: int) -> Callable[[int], str]:
    """Return what names the line of an offset behind ``start``, which is in ``line``."""
    counted, number = start, line

    def place(at: int) -> str:
        nonlocal counted, number
        number += text.count("\n", counted, at)
        counted = at
        return f"line {number}"

    return place


def _heading(lines: list[str]) -> int:
    """Return the index of the underline below a heading, 0 where there is none."""
    for index in (1, 2):
        if len(lines) <= index or not _UNDERLINE.fullmatch(lines[index]):
            continue
        said = lines[index - 1].strip()
        framed = index == 1 or bool(_UNDERLINE.fullmatch(lines[0]))
        wide = len(lines[index].rstrip()) >= len(said) > 1
        if framed and wide and len(said) <= _MAX_HEADING and any(map(str.isalnum, said)):
            return index
    return 0


def _paragraphs(text: str, line: int, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield number of the first line, begin and end of each run of lines that are not blank."""
    place, begin, first = start, -1, line
    while place <= len(text):
        stop = text.find("\n", place)
        stop = len(text) if stop < 0 else stop
        blank = not text[place:stop].strip()
        if not blank and begin < 0:
            begin, first = place, line
        if begin >= 0 and (blank or stop == len(text)):
            yield first, begin, place - 1 if blank else stop
            begin = -1
        place, line = stop + 1, line + 1
