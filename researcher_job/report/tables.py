"""Quotes that are rows of a table, put back under the heads of their columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from research_contract.records import Evidence
from researcher_job.evidence.excerpts import TextOf

MOST_CELLS = 12
"""Tables with more columns are shown as quotes: nobody can read them across."""

_MOST_LINES_ABOVE = 2_000
_RULE = re.compile(r"[\s|:+-]*--[\s|:+-]*")
_BAR = re.compile(r"(?<!\\)\s*\|\s*")


@dataclass(frozen=True)
class Row:
    """A quoted row: its cells as they stand, and the quote."""

    cells: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True)
class Table:
    """Rows of one table that were quoted, below its heads."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(found: Sequence[Evidence], text_of: TextOf) -> tuple[Table, ...]:
    """Return the tables whose rows are among ``found``, in the order of their best row."""
    grouped: dict[tuple[str, int], tuple[tuple[str, ...], list[Row]]] = {}
    for item in found:
        cells = cells_of(item.quote, item.uri)
        if not cells:
            continue
        at, heads = _heads(text_of(item.snapshot), item, len(cells))
        if heads and heads != cells:
            grouped.setdefault((item.snapshot, at), (heads, []))[1].append(Row(cells, item))
    return tuple(Table(heads, tuple(rows)) for heads, rows in grouped.values())


def cells_of(line: str, uri: str = "") -> tuple[str, ...]:
    """Return the cells of one row of a table; none where the line is no row."""
    said = line.strip()
    if "\n" in said or not said:
        return ()
    if "\t" in said:
        cells = [cell.strip() for cell in said.split("\t")]
    elif "|" in said:
        cells = _BAR.split(said.removeprefix("|").removesuffix("|").strip())
    elif uri.lower().endswith(".csv"):
        cells = [cell.strip() for cell in next(csv.reader([said], strict=False), [])]
    else:
        return ()
    return tuple(cells) if 2 <= len(cells) <= MOST_CELLS else ()


def _heads(text: str, item: Evidence, width: int) -> tuple[int, tuple[str, ...]]:
    """Return where the table of this row begins and what its first row says."""
    if text[item.start : item.end] != item.quote:
        return 0, ()
    at = text.rfind("\n", 0, item.start) + 1
    first = at
    heads: tuple[str, ...] = ()
    for _ in range(_MOST_LINES_ABOVE):
        line = text[at : end if (end := text.find("\n", at)) >= 0 else len(text)]
        cells = cells_of(line, item.uri)
        if not _RULE.fullmatch(line) and len(cells) != width:
            break
        if len(cells) == width and not _RULE.fullmatch(line):
            first, heads = at, cells
        if at == 0:
            break
        at = text.rfind("\n", 0, at - 1) + 1
    return first, heads
