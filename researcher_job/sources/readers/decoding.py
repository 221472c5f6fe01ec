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
_ZERO_SHARE = 0.05
_CONTROL_SHARE = 0.02
"""Text has a stray control character at most; of binary data every ninth byte is one."""


def decode(data: bytes, declared: str = "") -> str:
    """Return the clean text in ``data``; ``declared`` is an encoding the file itself names.

    A byte order mark decides, then UTF-8 (a few broken bytes are replaced), then UTF-16 without a
    mark, then ``declared``, then what the letters fit best.

    Raises:
        Unreadable: the data is empty or binary.
    """
    if not data.strip():
        raise Unreadable(Reason.EMPTY)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return clean(data.decode(encoding, "replace"))
    head = data[:_HEAD]
    if wide := _wide(head):
        return clean(data.decode(wide, "replace"))
    if len(head) - len(head.translate(None, _CONTROLS)) > len(head) * _CONTROL_SHARE:
        raise Unreadable(Reason.BINARY)
    return clean(_unmarked(data, declared))


def _wide(head: bytes) -> str:
    """Return which UTF-16 it is: of signs and spaces every other byte is zero; "" for neither."""
    half = len(head) // 2
    for encoding, high, low in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        zeros = high.count(0)
        if zeros > half * _ZERO_SHARE and not low.count(0):
            text = head[: half * 2].decode(encoding, "ignore")
            spoken = sum(map(str.isalnum, text)) + sum(map(str.isspace, text))
            return encoding if spoken > len(text) / 2 else ""
    return ""


def _unmarked(data: bytes, declared: str) -> str:
    text = data.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    beyond_ascii = sum(byte >= 0xC2 for byte in data) if broken else 0
    if broken * 10 <= beyond_ascii:
        return text
    if declared:
        try:
            return data.decode(declared)
        except (LookupError, UnicodeDecodeError):
            pass
    from researcher_job.sources.readers.encodings import encoding_of

    return data.decode(encoding_of(data), "replace")
