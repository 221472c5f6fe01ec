"""Quotes that are rows of a table, shown as a table with its column headings."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from research_contract.records import Evidence
from researcher_job.evidence.excerpts import SnapshotText

MOST_CELLS = 12
"""A table with more columns is too wide to read, so its rows are shown as quotes."""

_MOST_LINES_ABOVE = 2_000
_RULE = re.compile(r"(?=.*--)[\s|:+-]*")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Row:
    """A quoted row: its cells and the evidence."""

    cells: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True)
class Table:
    """Quoted rows of one table, and its column headings."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(evidence: Sequence[Evidence], snapshot_text: SnapshotText) -> tuple[Table, ...]:
    """Return the tables that have rows among ``evidence``, in the order of their first row."""
    grouped: dict[tuple[str, int], tuple[tuple[str, ...], list[Row]]] = {}
    for item in evidence:
        cells = cells_of(item.quote, item.uri)
        if not cells:
            continue
        start, heads = _find_heads(snapshot_text(item.snapshot), item, len(cells))
        if heads and heads != cells:
            grouped.setdefault((item.snapshot, start), (heads, []))[1].append(Row(cells, item))
    return tuple(Table(heads, tuple(rows)) for heads, rows in grouped.values())


def cells_of(line: str, uri: str = "") -> tuple[str, ...]:
    """Return the cells of a table row; an empty tuple if the line is not a row."""
    row = line.strip()
    if "\n" in row or not row:
        return ()
    if "\t" in row:
        cells = [cell.strip() for cell in row.split("\t")]
    elif "|" in row:
        cells = [cell.strip() for cell in _BAR.split(row.removeprefix("|").removesuffix("|"))]
    elif uri.lower().endswith(".csv"):
        cells = [cell.strip() for cell in next(csv.reader([row], strict=False), [])]
    else:
        return ()
    return tuple(cells) if 2 <= len(cells) <= MOST_CELLS else ()


def _find_heads(text: str, item: Evidence, width: int) -> tuple[int, tuple[str, ...]]:
    """Return the start of the table that contains this row, and the cells of its first row.

    The table extends upwards as long as the lines have ``width`` cells or are ruled lines.
    """
    if text[item.start : item.end] != item.quote:
        return 0, ()
    position = text.rfind("\n", 0, item.start) + 1
    start = position
    heads: tuple[str, ...] = ()
    for _ in range(_MOST_LINES_ABOVE):
        line = text[position : end if (end := text.find("\n", position)) >= 0 else len(text)]
        cells = cells_of(line, item.uri)
        if not _RULE.fullmatch(line) and len(cells) != width:
            break
        if len(cells) == width and not _RULE.fullmatch(line):
            start, heads = position, cells
        if position == 0:
            break
        position = text.rfind("\n", 0, position - 1) + 1
    return start, heads
