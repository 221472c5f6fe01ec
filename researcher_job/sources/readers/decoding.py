"""Bytes to text where nobody says which encoding it is."""

from __future__ import annotations

import codecs

from researcher_job.sources.document import Reason, Unreadable, clean

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes((*range(9), *range(0x0E, 0x1B), *range(0x1C, 0x20)))
_HEAD = 8192
_CONTROL_SHARE = 0.02
"""Text has a stray control character at most; of binary data every ninth byte is one."""


def decode(data: bytes, declared: str = "") -> str:
    """Return the clean text in ``data``; ``declared`` is an encoding the file itself names.

    A byte order mark decides, then UTF-8 (a few broken bytes are replaced), then ``declared``,
    then Windows-1252, in which every text of a western language is at least readable.

    Raises:
        Unreadable: the data is empty or binary.
    """
    if not data.strip():
        raise Unreadable(Reason.EMPTY)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return clean(data.decode(encoding, "replace"))
    head = data[:_HEAD]
    if len(head) - len(head.translate(None, _CONTROLS)) > len(head) * _CONTROL_SHARE:
        raise Unreadable(Reason.BINARY)
    return clean(_unmarked(data, declared))


def _unmarked(data: bytes, declared: str) -> str:
    text = data.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    beyond_ascii = sum(byte >= 0xC2 for byte in data) if broken else 0
    if broken * 10 <= beyond_ascii:
        return text
    try:
        return data.decode(declared or "cp1252", "replace")
    except LookupError:
        return data.decode("cp1252", "replace")
