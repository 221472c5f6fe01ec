"""Web pages that a browser saved in one file (MHTML)."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.mail.message import mended
from researcher_job.sources.readers.web import html


def read(data: bytes, name: str) -> Document:
    """Read the page; frames and pictures beside it are passed over."""
    try:
        message = message_from_bytes(mended(data), policy=default)
        pages = (part for part in message.walk() if part.get_content_type() == "text/html")
        raw = next(pages, message).get_payload(decode=True)
    except MemoryError:
        raise
    except Exception as error:  # a hostile message makes the parser raise anything at all
        raise Unreadable(Reason.TEXTLESS_HTML) from error
    return html.read(raw if isinstance(raw, bytes) else b"", name)
