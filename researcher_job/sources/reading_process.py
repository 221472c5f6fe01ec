"""The reading process as jobs of the last release start it; kept for one release.

After an upgrade in place such a job starts today's process by this name, and goes on with frames
of the form that it knows.
"""

from __future__ import annotations

import json

from researcher_job.sources.document import Block, Document, Reason
from researcher_job.sources.documents import reader_process
from researcher_job.sources.documents.reader_process import Extracted

_NEWER = {
    Reason.BROKEN_ODF: Reason.UNKNOWN,
    Reason.BROKEN_EPUB: Reason.UNKNOWN,
    Reason.BROKEN_RTF: Reason.UNKNOWN,
    Reason.MACHINE_MADE: Reason.UNKNOWN,
    Reason.COPY: Reason.UNKNOWN,
}
"""Reasons that the last release does not know, and what it says instead."""


def main(memory: int) -> None:
    """Answer requests until standard input ends, with no more than ``memory`` bytes."""
    reader_process.main(memory, encode=encode)


def encode(extracted: Extracted) -> bytes:
    """Return a frame of the last release: title, hash and passages, then the text."""
    found = extracted.document
    said: list[object] | str | None = None
    text = ""
    if isinstance(found, Reason):
        said = _NEWER.get(found, found).name
    elif found is not None:
        text = found.text
        said = [found.title, found.snapshot, [_passage(found, block) for block in found.blocks]]
    state = (extracted.signature, extracted.sha256, extracted.changed_ns)
    return b"%b\n%b" % (json.dumps([said, *state]).encode(), text.encode())


def _passage(document: Document, block: Block) -> tuple[int, int, str, str]:
    headings = [
        document.text[one.start : one.end] for one in block.context if one.kind == "heading"
    ]
    return block.start, block.end, block.locator, " > ".join(headings)
