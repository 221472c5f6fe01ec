"""PDF: the text of each page, and what of it could not be read."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any

import pypdfium2 as pdfium

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.attached import add_attached
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.pdf_layout import compose
from researcher_job.sources.readers.pdf_lines import Line, Piece, lines_of
from researcher_job.sources.readers.text import title_of

MAX_PAGES = 10_000
_FEW_LETTERS = 16
"""A file with pictures and fewer letters in all its pages holds pictures of text."""

_EMPTY_STREAM = 16
"""Bytes that nothing at all takes, compressed."""

_TRIED_AGAIN = 50
"""Pages without text that are read by another library, too."""


def read(data: bytes, name: str) -> Document:
    """Read a PDF; pages are the blocks' locators. A page that is broken becomes a gap."""
    reading = _Reading(data)
    try:
        return reading.document(name)
    finally:
        reading.close()


class _Reading:
    """Reads by one library, and by another one what that does not open or finds empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._other: Any = None
        self._tried = 0
        self._pictures: list[int] = []
        self._broken: list[int] = []
        try:
            self._opened: Any = pdfium.PdfDocument(data)
            self._pages = len(self._opened)
        except pdfium.PdfiumError as error:
            if any(word in str(error).lower() for word in ("password", "security")):
                raise Unreadable(Reason.LOCKED_PDF) from error
            self._opened = None
            self._pages = self._count_otherwise()
        if self._pages > MAX_PAGES:
            raise Unreadable(Reason.LONG)

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()

    def document(self, name: str) -> Document:
        pages = []
        for number in range(1, self._pages + 1):
            still_reading()
            pages.append((number, self._page(number)))
        letters = sum(len(line.text) for _, lines in pages for line in lines)
        writer = DocumentWriter()
        compose(writer, pages)
        if self._opened is not None:
            for index in range(self._opened.count_attachments()):
                attached = self._opened.get_attachment(index)
                add_attached(writer, bytes(attached.get_data()), attached.get_name(), name)
        unread = self._broken or self._pictures
        if not writer.inside and (not letters or (unread and letters < _FEW_LETTERS)):
            raise Unreadable(Reason.BROKEN_PDF if self._broken else Reason.SCANNED)
        if self._pictures:
            of = f"{len(self._pictures)} of {len(pages)} pages"
            said = "is a picture" if len(self._pictures) == 1 else "are pictures"
            writer.gaps.append(f"{of} {said} ({_pages(self._pictures)})")
        if self._broken:
            said = "is" if len(self._broken) == 1 else "are"
            writer.gaps.append(f"{_pages(self._broken)} {said} broken")
        if self._opened is not None and self._opened.get_formtype():
            writer.gaps.append("what is filled into its form")
        return writer.document(title_of(name))

    def _page(self, number: int) -> list[Line]:
        """Return the lines of a page, and note what is wrong with it."""
        lines: list[Line] = []
        objects, broken = 0, self._opened is None
        if self._opened is not None:
            try:
                page = self._opened[number - 1]
                lines = lines_of(page.get_textpage())
                objects = 0 if lines else sum(1 for _ in page.get_objects(max_depth=2))
                page.close()
            except pdfium.PdfiumError:
                broken = True
        if not lines and (self._opened is None or self._tried < _TRIED_AGAIN):
            self._tried += 1
            otherwise = self._page_otherwise(number)
            broken = broken or (otherwise is None and not objects)
            lines = otherwise or []
        if not lines and broken:
            self._broken.append(number)
        elif not lines and objects:
            self._pictures.append(number)
        return lines

    def _count_otherwise(self) -> int:
        from pypdf import PdfReader

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw
        try:
            self._other = self._other or PdfReader(BytesIO(self._data), strict=False)
            return len(self._other.pages)
        except MemoryError:
            raise
        except Exception as error:  # a hostile file makes the parser raise anything at all
            raise Unreadable(Reason.BROKEN_PDF) from error

    def _page_otherwise(self, number: int) -> list[Line] | None:
        """Return what the other library finds on the page, without places; ``None`` if it fails."""
        from pypdf.generic import EncodedStreamObject

        try:
            self._count_otherwise()
            page = self._other.pages[number - 1]
            text = page.extract_text()
            drawn = None if text.strip() else page.get("/Contents")
            stream = drawn.get_object() if drawn else None
            if isinstance(stream, EncodedStreamObject) and not stream.get_data():
                return None if len(stream._data) > _EMPTY_STREAM else []  # it cannot be unpacked
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a hostile file makes the parser raise anything at all
            return None
        said = [line for line in text.split("\n") if line.strip()]
        return [
            Line((Piece(0, 0, line),), -12.0 * index, 10.0, bold=False)
            for index, line in enumerate(said)
        ]


def _pages(numbers: list[int]) -> str:
    said = ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
    return f"page{'' if len(numbers) == 1 else 's'} {said}"
