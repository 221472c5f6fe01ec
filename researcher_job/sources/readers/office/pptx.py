"""Presentations: the words of each slide, its tables and its notes."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.oxml.ns import qn

from researcher_job.sources.blocks.units import UnitKind
from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.office.charts import add_chart
from researcher_job.sources.readers.office.packed import opened
from researcher_job.sources.readers.rows import add_table
from researcher_job.sources.readers.text import title_of

MAX_SLIDES = 5_000
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"


def read(data: bytes, name: str) -> Document:
    """Read a presentation; slides are the locators, their titles the headings.

    A slide that is not shown is read, and its locator says so.
    """
    data = opened(data, Reason.BROKEN_PPTX)
    writer = DocumentWriter()
    try:
        deck = Presentation(BytesIO(data))
        titles = []
        for number, slide in enumerate(deck.slides, start=1):
            if number > MAX_SLIDES:
                raise Unreadable(Reason.LONG)
            hidden = " (hidden)" if slide.element.get("show") in ("0", "false") else ""
            titles.append(_slide(writer, slide, f"slide {number}{hidden}"))
        named = next(filter(None, titles), "")
        title = _given(deck.core_properties.title) or named or title_of(name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile file makes the parsers raise anything at all
        raise Unreadable(Reason.BROKEN_PPTX) from error
    return writer.document(title)


def _slide(writer: DocumentWriter, slide: Any, place: str) -> str:  # noqa: ANN401 - no types there
    """Add the words of a slide and return its title."""
    still_reading()
    _choose(slide.element)
    top = slide.shapes.title
    title = " ".join(top.text_frame.text.split()) if top is not None else ""
    writer.add("heading", title or place, place=place)
    for shape in _shapes(slide.shapes):
        if top is None or shape.element is not top.element:  # ids are not always unique
            _shape(writer, shape, place)
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
        writer.add_text(notes.text, place=f"{place}, notes")
    return title


def _choose(slide: Any) -> None:  # noqa: ANN401
    """Put the first way that says anything in place of what is there in several ways.

    Shapes with equations are: the library passes over them.
    """
    for alternatives in list(slide.iter(_ALTERNATIVES)):
        for way in alternatives.iterchildren("*"):
            if any((said.text or "").strip() for said in way.iter(qn("a:t"))):
                for shape in list(way):
                    alternatives.addprevious(shape)
                break


def _shapes(shapes: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield shapes, those of groups, too; the parser refuses what is nested over 256 deep."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _shape(writer: DocumentWriter, shape: Any, place: str) -> None:  # noqa: ANN401
    if getattr(shape, "has_table", False):
        rows = [
            [None if cell.is_spanned and _is_below(cell) else cell.text for cell in row.cells]
            for row in shape.table.rows
        ]
        add_table(writer, rows, place=place, heads=1 if shape.table.first_row else None)
    elif getattr(shape, "has_chart", False):
        add_chart(writer, shape.chart_part.blob, place=f"{place}, chart")
    elif getattr(shape, "has_text_frame", False):
        paragraphs = shape.text_frame.paragraphs
        several = sum(bool(one.text.strip()) for one in paragraphs) > 1
        for paragraph in paragraphs:
            said = paragraph.text.replace("\x0b", " ").strip()
            kind: UnitKind = "item" if several else "paragraph"
            writer.add(kind, said, place=place, level=paragraph.level + 1)


def _is_below(cell: Any) -> bool:  # noqa: ANN401
    """Whether a merged cell begins in a row above."""
    return cell._tc.get("vMerge") in ("1", "true")


def _given(title: str | None) -> str:
    """Return the title that somebody gave; not the one that every template has."""
    said = " ".join((title or "").split())
    return "" if said.lower() == "powerpoint presentation" else said
