"""Documents divided into passages: what is ranked, and what sentences are taken from."""

from __future__ import annotations

from collections.abc import Iterator

from researcher_job.sources.document import Block, Document

TARGET = 900
"""Characters up to which blocks below the same headings share a passage."""

MAX_LENGTH = 1_500
"""Longer blocks are cut, at the end of a line, a sentence or a word where there is one."""

_PLACES = ("page ", "slide ", "sheet ", "row ", "record ", "mail ", "$")


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
    """Return the locator of a place of its own (a page, slide, row, record), else nothing."""
    return block.locator if block.locator.startswith(_PLACES) else ""


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
