"""Tables of rows: titles above them, the row that names the columns, and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from researcher_job.sources.blocks.writer import DocumentWriter
from researcher_job.sources.readers.heartbeat import still_reading

MAX_COLUMNS = 16_384
"""Further columns are left out; nobody wrote them by hand."""

MAX_HEADER = 100
_LOOKED_AT = 24
"""Rows by which it is decided whether the first one names the columns."""

_NUMBER = re.compile(r"[\s.,:%€$£/()+-]*+\d[\s\d.,:%€$£/()+-]*")
_DIGIT = re.compile(r"\d")

Row = Sequence[str | None]


def add_table(
    writer: DocumentWriter,
    rows: Iterable[Row],
    *,
    place: str = "",
    heads: int | None = None,
) -> None:
    """Append a table, which may begin with titles above it.

    ``place`` may hold ``{}`` for the number of the row, from 1. ``heads`` is how many rows name
    the columns; where that is not known, it is told by how the rows differ.
    """
    numbered = iter(enumerate(rows, start=1))
    sample = list(islice(numbered, _LOOKED_AT))
    filled = [(number, row) for number, row in sample if any(row)]
    titles = _titles([row for _, row in filled], named=bool(heads))
    body = filled[titles:]
    for number, row in filled[:titles]:
        said = next(cell for cell in row if cell)
        writer.add("caption", said, place=place.format(number))
    known = [row for _, row in body]
    heads = _heads(known) if heads is None else heads
    # The first row may name the columns, where no figures tell it from others.
    is_long = len(known) > 3 and len(known[0]) > 2
    leads = not heads and is_long and is_header([cell or "" for cell in known[0]])
    for index, (number, row) in enumerate(chain(body, numbered)):
        still_reading()
        writer.add_row(
            row[:MAX_COLUMNS],
            place=place.format(number),
            head=index < heads,
            first=not index,
            leads=leads and not index,
        )


def _titles(rows: Sequence[Row], *, named: bool) -> int:
    """Return how many rows at the top hold one cell only, above rows with several.

    Where the columns are ``named``, a cell further right than all others may be their only name.
    """
    first = min((_first(row) for row in rows), default=0)
    count = 0
    while count < len(rows) and sum(map(bool, rows[count])) == 1 and len(rows[count]) > 1:
        if named and _first(rows[count]) > first:
            break
        count += 1
    return count if any(sum(map(bool, row)) > 1 for row in rows[count:]) else 0


def _first(row: Row) -> int:
    return next((column for column, cell in enumerate(row) if cell), 0)


def _heads(rows: Sequence[Row]) -> int:
    """Return 1 where the first row names the columns, else 0."""
    cells = [cell or "" for cell in rows[0]] if len(rows) > 1 else []
    return int(is_header(cells) and _differs(cells, rows[1:]))


def is_header(cells: Sequence[str]) -> bool:
    """Return whether ``cells`` may name columns: two or more, all different, none a number."""
    named = [cell for cell in cells if cell]
    return (
        len(named) > 1
        and len(set(named)) == len(named)
        and all(len(cell) <= MAX_HEADER and not _NUMBER.fullmatch(cell) for cell in named)
    )


def _differs(head: Sequence[str], rows: Sequence[Row]) -> bool:
    """Return whether a column holds figures below a name without one.

    Where the first column may name the values, nearly all of them must have figures. So it may of
    two columns, and where every other column has none.
    """
    needed = 0.9 if len(head) == 2 else 0.5
    for column, name in enumerate(head):
        below = [row[column] or "" for row in rows if column < len(row) and row[column]]
        figures = sum(_DIGIT.search(cell) is not None for cell in below)
        if not _DIGIT.search(name) and len(below) > 1 and figures >= needed * len(below):
            return True
    return False
