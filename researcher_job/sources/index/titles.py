"""Titles of documents and headings of sections, as other texts would mention them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from researcher_job.sources.index.tokenizer import stems
from researcher_job.sources.passages import Divided

LONGEST_NAME = 8
"""Words; what has more is a sentence that nobody repeats."""

_QUALIFIED = re.compile(r"\s*\([^()]*\)\s*$")
"""What tells titles of the same name apart: ``Mercury (planet)`` is mentioned as Mercury."""

_BELOW = " > "


def names(titles: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield each of ``titles`` as it would be mentioned, its stems spaced, with its number.

    Many titles at a time, since asking for stems takes long and is done once for all.
    """
    found = stems([title for title, _ in titles])
    short = stems([_QUALIFIED.sub("", title) for title, _ in titles])
    for (_, number), *both in zip(titles, found, short, strict=True):
        yield from ((words, number) for words in {" ".join(one) for one in both if _fits(one)})


def titles(document: Divided, first: int) -> Iterator[tuple[str, int]]:
    """Yield title and headings of ``document`` with the passages that each begins.

    ``first`` is the number of its first passage.
    """
    if document.title:
        yield document.title, first
    before, above = "", [""]
    for number, part in enumerate(document.parts, start=first):
        if part.heading == before:
            continue
        before, headings = part.heading, part.heading.split(_BELOW)
        for level, heading in enumerate(headings):
            if heading and above[: level + 1] != headings[: level + 1]:
                yield heading, number
        above = headings


def _fits(words: Sequence[str]) -> bool:
    return 0 < len(words) <= LONGEST_NAME


def runs(words: Sequence[str]) -> set[str]:
    """Return every run of words that may be a name, spaced."""
    return {
        " ".join(words[start:stop])
        for start in range(len(words))
        for stop in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1)
    }
