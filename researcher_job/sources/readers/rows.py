"""Rows of tables as sentences: ``Country: Norway; Allowance: 80 euro a day``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

MAX_COLUMNS = 500
"""Cells further right are left out; nobody wrote them by hand."""

MAX_HEADER = 100
_NUMBER = re.compile(r"[\s\d.,:%€$£/()+-]*\d[\s\d.,:%€$£/()+-]*")


def said_rows(rows: Iterable[Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each row that says something.

    Where the first such row names the columns, it is not yielded, and each value stands behind
    its column's name.
    """
    headers: list[str] | None = None
    for number, row in enumerate(rows, start=1):
        cells = [" ".join(cell.split()) for cell in row[:MAX_COLUMNS]]
        if not any(cells):
            continue
        if headers is None:
            headers = cells if is_header(cells) else []
            if headers:
                continue
        yield number, said_row(headers, cells)


def is_header(cells: Sequence[str]) -> bool:
    """Whether ``cells`` name columns: at least two names, all different, none a number."""
    named = [cell for cell in cells if cell]
    return (
        len(named) > 1
        and len(set(named)) == len(named)
        and all(len(cell) <= MAX_HEADER and not _NUMBER.fullmatch(cell) for cell in named)
    )


def said_row(headers: Sequence[str], cells: Sequence[str]) -> str:
    """Return ``cells`` as one line, each behind its header where there is one."""
    named = [*headers, *[""] * (len(cells) - len(headers))]
    return "; ".join(
        f"{header}: {cell}" if header else cell
        for header, cell in zip(named, cells, strict=False)
        if cell
    )
