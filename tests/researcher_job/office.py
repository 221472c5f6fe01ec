"""Real office documents, sound and hostile, for the tests of reading."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable, Mapping

import openpyxl
import pptx
from pptx.util import Inches

from tests.researcher_job.files import word

LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a0 "lol">%s]><worksheet>&a9;</worksheet>"""
    % (b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)))
)
"""Entities that grow to a thousand million words (the "billion laughs")."""


def workbook() -> bytes:
    """Write a workbook of two sheets: a table with gaps, dates and numbers, and one of notes."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Budget"
    sheet.append(["Country", "Allowance", "Since"])
    sheet.append(["Norway", 80.5, datetime.date(2025, 3, 1)])
    sheet.append([None, None, None])
    sheet.append(["Iceland", 95.0, None])
    book.create_sheet("Notes").append(["The walrus approved all of it."])
    return _saved(book.save)


def slides() -> bytes:
    """Write a presentation: a title, a text with notes, a table."""
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Yearly plan"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "Goals"
    second.placeholders[1].text = "The otter doubles its output."
    second.notes_slide.notes_text_frame.text = "Mention the badger here."
    third = deck.slides.add_slide(deck.slide_layouts[5])
    third.shapes.title.text = "Costs"
    table = third.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for place, said in enumerate(("Animal", "Cost", "Heron", "12 euro")):
        table.cell(place // 2, place % 2).text = said
    return _saved(deck.save)


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def text() -> bytes:
    """Write an OpenDocument text with one paragraph."""
    buffer = io.BytesIO()
    names = 'xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    names += ' xmlns:t="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        body = "<o:body><o:text><t:p>The heron.</t:p></o:text></o:body>"
        archive.writestr("content.xml", f"<o:document {names}>{body}</o:document>")
    return buffer.getvalue()


OFFICE: Mapping[str, Callable[[], bytes]] = {
    "docx": word,
    "xlsx": workbook,
    "pptx": slides,
    "odt": text,
}
PARTS: Mapping[str, str] = {
    "docx": "word/document.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
    "pptx": "ppt/slides/slide2.xml",
    "odt": "content.xml",
}


def inflated(kind: str) -> bytes:
    """Take a sound document and add a member that unpacks to 300 MB."""
    buffer = io.BytesIO(OFFICE[kind]())
    with (
        zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("media/image.bin", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    return buffer.getvalue()


def laughing(kind: str) -> bytes:
    """Take a sound document and put entities that grow without bounds into its main part."""
    return replaced(kind, LAUGHS)


def replaced(kind: str, content: bytes) -> bytes:
    """Take a sound document and put ``content`` in place of its main part."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(OFFICE[kind]())) as sound,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in sound.namelist():
            archive.writestr(name, content if name == PARTS[kind] else sound.read(name))
    return out.getvalue()
