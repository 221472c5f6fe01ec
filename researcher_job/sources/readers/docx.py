"""Word documents: paragraphs below their headings, lists and tables."""

from __future__ import annotations

import re
from io import BytesIO

import docx
from docx.document import Document as Opened
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from researcher_job.sources.alive import still_reading
from researcher_job.sources.document import Document, Reason, Unreadable, Writer, below, trail
from researcher_job.sources.readers.packed import check
from researcher_job.sources.readers.rows import MAX_COLUMNS, said_rows
from researcher_job.sources.readers.text import title_of

_HEADING = re.compile(r"(?:heading|überschrift|titre|título) ?([1-9])$", re.I)
_TITLES = frozenset({"title", "titel", "titre"})


def read(data: bytes, name: str) -> Document:
    """Read a DOCX file, unless what it declares to unpack to is beyond reason."""
    check(data, Reason.BROKEN_DOCX)
    try:
        return _Reading().document(docx.Document(BytesIO(data)), name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_DOCX) from error


class _Reading:
    def __init__(self) -> None:
        self._writer = Writer()
        self._headings: tuple[str, ...] = ()
        self._title = ""
        self._items: list[str] = []

    def document(self, opened: Opened, name: str) -> Document:
        for part in opened.iter_inner_content():
            still_reading()
            if isinstance(part, Table):
                self._end_list()
                self._add("\n".join(_rows(part)))
            else:
                self._paragraph(part)
        self._end_list()
        top = self._title or next((heading for heading in self._headings if heading), "")
        return self._writer.document(opened.core_properties.title or top or title_of(name))

    def _paragraph(self, paragraph: Paragraph) -> None:
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        said = paragraph.text.strip()
        if style.lower().startswith("list") and said:
            self._items.append(f"- {said}")
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

    def _end_list(self) -> None:
        self._add("\n".join(self._items))
        self._items = []

    def _add(self, said: str) -> None:
        self._writer.add(said, headings=self._headings, locator=trail(self._headings))


def _rows(table: Table) -> list[str]:
    """Return the rows as lines, each cell in its column."""
    rows = (
        [said for cell in row.tc_lst for said in _spread(_Cell(cell, table).text, cell.grid_span)]
        for row in table._tbl.tr_lst
    )
    return [said for _, said in said_rows(rows)]


def _spread(text: str, columns: int) -> list[str]:
    """Return a cell and the empty ones it covers; a hostile one claims any number of columns."""
    return [text, *[""] * (min(columns, MAX_COLUMNS) - 1)]
