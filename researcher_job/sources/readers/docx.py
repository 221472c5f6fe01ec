"""Word documents: paragraphs below their headings, lists, tables, text boxes and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import docx
from docx.document import Document as Opened
from docx.oxml.ns import qn

from researcher_job.sources.document import (
    HIDDEN,
    Document,
    Reason,
    Unreadable,
    Writer,
    below,
    trail,
)
from researcher_job.sources.readers.docx_notes import Notes
from researcher_job.sources.readers.docx_tree import BLOCKS, TABLE, inside
from researcher_job.sources.readers.docx_words import Said, Words
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.packed import check
from researcher_job.sources.readers.rows import MAX_COLUMNS, said_rows
from researcher_job.sources.readers.text import title_of

_HEADING = re.compile(r"(?:heading|überschrift|titre|título) ?([1-9])$", re.I)
_TITLES = frozenset({"title", "titel", "titre"})
_CONTENTS = re.compile(r"toc (?:[1-9]|heading)$", re.I)
_ROW = frozenset({qn("w:tr")})
_CELL = frozenset({qn("w:tc")})
_DELETED_ROW = f"{qn('w:trPr')}/{qn('w:del')}"
_DELETED_CELL = f"{qn('w:tcPr')}/{qn('w:cellDel')}"


def read(data: bytes, name: str) -> Document:
    """Read a DOCX file, unless what it declares to unpack to is beyond reason."""
    check(data, Reason.BROKEN_DOCX)
    try:
        return _Reading(docx.Document(BytesIO(data))).document(name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_DOCX) from error


@dataclass(frozen=True)
class _Apart:
    """What is read besides the running text: a text box, a note. Its headings divide nothing."""

    locator: str
    headings: tuple[str, ...]
    hidden: bool


class _Reading:
    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._words = Words(opened)
        self._notes = Notes(opened)
        self._styles = _names(opened)
        self._writer = Writer()
        self._headings: tuple[str, ...] = ()
        self._title = ""
        self._items: list[str] = []
        self._apart: _Apart | None = None

    def document(self, name: str) -> Document:
        self._blocks(self._opened.element.body)
        for note in self._notes.found:  # one that refers to another makes it longer
            self._read_apart(note.content, _Apart(note.locator, note.headings, note.hidden))
        top = self._title or next((heading for heading in self._headings if heading), "")
        return self._writer.document(self._opened.core_properties.title or top or title_of(name))

    def _read_apart(self, container: Any, apart: _Apart) -> None:  # noqa: ANN401 - no types there
        before, self._apart = self._apart, apart
        self._blocks(container)
        self._apart = before

    def _blocks(self, container: Any) -> None:  # noqa: ANN401
        for block in inside(container, BLOCKS):
            still_reading()
            if block.tag == TABLE:
                self._end_list()
                self._table(block)
            else:
                self._paragraph(block)
        self._end_list()

    def _paragraph(self, paragraph: Any) -> None:  # noqa: ANN401
        style = self._styles.get(paragraph.style, "")
        if _CONTENTS.match(style):
            return
        said = self._said(paragraph)
        if style.lower().startswith("list") and said.shown:
            self._items.append(f"- {said.shown}")
        else:
            self._end_list()
            self._add_styled(said.shown, style)
        self._add_left([said])

    def _add_styled(self, said: str, style: str) -> None:
        heading = _HEADING.match(style)
        if not said or self._apart is not None:
            self._add(said)
        elif heading:
            self._headings = below(self._headings, int(heading[1]), said)
            self._title = self._title or said
            self._writer.add_heading(said)
        elif style.lower() in _TITLES:
            self._title = said
            self._writer.add_heading(said)
        else:
            self._add(said)

    def _table(self, table: Any) -> None:  # noqa: ANN401
        lines: list[str] = []
        for _, said in said_rows(self._rows(table, lines)):
            lines.append(said)
        self._add("\n".join(lines))

    def _rows(self, table: Any, lines: list[str]) -> Iterator[list[str]]:  # noqa: ANN401
        """Yield the cells of each row, each in its column.

        What else a row holds is added after it: asked for the next row, its own is in ``lines``.
        """
        for row in inside(table, _ROW):
            still_reading()
            if row.find(_DELETED_ROW) is not None:
                continue
            left: list[Any] = []
            cells = [""] * min(row.grid_before, MAX_COLUMNS)
            for cell in inside(row, _CELL):
                cells += _spread(self._cell(cell, left), cell.grid_span)
            yield cells
            if any(not isinstance(one, Said) or one.hidden or one.boxes for one in left):
                self._add("\n".join(lines))
                lines.clear()
            self._add_left(left)

    def _cell(self, cell: Any, left: list[Any]) -> str:  # noqa: ANN401
        """Return the words of a cell; put into ``left`` what has no place in its row."""
        if cell.find(_DELETED_CELL) is not None:
            return ""
        shown = []
        for block in inside(cell, BLOCKS):
            left.append(block if block.tag == TABLE else self._said(block))
            if isinstance(left[-1], Said):
                shown.append(left[-1].shown)
        return "\n".join(shown)

    def _said(self, paragraph: Any) -> Said:  # noqa: ANN401
        return self._words.of(paragraph, hidden=self._apart is not None and self._apart.hidden)

    def _add_left(self, left: list[Any]) -> None:
        """Add what paragraphs hide, then tables and text boxes; take down the notes."""
        said = [one for one in left if isinstance(one, Said)]
        self._add_hidden("\n".join(one.hidden for one in said if one.hidden))
        for one in left:
            if not isinstance(one, Said):
                self._table(one)
                continue
            for box, hidden in one.boxes:
                self._end_list()
                self._read_apart(box, _Apart(self._locator(), self._above(), hidden))
            for reference, hidden in one.references:
                self._notes.refer(reference, self._above(), hidden=hidden)

    def _end_list(self) -> None:
        self._add("\n".join(self._items))
        self._items = []

    def _above(self) -> tuple[str, ...]:
        return self._headings if self._apart is None else self._apart.headings

    def _locator(self) -> str:
        return trail(self._headings) if self._apart is None else self._apart.locator

    def _add(self, said: str) -> None:
        self._writer.add(said, headings=self._above(), locator=self._locator())

    def _add_hidden(self, said: str) -> None:
        if said:
            self._end_list()
            place = ", ".join(filter(None, (self._locator(), HIDDEN)))
            self._writer.add(said, headings=self._above(), locator=place)


def _names(opened: Opened) -> dict[str | None, str]:
    """Return the names of styles by their ids; names are English in whatever language, ids not."""
    names: dict[str | None, str] = {}
    for style in opened.styles.element.iterchildren(qn("w:style")):
        name = style.find(qn("w:name"))
        names[style.get(qn("w:styleId"))] = "" if name is None else name.get(qn("w:val"), "")
    return names


def _spread(text: str, columns: int) -> list[str]:
    """Return a cell and the empty ones it covers; a hostile one claims any number of columns."""
    return [text, *[""] * (min(columns, MAX_COLUMNS) - 1)]
