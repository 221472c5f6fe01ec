"""Shows a quote with what it needs to be understood, from verbatim parts of its snapshot.

Server, report and verification show the same words, so that what is shown can be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from research_contract.records import Evidence
from research_contract.text.safe import one_line

MOST_SHOWN = 300
"""Characters that are shown of one part of the context."""

_OF_CELLS = frozenset({"column_head", "carried_cell"})
_EDGES = " \t\n|"
_DIVIDERS = (re.compile(r"\t"), re.compile(r" \| "), re.compile(r"(?<!\\)\|"))
"""What divides the cells of a row; the first of these that a row holds."""


class Labelled(NamedTuple):
    """A cell of a row with its column heads, joined by `` > ``; "" for a column without a name."""

    head: str
    value: str

    @property
    def text(self) -> str:
        """The cell as ``Head: value``."""
        return f"{self.head}: {self.value}" if self.head else self.value


def location(item: Evidence) -> str:
    """Return document and locator, without the title if the locator already starts with it."""
    title, locator = item.title, item.locator
    if locator == title or locator.startswith(f"{title} > "):
        return locator
    return ", ".join(text for text in (title, locator) if text)


def context_lines(item: Evidence) -> tuple[str, ...]:
    """Return the context that is shown with a quote, outermost first, each part on one line.

    The headings are one line (``Setup > Linux``), left out where the locator says them. Column
    heads and carried-down cells are shown by ``labelled_row`` where a row has heads.
    """
    spans = [span for span in item.context if span.kind != "column_head"]
    if labelled_row(item):
        spans = [span for span in spans if span.kind != "carried_cell"]
    headings = [one_line(span.text) for span in spans if span.kind == "heading"]
    path = " > ".join(headings)
    lines = [path] if path and path not in item.locator else []
    lines += [one_line(span.text, most=MOST_SHOWN) for span in spans if span.kind != "heading"]
    return tuple(dict.fromkeys(line for line in lines if line))


def context_text(item: Evidence) -> str:
    """Return all words of the context, for comparing them."""
    return " ".join(dict.fromkeys(span.text for span in item.context))


def labelled_row(item: Evidence) -> tuple[Labelled, ...]:
    """Return the cells of a quoted table row, each with its heads, in the order of the columns.

    Empty where the quote is no row, or no head of its columns is known. Cells that are carried
    down from an earlier row are among them, and so is every word of the quote.
    """
    if item.kind != "row" or all(span.kind != "column_head" for span in item.context):
        return ()
    return tuple(cell for cell in _cells(item) if cell.value)


def _cells(item: Evidence) -> Iterator[Labelled]:
    divider = next((one for one in _DIVIDERS if one.search(item.quote)), None)
    spans = [span for span in item.context if span.kind in _OF_CELLS]
    starts = list(dict.fromkeys(span.cell for span in spans))
    own = [start for start in starts if item.start <= start < item.end]
    done = item.start
    for start in starts:
        of_cell = [span for span in spans if span.cell == start]
        head = " > ".join(one_line(span.text) for span in of_cell if span.kind == "column_head")
        carried = [span.text for span in of_cell if span.kind == "carried_cell"]
        if carried:
            yield Labelled(head, one_line(carried[0]))
        elif start in own:
            yield from _unnamed(item, done, start, divider)
            following = min((one for one in own if one > start), default=item.end)
            value, *_ = _divided(item, start, following, divider)
            done = start + len(value)
            yield Labelled(head, one_line(value.strip(_EDGES)))
    yield from _unnamed(item, done, item.end, divider)


def _unnamed(
    item: Evidence, start: int, end: int, divider: re.Pattern[str] | None
) -> Iterator[Labelled]:
    """Yield the cells between two places of a row, which no head is known of."""
    for value in _divided(item, start, end, divider):
        yield Labelled("", one_line(value.strip(_EDGES)))


def _divided(item: Evidence, start: int, end: int, divider: re.Pattern[str] | None) -> list[str]:
    text = item.quote[max(start - item.start, 0) : max(end - item.start, 0)]
    return divider.split(text) if divider else [text]
