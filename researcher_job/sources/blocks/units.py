"""The elements that readers find in a document, before they are related to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from researcher_job.sources.document import ContextKind

UnitKind = Literal[
    "heading",
    "paragraph",
    "item",
    "head",
    "row",
    "caption",
    "term",
    "description",
    "field",
    "note",
    "code",
]
"""``head`` is a row that names columns; ``field`` is a name with its value (``From: Nia``)."""


class Span(NamedTuple):
    """A part of the text of a document: ``text[start:end]``, counted in code points."""

    start: int
    end: int


class Cell(NamedTuple):
    """A cell of a row: its column, from 0, and its text.

    ``carried`` marks a merged cell that stands in an earlier row and holds for this one, too.
    """

    column: int
    start: int
    end: int
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """An element of a document: ``text[start:end]``.

    ``level`` is that of a heading (1 is the topmost) or the depth of a list item (1 is the
    outermost). ``place`` says where it stands (``page 3``) besides the headings above it.
    ``gives`` makes it context of what follows below the same heading, such as a sender.
    ``first`` marks the row that begins a table.
    """

    kind: UnitKind
    start: int
    end: int
    level: int = 1
    place: str = ""
    cells: tuple[Cell, ...] = ()
    gives: ContextKind | None = None
    first: bool = False

    def moved(self, by: int) -> Unit:
        """Return this element in a text that has ``by`` characters before it."""
        cells = tuple(
            cell._replace(start=cell.start + by, end=cell.end + by) for cell in self.cells
        )
        return replace(self, start=self.start + by, end=self.end + by, cells=cells)
