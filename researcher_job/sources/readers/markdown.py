"""Markdown: its text as it stands, divided by its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from researcher_job.sources.document import Block, Document, Reason, Unreadable, below, trail
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.text import text_document, title_of

_MAX_PARSED = 4_000_000
"""Longer texts (in characters) are read as plain text: parsing is slow, and nobody wrote them."""

_MAX_HEADING = 1_000
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|$)", re.S)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.M)
_MARKUP = re.compile(
    r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])|[*`]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)"
    r"|</?[A-Za-z][^>]*>|\{#[^}]*\}"
)


def read(data: bytes, name: str) -> Document:
    """Read a Markdown file; see ``markdown_document``."""
    return markdown_document(decode(data), title_of(name))


def markdown_document(text: str, title: str = "", *, start: int = 0) -> Document:
    """Divide the Markdown in ``text`` from ``start``; the first heading of level 1 is the title.

    Raises:
        Unreadable: there is nothing below its headings.
    """
    if front := _FRONT_MATTER.match(text, start):
        start = front.end()
        named = _FRONT_TITLE.search(front[1])
        title = named[1] if named else title
    line = text.count("\n", 0, start) + 1
    if len(text) > _MAX_PARSED:
        return text_document(text, title, line=line, start=start)
    blocks = list(_blocks(text, line, start))
    if not blocks:
        raise Unreadable(Reason.EMPTY)
    top = next((block.headings[0] for block in blocks if block.headings), "")
    return Document(title=top if top and not front else title or top, text=text, blocks=blocks)


def _blocks(text: str, line: int, start: int) -> Iterator[Block]:
    source = text[start:]
    offsets = [start, *accumulate((len(row) + 1 for row in source.split("\n")), initial=start)][1:]
    headings: tuple[str, ...] = ()
    tokens = _parse(source)
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        first, last = token.map
        if token.type == "heading_open":
            headings = below(headings, int(token.tag[1:]), _plain(tokens[index + 1].content))
            continue
        begin, end = offsets[first], min(offsets[last] - 1, len(text))
        while end > begin and text[end - 1].isspace():
            end -= 1
        if end > begin:
            yield Block(begin, end, headings, trail(headings) or f"line {line + first}")


def _parse(source: str) -> list[Token]:
    return _parser().parse(source)


@cache
def _parser() -> MarkdownIt:
    """Return the parser; putting one together takes as long as a page of text."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["block"])  # lines are normal already, spans are not needed
    return parser


def _plain(heading: str) -> str:
    """Return a heading's words without links, images, emphasis and tags; names as they are."""
    said = heading[:_MAX_HEADING]  # brackets that are never closed take the square of their number
    return " ".join(_MARKUP.sub(lambda found: found[1] or "", said).split())
