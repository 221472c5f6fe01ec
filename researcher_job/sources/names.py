"""Titles of documents and headings of sections, as other texts would mention them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from researcher_job.sources.passages import Divided
from researcher_job.words import stems

LONGEST_NAME = 8
"""Words; what has more is a sentence that nobody repeats."""

_QUALIFIED = re.compile(r"\s*\([^()]*\)\s*$")
"""What tells titles of the same name apart: ``Mercury (planet)`` is mentioned as Mercury."""

_BELOW = " > "


def names(documents: Sequence[Divided]) -> Iterator[list[tuple[str, int]]]:
    """Yield the names in each document: their stems, spaced, and the part that each begins.

    Many documents at a time, since asking for stems takes long and is done once for all.
    """
    titles = [list(_titles(document)) for document in documents]
    both = [
        text
        for of_one in titles
        for title, _ in of_one
        for text in (title, _QUALIFIED.sub("", title))
    ]
    found = iter(stems(both))
    for of_one in titles:
        yield [(words, part) for _, part in of_one for words in _spaced(next(found), next(found))]


def _spaced(*found: Sequence[str]) -> set[str]:
    return {" ".join(words) for words in found if _fits(words)}


def _titles(document: Divided) -> Iterator[tuple[str, int]]:
    if document.title:
        yield document.title, 0
    above: Sequence[str] = ()
    for number, part in enumerate(document.parts):
        headings = part.heading.split(_BELOW)
        for level, heading in enumerate(headings):
            if heading and list(above[: level + 1]) != headings[: level + 1]:
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
