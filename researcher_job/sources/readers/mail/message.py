"""E-mails: who wrote what to whom and when, the text, messages inside, attached files."""

from __future__ import annotations

import contextlib
import re
from email import message_from_bytes
from email.message import Message
from email.policy import default
from itertools import islice

from researcher_job.sources.blocks.units import UnitKind
from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.document import ContextKind, Document, Reason, Unreadable, clean
from researcher_job.sources.readers.attached import add_attached
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.text import title_of
from researcher_job.sources.readers.web import html

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_GIVES: dict[str, ContextKind] = {"From": "sender", "Date": "date"}
_COUNT = re.compile(rb"(\d{1,9})[ \t]*\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+\S|From ")
_BOUNDARY = re.compile(rb"(?i)(\bboundary[ \t]*=[ \t]*)([^\s\";]+)")
_SAYS_NOTHING = frozenset({"", "us-ascii", "ascii", "unknown-8bit", "8bit", "utf-8"})
_MAX_HEADER = 2_000
_MAX_PARTS = 1_000


def read(data: bytes, name: str) -> Document:
    """Read a message: its plain text, or its HTML where there is none, and messages inside.

    Attached files are documents of their own inside it, or named among its gaps.
    """
    try:
        message = message_from_bytes(mended(data), policy=default)
        if not any(header in message for header in _HEADERS):
            raise Unreadable(Reason.BROKEN_EML)
        if sum(1 for _ in islice(message.walk(), _MAX_PARTS + 1)) > _MAX_PARTS:
            raise Unreadable(Reason.LONG)
        subject = _header(message, "Subject")
        writer = DocumentWriter()
        _message(writer, message, "", name)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a hostile message makes the parser raise anything at all
        raise Unreadable(Reason.BROKEN_EML) from error
    return writer.document(subject or title_of(name))


def mended(data: bytes) -> bytes:
    """Return a message without lines among its headers that are none, boundaries in quotes."""
    start = 0
    if counted := _COUNT.match(data):  # how Apple Mail begins
        start, data = counted.end(), data[: counted.end() + int(counted[1])]
    found = _BLANK_LINE.search(data, start)
    end = found.start() if found else len(data)
    lines = data[start:end].splitlines(keepends=True)
    head = [line for line in lines if _HEADER_LINE.match(line)]
    return _BOUNDARY.sub(rb'\1"\2"', b"".join(head) + data[end:])


def _message(writer: DocumentWriter, message: Message, place: str, name: str) -> None:
    for header in _HEADERS:
        if said := _header(message, header):
            kind: UnitKind = "heading" if header == "Subject" else "field"
            gives = _GIVES.get(header)
            writer.add(kind, f"{header}: {said}", place=f"{place}mail header", gives=gives)
    attached: list[str] = []
    messages: list[Message] = []
    texts = 0
    for part in _parts(message):
        if part.is_multipart():
            messages.append(part)
        elif (
            part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text"
        ):
            # An attachment is read as a document of its own, or noted as not read.
            raw = part.get_payload(decode=True)
            attached.append(" ".join(clean(part.get_filename() or part.get_content_type()).split()))
            add_attached(writer, raw if isinstance(raw, bytes) else b"", attached[-1], name)
        else:
            texts += 1
            _text(writer, part, f"{place}mail text" + (f" {texts}" if texts > 1 else ""))
    if attached:
        said = f"Attached: {', '.join(attached)}"
        writer.add("paragraph", said, place=f"{place}mail attachments")
    for number, part in enumerate(messages, start=1):
        for inner in _children(part):
            _message(writer, inner, f"{place}attached message {number}, ", name)


def _parts(part: Message) -> list[Message]:
    """Return the parts that have none, and those with a message; of alternatives the plain one."""
    if not part.is_multipart() or part.get_content_type() == "message/rfc822":
        return [part]
    parts = [inner for child in _children(part) for inner in _parts(child)]
    if part.get_content_type() == "multipart/alternative" and any(
        _is_body(inner, "text/plain") and _content(inner).strip() for inner in parts
    ):
        return [inner for inner in parts if not _is_body(inner, "text/html")]
    return parts


def _children(part: Message) -> list[Message]:
    children = part.get_payload()
    return [child for child in children if isinstance(child, Message)]


def _is_body(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment"


def _text(writer: DocumentWriter, part: Message, place: str) -> None:
    said = _content(part)
    if not said.strip():
        return
    if part.get_content_type() == "text/html":
        with contextlib.suppress(Unreadable):
            html.write(writer, html.parsed(said), place=place, level=2)
    else:
        writer.add_text(said, place=place)


def _content(part: Message) -> str:
    """Return the text of a part in the encoding that it names, or that its letters fit best."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes) or not raw.strip():
        return ""
    declared = part.get_content_charset("").replace("_", "-")
    try:
        return raw.decode(declared if declared not in _SAYS_NOTHING else "ascii")
    except (LookupError, ValueError):
        with contextlib.suppress(Unreadable):  # it is binary
            return decode(raw)
    return ""


def _header(message: Message, name: str) -> str:
    """Return a header's words; of one that is too long to be parsed, its first ones as they are."""
    raw = next((said for key, said in message.raw_items() if key.lower() == name.lower()), "")
    if len(str(raw)) > _MAX_HEADER:
        return " ".join(clean(str(raw)[:_MAX_HEADER]).split())
    try:
        said = str(message.get(name, ""))
    except Exception:  # noqa: BLE001 - the parser of headers raises anything on hostile ones
        return ""
    return " ".join(clean(said).split())
