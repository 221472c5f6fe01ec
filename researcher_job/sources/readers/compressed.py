"""Single files that are compressed: what is inside is read by its own name."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, cast

from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers import reader_for

MAX_UNPACKED = 50_000_000
"""Bytes, as many as of a file that is not compressed."""

_OPENERS: dict[str, Callable[[BytesIO], object]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


def read(data: bytes, name: str) -> Document:
    """Read the file in a ``.gz``, ``.bz2`` or ``.xz`` file."""
    inner, _, suffix = name.rpartition(".")
    try:
        with cast("BinaryIO", _OPENERS[f".{suffix.lower()}"](BytesIO(data))) as unpacked:
            content = unpacked.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise Unreadable(Reason.ARCHIVE) from error
    if len(content) > MAX_UNPACKED:
        raise Unreadable(Reason.TOO_LARGE)
    reader = reader_for(inner)
    if isinstance(reader, Reason):
        raise Unreadable(reader)
    return reader(content, inner)
