"""Word documents: paragraphs below their headings, lists, tables, text boxes and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import docx
from docx.document import Document as Opened
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from researcher_job.sources.blocks.units import UnitKind
from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import HIDDEN, Document, Reason, Unreadable
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.office.charts import add_chart
from researcher_job.sources.readers.office.docx_notes import Notes
from researcher_job.sources.readers.office.docx_numbers import Label, Numbers
from researcher_job.sources.readers.office.docx_tree import BLOCKS, TABLE, inside
from researcher_job.sources.readers.office.docx_words import Said, Words
from researcher_job.sources.readers.office.packed import opened
from researcher_job.sources.readers.rows import MAX_COLUMNS, Row, add_table
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
    data = opened(data, Reason.BROKEN_DOCX)
    try:
        return _Reading(docx.Document(BytesIO(data))).document(name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_DOCX) from error


@dataclass(frozen=True)
class _Apart:
    """What is read besides the running text: a text box, a note. Its headings divide nothing."""

    place: str
    hidden: bool


class _Reading:
    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._words = Words(opened)
        self._notes = Notes(opened)
        self._numbers = Numbers(opened)
        # The names of styles by their ids: names are English in whatever language, ids are not.
        names: dict[str | None, str] = {}
        for style in opened.styles.element.iterchildren(qn("w:style")):
            name = style.find(qn("w:name"))
            names[style.get(qn("w:styleId"))] = "" if name is None else name.get(qn("w:val"), "")
        self._styles = names
        self._writer = DocumentWriter()
        self._title = ""
        self._apart: _Apart | None = None

    def document(self, name: str) -> Document:
        for kind, part in self._related("header", "footer"):
            self._read_apart(parse_xml(part.blob), _Apart(kind, hidden=False))
        self._blocks(self._opened.element.body)
        self._read_notes()
        for number, (_, part) in enumerate(self._related("chart"), start=1):
            add_chart(self._writer, part.blob, place=f"chart {number}")
        title = self._opened.core_properties.title or self._title
        return self._writer.document(title or title_of(name))

    def _related(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        """Yield the parts of ``kinds`` that the document refers to, each with its kind, once."""
        seen: set[bytes] = set()
        for relation in self._opened.part.rels.values():
            kind = relation.reltype.rpartition("/")[2]
            if kind in kinds and not relation.is_external:
                if relation.target_part.blob not in seen:
                    yield kind, relation.target_part
                seen.add(relation.target_part.blob)

    def _read_notes(self) -> None:
        """Read the notes of a section at its end, below its headings."""
        while self._notes.found:  # one that refers to another adds it
            note = self._notes.found.pop(0)
            self._read_apart(note.content, _Apart(note.locator, note.hidden))

    def _read_apart(self, container: Any, apart: _Apart) -> None:  # noqa: ANN401 - no types there
        before, self._apart = self._apart, apart
        self._blocks(container)
        self._apart = before

    def _blocks(self, container: Any) -> None:  # noqa: ANN401
        for block in inside(container, BLOCKS):
            still_reading()
            if block.tag == TABLE:
                self._table(block)
            else:
                self._paragraph(block)

    def _paragraph(self, paragraph: Any) -> None:  # noqa: ANN401
        style = self._styles.get(paragraph.style, "")
        if _CONTENTS.match(style):
            return
        said = self._said(paragraph)
        self._add_styled(said.shown, style, self._numbers.of(paragraph))
        self._add_left([said])

    def _add_styled(self, said: str, style: str, label: Label | None) -> None:
        heading = _HEADING.match(style)
        if label and label.text and said and (heading is None or label.text != "-"):
            said = f"{label.text} {said}"
        elif style.lower().startswith("list") and said:
            label, said = Label("-", 1), f"- {said}"
        if label and said and heading is None:
            self._add("item", said, level=label.level)
        elif not said or self._apart is not None:
            self._add("note", said)
        elif heading or style.lower() in _TITLES:
            self._title = self._title or said
            self._read_notes()
            self._add("heading", said, level=int(heading[1]) if heading else 1)
        else:
            self._add("paragraph", said)

    def _table(self, table: Any) -> None:  # noqa: ANN401
        left: list[Any] = []
        add_table(self._writer, list(self._rows(table, left)), place=self._place())
        self._add_left(left)

    def _rows(self, table: Any, left: list[Any]) -> Iterator[Row]:  # noqa: ANN401
        """Yield the cells of each row; put into ``left`` what has no place in its row."""
        for row in inside(table, _ROW):
            still_reading()
            if row.find(_DELETED_ROW) is not None:
                continue
            cells: list[str | None] = [""] * min(row.grid_before, MAX_COLUMNS)
            for cell in inside(row, _CELL):
                merged = cell.vMerge == "continue"
                words = self._cell(cell, left)
                cells += [None if merged else words, *[""] * (min(cell.grid_span, MAX_COLUMNS) - 1)]
            yield cells

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
        place = ", ".join(filter(None, (self._place(), HIDDEN)))
        self._writer.add(
            "paragraph", "\n".join(one.hidden for one in said if one.hidden), place=place
        )
        for one in left:
            if not isinstance(one, Said):
                self._table(one)
                continue
            for box, hidden in one.boxes:
                self._read_apart(box, _Apart(self._place(), hidden))
            for reference, hidden in one.references:
                self._notes.refer(reference, hidden=hidden)

    def _place(self) -> str:
        return "" if self._apart is None else self._apart.place

    def _add(self, kind: UnitKind, said: str, *, level: int = 1) -> None:
        self._writer.add(kind, said, place=self._place(), level=level)
