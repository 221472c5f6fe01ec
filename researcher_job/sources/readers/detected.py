"""Files whose names say nothing: told by how they begin."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers import reader_of
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.text import text_document, title_of

_BEGINNINGS = (
    (re.compile(rb"%PDF-"), "pdf"),
    (re.compile(rb"\s*\{\\rtf"), "office.rtf"),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.I), "web.html"),
    (re.compile(rb"From [^\n]+\n(?:[!-9;-~]+: )"), "mail.mbox"),
    (re.compile(rb"(?:(?:Received|From|Return-Path|Delivered-To|Date|Subject|MIME-Version): )"
                rb"(?:[^\n]*\n(?:[!-9;-~]+:|[ \t]))", re.I), "mail.message"),
    (re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[\"\[{\d])"), "data"),
)  # fmt: skip
_INSIDE = (
    ("word/", "office.docx"),
    ("xl/", "office.xlsx"),
    ("ppt/", "office.pptx"),
    ("META-INF/container.xml", "web.epub"),
    ("content.xml", "office.opendocument"),
)
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MESSAGE = "__substg1.0_".encode("utf-16-le")


def read(data: bytes, name: str) -> Document:
    """Read a file as what it begins like; else as text if it is for people, no program."""
    kind = _kind(data)
    if isinstance(kind, Reason):
        raise Unreadable(kind)
    if kind:
        try:
            return reader_of(kind)(data, name)
        except Unreadable:
            if kind not in ("data", "mail.message", "mail.mbox"):
                raise
    try:
        text = decode(data)
    except Unreadable as error:
        if error.reason is Reason.BINARY:
            raise Unreadable(Reason.UNKNOWN) from error
        raise
    if text.startswith("#!"):
        raise Unreadable(Reason.UNKNOWN)
    return text_document(text, title_of(name))


def _kind(data: bytes) -> str | Reason:
    """Return the kind of reader, ``""`` where it may be text, or why it is not read."""
    if data.startswith(_COMPOUND):
        return "mail.outlook" if _MESSAGE in data else Reason.OLD_OFFICE
    if data.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(BytesIO(data)) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError):
            return Reason.ARCHIVE
        found = (kind for start, kind in _INSIDE if any(one.startswith(start) for one in names))
        return next(found, Reason.ARCHIVE)
    return next((kind for begins, kind in _BEGINNINGS if begins.match(data)), "")
