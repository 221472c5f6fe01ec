"""Documents divided into passages: what is ranked, and what sentences are taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from researcher_job.sources.document import HIDDEN, Block, Document, trail

TARGET = 900
"""Characters up to which blocks below the same headings share a passage."""

MAX_LENGTH = 1_500
"""Longer blocks are cut, at the end of a line, a sentence or a word where there is one."""

_PLACES = ("page ", "slide ", "sheet ", "row ", "record ", "mail ", "$")


class Part(NamedTuple):
    """A passage as it is indexed: where it stands, and the headings above it."""

    start: int
    end: int
    locator: str
    heading: str


@dataclass(frozen=True)
class Divided:
    """A document's title and text, the text's SHA-256 (hex), and its passages in order."""

    title: str
    text: str
    snapshot: str
    parts: Sequence[Part]


def divided(document: Document) -> Divided:
    """Return ``document`` as it is indexed."""
    parts = [
        Part(part.start, part.end, part.locator, _without(document.title, part.headings))
        for part in divide(document)
    ]
    snapshot = hashlib.sha256(document.text.encode()).hexdigest()
    return Divided(document.title, document.text, snapshot, parts)


def _without(title: str, headings: tuple[str, ...]) -> str:
    """Return the headings' words; a first heading that is the title is weighted as that."""
    return trail(headings[1:] if headings[:1] == (title,) else headings)


def divide(document: Document) -> Iterator[Block]:
    """Yield the passages of ``document`` in order, each as a block with its first locator."""
    held: Block | None = None
    for block in document.blocks:
        if held is not None and not _joins(held, block):
            yield from _cut(document.text, held)
            held = None
        held = block if held is None else _joined(held, block)
    if held is not None:
        yield from _cut(document.text, held)


def _joins(held: Block, block: Block) -> bool:
    same_place = held.headings == block.headings and _page(held) == _page(block)
    return same_place and block.end - held.start <= TARGET


def _page(block: Block) -> str:
    """Return the locator of a place of its own (a page, slide, row, hidden text), else nothing."""
    place = block.locator.split(", line ")[0]  # lines of one mail may share a passage
    return place if place.startswith(_PLACES) or place.endswith(HIDDEN) else ""


def _joined(held: Block, block: Block) -> Block:
    return Block(held.start, block.end, held.headings, held.locator)


def _cut(text: str, block: Block) -> Iterator[Block]:
    start = block.start
    while block.end - start > MAX_LENGTH:
        stop = _break(text, start, start + MAX_LENGTH)
        yield Block(start, stop, block.headings, block.locator)
        start = stop
        while start < block.end and text[start].isspace():
            start += 1
    if start < block.end:
        yield Block(start, block.end, block.headings, block.locator)


def _break(text: str, start: int, limit: int) -> int:
    """Return the best place to cut in the second half of what fits."""
    for mark in ("\n\n", "\n", ". ", " "):
        found = text.rfind(mark, start + (limit - start) // 2, limit)
        if found >= 0:
            return found + (1 if mark == ". " else 0)
    return limit
