"""OpenDocument: texts, workbooks, presentations and drawings, as LibreOffice writes them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from lxml import etree

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.office.packed import opened
from researcher_job.sources.readers.rows import MAX_COLUMNS, Row, add_table
from researcher_job.sources.readers.text import title_of

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}%s"
_P, _H, _LIST, _SPAN = (_NAMES % ("text", one) for one in ("p", "h", "list", "span"))
_SPACES, _TAB, _BREAK = (_NAMES % ("text", one) for one in ("s", "tab", "line-break"))
_TABLE, _ROW, _HEAD = (
    _NAMES % ("table", one) for one in ("table", "table-row", "table-header-rows")
)
_CELL, _COVERED = (_NAMES % ("table", one) for one in ("table-cell", "covered-table-cell"))
_NOTE, _COMMENT = _NAMES % ("text", "note"), _NAMES % ("office", "annotation")
_PAGE, _NOTES = _NAMES % ("draw", "page"), _NAMES % ("presentation", "notes")
_SKIPPED = frozenset(
    _NAMES % (space, name)
    for space, name in (
        *(("text", "tracked-changes"), ("text", "table-of-content"), ("text", "note-citation")),
        *(("dc-elements", "creator"), ("office", "forms"), ("text", "sequence-decls")),
    )
) | {"{http://purl.org/dc/elements/1.1/}creator", "{http://purl.org/dc/elements/1.1/}date"}
_CLASS, _NAME = _NAMES % ("presentation", "class"), _NAMES % ("table", "name")
_ROWS_SPANNED = _NAMES % ("table", "number-rows-spanned")
_COLUMNS_REPEATED = _NAMES % ("table", "number-columns-repeated")
_ROWS_REPEATED = _NAMES % ("table", "number-rows-repeated")
_MAX_REPEATED = 1_000
_OBJECT = re.compile(r"Object[^/]*/content\.xml")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def read(data: bytes, name: str) -> Document:
    """Read a document, packed or flat; charts are read as the tables that they draw."""
    try:
        reading = _Reading()
        if not data.startswith(b"PK"):
            root = etree.fromstring(data, parser=_PARSER)
            reading.body(root)
            return reading.writer.document(root.findtext(f".//{_TITLE}") or title_of(name))
        with zipfile.ZipFile(BytesIO(opened(data, Reason.BROKEN_ODF))) as archive:
            members = archive.namelist()
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise Unreadable(Reason.LOCKED_OFFICE)
            for styles in ("styles.xml",) if "styles.xml" in members else ():
                reading.margins(etree.fromstring(archive.read(styles), parser=_PARSER))
            reading.body(etree.fromstring(archive.read("content.xml"), parser=_PARSER))
            for number, member in enumerate(filter(_OBJECT.fullmatch, members), start=1):
                reading.chart(etree.fromstring(archive.read(member), parser=_PARSER), number)
            title = ""
            if "meta.xml" in members:
                title = etree.fromstring(archive.read("meta.xml"), parser=_PARSER).findtext(
                    f".//{_TITLE}"
                )
        return reading.writer.document(title or title_of(name))
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parser raise anything at all
        raise Unreadable(Reason.BROKEN_ODF) from error


@dataclass(eq=False)
class _Reading:
    writer: DocumentWriter = field(default_factory=DocumentWriter, init=False)
    _place: str = field(default="", init=False)
    _waiting: list[Any] = field(default_factory=list, init=False)

    def body(self, root: Any) -> None:  # noqa: ANN401 - no types there
        """Read what stands in the body of a document."""
        for body in root.iter(_NAMES % ("office", "body")):
            self._blocks(body)

    def margins(self, styles: Any) -> None:  # noqa: ANN401
        """Read headers and footers, each once."""
        seen: set[str] = set()
        for kind in ("header", "footer"):
            for margin in styles.iter(_NAMES % ("style", kind)):
                said = "\n".join(self._words(one) for one in margin.iter(_P))
                if said not in seen:
                    self.writer.add("note", said, place=kind)
                seen.add(said)

    def chart(self, root: Any, number: int) -> None:  # noqa: ANN401
        """Read the table that a chart draws."""
        for table in root.iter(_TABLE):
            add_table(self.writer, _rows(table, self._words), place=f"chart {number}", heads=1)

    def _blocks(self, container: Any, level: int = 0, kind: str = "") -> None:  # noqa: ANN401
        for block in container.iterchildren("*"):
            still_reading()
            if block.tag in _SKIPPED:
                continue
            if block.tag == _TABLE:
                self._table(block)
            elif block.tag == _PAGE:
                self._page(block)
            elif block.tag == _LIST:
                self._blocks(block, level + 1, kind)
            elif block.tag in (_P, _H):
                self._paragraph(block, level, kind)
            else:
                self._blocks(block, level, kind)

    def _paragraph(self, block: Any, level: int, kind: str) -> None:  # noqa: ANN401
        said = self._words(block)
        if block.tag == _H or kind == "heading":
            outline = block.get(_NAMES % ("text", "outline-level"), "1")
            at = int(outline) if outline.isdigit() else 1
            self.writer.add("heading", said, level=min(at, 6), place=self._place)
        elif level and said:
            self.writer.add("item", f"- {said}", level=level, place=self._place)
        else:
            self.writer.add("note" if kind else "paragraph", said, place=kind or self._place)
        waiting, self._waiting = self._waiting, []
        for note in waiting:
            self._blocks(note, kind="comment" if note.tag == _COMMENT else "footnote")

    def _page(self, page: Any) -> None:  # noqa: ANN401
        """Read a slide: its title first, its notes last."""
        number = int(re.sub(r"\D", "", self._place.partition(",")[0]) or 0) + 1
        self._place = f"slide {number}"
        frames = list(page.iterchildren("*"))
        for frame in sorted(frames, key=lambda one: one.get(_CLASS) != "title"):
            if frame.tag == _NOTES:
                self._place = f"slide {number}, notes"
            self._blocks(frame, kind="heading" if frame.get(_CLASS) == "title" else "")
            self._place = f"slide {number}"

    def _table(self, table: Any) -> None:  # noqa: ANN401
        in_sheet = table.getparent().tag == _NAMES % ("office", "spreadsheet")
        if in_sheet:
            self.writer.add("heading", table.get(_NAME, ""))
        heads = sum(1 for head in table.iter(_HEAD) for _ in head.iter(_ROW)) or None
        place = "row {}" if in_sheet else self._place
        add_table(self.writer, _rows(table, self._words), place=place, heads=heads)
        waiting, self._waiting = self._waiting, []
        for note in waiting:
            self._blocks(note, kind="comment" if note.tag == _COMMENT else "footnote")

    def _words(self, element: Any) -> str:  # noqa: ANN401
        """Return what a paragraph or cell says; put notes and comments by."""
        return "".join(self._pieces(element)).strip()

    def _pieces(self, element: Any) -> Iterator[str]:  # noqa: ANN401
        yield element.text or ""
        for child in element.iterchildren("*"):
            if child.tag in (_NOTE, _COMMENT):
                self._waiting.append(child)
            elif child.tag == _SPACES:
                yield " "
            elif child.tag == _TAB:
                yield "\t"
            elif child.tag == _BREAK:
                yield "\n"
            elif child.tag not in _SKIPPED:
                yield from self._pieces(child)
                yield "\n" if child.tag == _P else ""
            yield child.tail or ""


def _rows(table: Any, words: Any) -> Iterator[Row]:  # noqa: ANN401
    """Yield the rows of a table; ``None`` stands for a cell merged with one above."""
    spans: dict[int, int] = {}
    for row in table.iter(_ROW):
        cells: list[str | None] = []
        for cell in row.iterchildren(_CELL, _COVERED):
            column, count = len(cells), _repeated(cell, _COLUMNS_REPEATED, MAX_COLUMNS)
            said: str | None = words(cell)
            if cell.tag == _COVERED:
                said = None if spans.get(column, 0) > 0 else ""
                spans[column] = spans.get(column, 0) - 1
            elif (rows := _repeated(cell, _ROWS_SPANNED, MAX_COLUMNS)) > 1:
                spans[column] = rows - 1
            cells += (
                [said] * min(count, MAX_COLUMNS - column)
                if said != ""
                else [""] * min(count, _MAX_REPEATED)
            )
        for _ in range(_repeated(row, _ROWS_REPEATED, _MAX_REPEATED if any(cells) else 1)):
            yield cells


def _repeated(element: Any, name: str, most: int) -> int:  # noqa: ANN401
    said = element.get(name, "1")
    return max(1, min(int(said), most)) if said.isascii() and said.isdigit() else 1
