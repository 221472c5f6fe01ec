"""Metadata of an installed Python package: fields, a blank line, its README."""

from __future__ import annotations

import re

from researcher_job.sources.document import Block, Document, Unreadable
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.markdown import markdown_document
from researcher_job.sources.readers.text import text_document

_FIELD = re.compile(r"^([A-Z][A-Za-z-]*): (.+)$", re.M)
_FIELDS_LOCATOR = "package metadata"
_MAX_FIELDS = 1_000


def read(data: bytes, name: str) -> Document:
    """Read ``METADATA`` or ``PKG-INFO`` (the Core Metadata of packaging.python.org)."""
    text = decode(data)
    stop = text.find("\n\n")
    stop = len(text) if stop < 0 else stop
    fields = dict(reversed(_FIELD.findall(text[:stop])[:_MAX_FIELDS]))
    title = " ".join(filter(None, (fields.get("Name", name), fields.get("Version"))))
    head = Block("field", 0, stop, _FIELDS_LOCATOR)
    try:
        line = text.count("\n", 0, stop) + 1
        if "markdown" in fields.get("Description-Content-Type", ""):
            body = markdown_document(text, title, start=stop)
        else:
            body = text_document(text, title, line=line, start=stop)
    except Unreadable:
        return Document(title=title, text=text, blocks=[head])
    return Document(title=title, text=text, blocks=[head, *body.blocks])
