"""Markdown: its text as it stands, divided by its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from researcher_job.sources.blocks.plain import plain_units
from researcher_job.sources.blocks.structure import blocks_of
from researcher_job.sources.blocks.units import Unit
from researcher_job.sources.document import Document, Reason, Unreadable
from researcher_job.sources.readers.decoding import decode
from researcher_job.sources.readers.text import line_of, text_document, title_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAX_PARSED = 4_000_000
"""Longer texts (in characters) are read as plain text: parsing is slow, and nobody wrote them."""

_MAX_HEADING = 1_000
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|$)", re.S)
_FRONT_TITLE = re.compile(r"^title:(.+)", re.M)
_PLAIN_START = (
    r"(?:[^\W\d_]|[\"'(!$&@/.%{]|\*{1,2}[^\W_]|_{1,2}[^\W_]|`{1,2}[^`\n]|\d+(?![\d.)])"
    r"|\[[^\]\[\\\n]*\]\()"
)
"""How a line begins that starts nothing but a paragraph, by the rules of CommonMark 0.31."""

_PARAGRAPH = re.compile(rf"(?:{_PLAIN_START}[^\n]*(?:\n|\Z))+(?=[ \t]*(?:\n|\Z)|#{{1,6}}[ \t])")
_HEADING = re.compile(r"(#{1,6})[ \t]+([^\n]*[^\s#])[ \t]*(?:\n|\Z)")
_BLANK = re.compile(r"(?:[ \t]*\n)+|[ \t]+\Z")
_CLOSED = re.compile(rf"\n[ \t]*\n(?=#{{1,6}}[ \t]|{_PLAIN_START})")
"""Where all is closed that was begun before, but for code between fences and some HTML."""

_AFTER = "\n\nx"
_CLOSING = [("paragraph_open", 0, ""), ("inline", 1, "x"), ("paragraph_close", 0, "")]
"""A paragraph, and its tokens, which stand behind a text only where all of it is closed."""

_MARKUP = re.compile(
    r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])|[*`]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)"
    r"|</?[A-Za-z][^>]*>|\{#[^}]*\}"
)


def read(data: bytes, name: str) -> Document:
    """Read a Markdown file; see ``markdown_document``."""
    return markdown_document(decode(data), title_of(name))


class Piece(NamedTuple):
    """A block, ``text[start:stop]``; of a heading its level (1 to 6) and what it says."""

    start: int
    stop: int
    level: int = 0
    heading: str = ""


def markdown_document(text: str, title: str = "", *, start: int = 0) -> Document:
    """Divide the Markdown in ``text`` from ``start``; the first heading of level 1 is the title.

    Raises:
        Unreadable: there is nothing below its headings.
    """
    if front := _FRONT_MATTER.match(text, start):
        start = front.end()
        named = _FRONT_TITLE.search(front[1])
        title = (named[1].strip().strip("\"'") if named else "") or title
    line = text.count("\n", 0, start) + 1
    if len(text) > _MAX_PARSED:
        return text_document(text, title, line=line, start=start)
    units = list(_units(text, line, start))
    blocks = list(blocks_of(text, units))
    if all(block.kind == "heading" for block in blocks):
        raise Unreadable(Reason.EMPTY)
    top = next((_plain(text[one.start : one.end]) for one in units if one.kind == "heading"), "")
    return Document(title=top if top and not front else title or top, text=text, blocks=blocks)


def _units(text: str, line: int, start: int) -> Iterator[Unit]:
    below_heading = False
    place = line_of(text, start, line)
    for begin, stop, level, heading in pieces(text, start):
        if level:
            at = text.find(heading.split("\n")[0], begin, stop)
            yield Unit("heading", max(at, begin), max(at, begin) + len(heading), level)
            below_heading = True
        elif below_heading:
            yield from plain_units(text, begin, stop)
        else:
            yield from plain_units(text, begin, stop, place=place)


def pieces(text: str, start: int = 0) -> Iterator[Piece]:
    """Yield the blocks at the top level of the Markdown in ``text`` from ``start``.

    Paragraphs and headings that can be nothing else are seen by how their lines begin, a hundred
    times as fast as the parser sees them. It is given the rest.
    """
    place = start
    while place < len(text):
        if (found := _BLANK.match(text, place)) is not None:
            place = found.end()
        elif (found := _PARAGRAPH.match(text, place)) is not None:
            yield Piece(place, found.end())
            place = found.end()
        elif (found := _HEADING.match(text, place)) is not None:
            yield Piece(place, found.end(), len(found[1]), found[2])
            place = found.end()
        else:
            stop, tokens = _parsed(text, place)
            lines = text[place:stop].split("\n")
            offsets = [*accumulate((len(row) + 1 for row in lines), initial=place)]
            for index, token in enumerate(tokens):
                if token.level or token.map is None:
                    continue
                first, last = token.map
                heading = token.type == "heading_open"
                yield Piece(
                    offsets[first],
                    min(offsets[last] - 1, len(text)),
                    int(token.tag[1:]) if heading else 0,
                    tokens[index + 1].content if heading else "",
                )
            place = stop


def _parsed(text: str, start: int) -> tuple[int, list[Token]]:
    """Parse from ``start`` to where all is closed; return that place and the tokens up to it.

    Each time it is not, twice as many places are passed over, so that all of it takes no longer
    than twice the last time.
    """
    stop, passed = start, 1
    while True:
        for _ in range(passed):
            found = _CLOSED.search(text, stop)
            stop = found.end() if found else len(text)
        if stop >= len(text):
            return len(text), _parser().parse(text[start:])
        tokens = _parser().parse(text[start:stop].rstrip("\n \t") + _AFTER)
        if [(token.type, token.level, token.content) for token in tokens[-3:]] == _CLOSING:
            return stop, tokens[:-3]
        passed *= 2


@cache
def _parser() -> MarkdownIt:
    """Return the parser; loading it and putting one together takes as long as many pages."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["block"])  # lines are normal already, spans are not needed
    return parser


def _plain(heading: str) -> str:
    """Return a heading's words without links, images, emphasis and tags; names as they are."""
    said = heading[:_MAX_HEADING]  # brackets that are never closed take the square of their number
    return " ".join(_MARKUP.sub(lambda found: found[1] or "", said).split())
