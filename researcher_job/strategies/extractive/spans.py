"""The part of a block that is quoted: a sentence with what it leans on, a short block whole."""

from __future__ import annotations

import re

from research_contract.text.sentences import sentences
from researcher_job.sources.base import Passage
from researcher_job.sources.blocks.units import Span

WHOLE = 300
"""Characters up to which a paragraph is quoted whole; a longer one by its sentences."""

_DIVIDED = frozenset({"paragraph", "definition", "answer", "note", "item"})
"""Kinds of blocks that are quoted by sentences where they are long; others are quoted whole."""

_LEANS = re.compile(
    r"\W*(?:It|He|She|They|Its|His|Her|Their|This|These|Those|That|Both|Such|Then|However|But"
    r"|Otherwise|Er|Sie|Es|Dies\w*|Dann|Sonst|Il|Elle|Ils|Elles|Ce|Cette|Cela)\b"
)
"""Words at the beginning of a sentence that refer to the sentence before it."""


def quote_spans(passage: Passage) -> list[Span]:
    """Return the parts of ``passage.text`` that may be quoted, in order."""
    text = passage.text
    if passage.kind not in _DIVIDED or len(text) <= WHOLE:
        return [Span(0, len(text))]
    found: list[Span] = []
    before: Span | None = None
    for sentence in sentences(text):
        span = Span(sentence.start, sentence.end)
        if before and _LEANS.match(text, span.start):
            found.append(Span(before.start, span.end))
        else:
            found.append(span)
        before = span
    return found or [Span(0, len(text))]
