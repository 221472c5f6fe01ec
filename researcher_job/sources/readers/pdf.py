"""PDF: the text of each page."""

from __future__ import annotations

import logging
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.text import title_of

MAX_PAGES = 10_000
_FEW_LETTERS = 16
"""A file with fewer letters in all its pages holds pictures of text."""

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every flaw it can live with


def read(data: bytes, name: str) -> Document:
    """Read a PDF; pages are the blocks' locators."""
    writer = DocumentWriter()
    try:
        pages = _open(data).pages
        if len(pages) > MAX_PAGES:
            raise Unreadable(Reason.LONG)
        for number, page in enumerate(pages, start=1):
            writer.add_text(page.extract_text(), place=f"page {number}")
            still_reading()
    except (Unreadable, MemoryError):
        raise
    except (FileNotDecryptedError, DependencyError) as error:
        raise Unreadable(Reason.LOCKED_PDF) from error
    except Exception as error:  # a hostile file makes the parser raise anything at all
        raise Unreadable(Reason.BROKEN_PDF) from error
    return _with_text(writer, name)


def _open(data: bytes) -> PdfReader:
    reader = PdfReader(BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable(Reason.LOCKED_PDF)
    return reader


def _with_text(writer: DocumentWriter, name: str) -> Document:
    letters = sum(unit.end - unit.start for unit in writer.units)
    if letters < _FEW_LETTERS:
        raise Unreadable(Reason.SCANNED)
    return writer.document(title_of(name))
