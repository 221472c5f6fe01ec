"""Titles of documents and headings of sections, as other texts would mention them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from researcher_job.sources.document import Document
from researcher_job.sources.index.tokenizer import stems

LONGEST_NAME = 8
"""Words; what has more is a sentence that nobody repeats."""

_QUALIFIED = re.compile(r"(?<!\s)\s*\([^()]*\)\s*$")
"""What tells titles of the same name apart: ``Mercury (planet)`` is mentioned as Mercury."""


def names(titles: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield each of ``titles`` as it would be mentioned, its stems spaced, with its number.

    Many titles at a time, since asking for stems takes long and is done once for all.
    """
    found = stems([title for title, _ in titles])
    short = stems([_QUALIFIED.sub("", title) for title, _ in titles])
    for (_, number), *both in zip(titles, found, short, strict=True):
        yield from (
            (words, number)
            for words in {" ".join(one) for one in both if 0 < len(one) <= LONGEST_NAME}
        )


def titles(document: Document, first: int) -> Iterator[tuple[str, int]]:
    """Yield title and headings of ``document`` with the first block below each.

    ``first`` is the number of its first block.
    """
    waiting = [document.title] if document.title else []
    for number, block in enumerate(document.blocks, start=first):
        if block.kind == "heading":
            waiting.append(document.text[block.start : block.end])
            continue
        yield from ((title, number) for title in waiting)
        waiting = []


def runs(words: Sequence[str]) -> set[str]:
    """Return every run of words that may be a name, spaced."""
    return {
        " ".join(words[start:stop])
        for start in range(len(words))
        for stop in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1)
    }
