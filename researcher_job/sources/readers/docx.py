"""Word documents: paragraphs below their headings, lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import docx
from docx.document import Document as Opened
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from researcher_job.sources.alive import still_reading
from researcher_job.sources.document import (
    HIDDEN,
    Document,
    Reason,
    Unreadable,
    Writer,
    below,
    trail,
)
from researcher_job.sources.readers.docx_words import Words
from researcher_job.sources.readers.packed import check
from researcher_job.sources.readers.rows import MAX_COLUMNS, said_rows
from researcher_job.sources.readers.text import title_of

_HEADING = re.compile(r"(?:heading|überschrift|titre|título) ?([1-9])$", re.I)
_TITLES = frozenset({"title", "titel", "titre"})


def read(data: bytes, name: str) -> Document:
    """Read a DOCX file, unless what it declares to unpack to is beyond reason."""
    check(data, Reason.BROKEN_DOCX)
    try:
        return _Reading(docx.Document(BytesIO(data))).document(name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_DOCX) from error


class _Reading:
    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._words = Words(opened)
        self._writer = Writer()
        self._headings: tuple[str, ...] = ()
        self._title = ""
        self._items: list[str] = []

    def document(self, name: str) -> Document:
        for part in self._opened.iter_inner_content():
            still_reading()
            if isinstance(part, Table):
                self._end_list()
                self._table(part)
            else:
                self._paragraph(part)
        self._end_list()
        top = self._title or next((heading for heading in self._headings if heading), "")
        return self._writer.document(self._opened.core_properties.title or top or title_of(name))

    def _paragraph(self, paragraph: Paragraph) -> None:
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        said, hidden = self._words.of(paragraph)
        if style.lower().startswith("list") and said:
            self._items.append(f"- {said}")
            self._add_hidden(hidden)
            return
        self._end_list()
        heading = _HEADING.match(style)
        if heading and said:
            self._headings = below(self._headings, int(heading[1]), said)
            self._title = self._title or said
            self._writer.add_heading(said)
        elif style.lower() in _TITLES and said:
            self._title = said
            self._writer.add_heading(said)
        else:
            self._add(said)
        self._add_hidden(hidden)

    def _table(self, table: Table) -> None:
        hidden: list[str] = []
        self._add("\n".join(said for _, said in said_rows(self._rows(table, hidden))))
        self._add_hidden("\n".join(hidden))

    def _rows(self, table: Table, hidden: list[str]) -> Iterator[list[str]]:
        """Yield the cells of each row, each in its column; put into ``hidden`` what is."""
        for row in table._tbl.tr_lst:
            cells: list[str] = []
            for cell in row.tc_lst:
                found = [self._words.of(one) for one in _Cell(cell, table).paragraphs]
                cells += _spread("\n".join(said for said, _ in found), cell.grid_span)
                hidden += [said for _, said in found if said]
            yield cells

    def _end_list(self) -> None:
        self._add("\n".join(self._items))
        self._items = []

    def _add(self, said: str) -> None:
        self._writer.add(said, headings=self._headings, locator=trail(self._headings))

    def _add_hidden(self, said: str) -> None:
        if said:
            self._end_list()
            place = ", ".join(filter(None, (trail(self._headings), HIDDEN)))
            self._writer.add(said, headings=self._headings, locator=place)


def _spread(text: str, columns: int) -> list[str]:
    """Return a cell and the empty ones it covers; a hostile one claims any number of columns."""
    return [text, *[""] * (min(columns, MAX_COLUMNS) - 1)]
