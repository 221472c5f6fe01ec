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
"""A file with fewer letters in all its pages holds pictures of text."""

_TRIED_AGAIN = 50
"""Pages without text that are read by another library, too."""


def read(data: bytes, name: str) -> Document:
    """Read a PDF; pages are the blocks' locators. A page that is broken becomes a gap."""
    try:
        opened = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        locked = "password" in str(error).lower() or "security" in str(error).lower()
        raise Unreadable(Reason.LOCKED_PDF if locked else Reason.BROKEN_PDF) from error
    try:
        if len(opened) > MAX_PAGES:
            raise Unreadable(Reason.LONG)
        return _Reading(opened, data).document(name)
    finally:
        opened.close()


class _Reading:
    def __init__(self, opened: Any, data: bytes) -> None:  # noqa: ANN401 - no types there
        self._opened = opened
        self._data = data
        self._other: Any = None
        self._tried = 0
        self._pictures: list[int] = []
        self._broken: list[int] = []

    def document(self, name: str) -> Document:
        pages = []
        for number in range(1, len(self._opened) + 1):
            still_reading()
            pages.append((number, self._page(number)))
        letters = sum(len(line.text) for _, lines in pages for line in lines)
        writer = DocumentWriter()
        compose(writer, pages)
        self._read_attached(writer, name)
        if letters < _FEW_LETTERS and not writer.inside:
            raise Unreadable(Reason.BROKEN_PDF if self._broken else Reason.SCANNED)
        if self._pictures:
            of = f"{len(self._pictures)} of {len(pages)} pages"
            said = "is a picture" if len(self._pictures) == 1 else "are pictures"
            writer.gaps.append(f"{of} {said} ({_pages(self._pictures)})")
        if self._broken:
            said = "is" if len(self._broken) == 1 else "are"
            writer.gaps.append(f"{_pages(self._broken)} {said} broken")
        if self._opened.get_formtype():
            writer.gaps.append("what is filled into its form")
        return writer.document(title_of(name))

    def _page(self, number: int) -> list[Line]:
        """Return the lines of a page, and note what is wrong with it."""
        lines: list[Line] = []
        objects = broken = 0
        try:
            page = self._opened[number - 1]
            textpage = page.get_textpage()
            lines = lines_of(textpage)
            textpage.close()
            objects = 0 if lines else sum(1 for _ in page.get_objects(max_depth=2))
            page.close()
        except pdfium.PdfiumError:
            broken = 1
        if not lines and (objects or broken) and self._tried < _TRIED_AGAIN:
            self._tried += 1
            lines = self._page_otherwise(number)
        if not lines and broken:
            self._broken.append(number)
        elif not lines and objects:
            self._pictures.append(number)
        return lines

    def _page_otherwise(self, number: int) -> list[Line]:
        """Return what another library finds on the page, without places."""
        from pypdf import PdfReader

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw
        try:
            self._other = self._other or PdfReader(BytesIO(self._data), strict=False)
            text = self._other.pages[number - 1].extract_text()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a hostile file makes the parser raise anything at all
            return []
        said = [line for line in text.split("\n") if line.strip()]
        return [
            Line((Piece(0, 0, line),), -12.0 * index, 10.0, bold=False)
            for index, line in enumerate(said)
        ]

    def _read_attached(self, writer: DocumentWriter, name: str) -> None:
        for index in range(self._opened.count_attachments()):
            attached = self._opened.get_attachment(index)
            add_attached(writer, bytes(attached.get_data()), attached.get_name(), name)


def _pages(numbers: list[int]) -> str:
    said = ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
    return f"page{'' if len(numbers) == 1 else 's'} {said}"
