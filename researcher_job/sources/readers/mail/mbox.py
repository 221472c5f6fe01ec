"""Mailboxes in one file: each message a document of its own."""

from __future__ import annotations

import re

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.attached import add_attached
from researcher_job.sources.readers.heartbeat import still_reading
from researcher_job.sources.readers.text import title_of

_BEGIN = re.compile(rb"^From [^\r\n]*\r?\n(?=[!-9;-~]+[ \t]*:|>?From )", re.M)
_QUOTED = re.compile(rb"^>(?=>*From )", re.M)


def read(data: bytes, name: str) -> Document:
    """Read an mbox file (RFC 4155); its messages are documents inside it."""
    writer = DocumentWriter()
    begins = [found.end() for found in _BEGIN.finditer(data)]
    if not begins:
        raise Unreadable(Reason.EMPTY if not data.strip() else Reason.BROKEN_EML)
    ends = [found.start() for found in _BEGIN.finditer(data)][1:]
    for number, (start, end) in enumerate(zip(begins, [*ends, len(data)], strict=True), start=1):
        still_reading()
        message = _QUOTED.sub(b"", data[start:end])
        add_attached(writer, message, f"message {number}.eml", name)
    return writer.document(title_of(name))
