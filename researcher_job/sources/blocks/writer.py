"""Composes the text of a document from its elements, for formats that are no text themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from researcher_job.sources.blocks.plain import plain_units
from researcher_job.sources.blocks.structure import blocks_of
from researcher_job.sources.blocks.units import Cell, Unit, UnitKind
from researcher_job.sources.document import ContextKind, Document, Inside, Reason, Unreadable, clean

MAX_TEXT = 100_000_000
"""Characters; a file of 50 MB that says more than this says the same again and again."""

SEPARATOR = " | "
"""Between the cells of a row."""


@dataclass(eq=False)
class DocumentWriter:
    """Appends elements in reading order and remembers where each one stands.

    Every method may raise ``Unreadable``: the text would be longer than ``most`` characters.
    ``place`` says where an element stands (``page 3``) besides the headings above it. ``gaps`` and
    ``inside`` are those of the document.
    """

    most: int = MAX_TEXT
    _parts: list[str] = field(default_factory=list, init=False)
    _length: int = field(default=0, init=False)
    _last: UnitKind | None = field(default=None, init=False)
    _carried: dict[int, Cell] = field(default_factory=dict, init=False)
    _begins: bool = field(default=False, init=False)
    units: list[Unit] = field(default_factory=list, init=False)
    gaps: list[str] = field(default_factory=list, init=False)
    inside: list[Inside] = field(default_factory=list, init=False)

    def add(
        self,
        kind: UnitKind,
        text: str,
        *,
        place: str = "",
        level: int = 1,
        gives: ContextKind | None = None,
    ) -> None:
        """Append an element with ``text``; nothing where it is blank."""
        said = clean(text).strip()
        if said:
            start = self._append(said, kind)
            self.units.append(Unit(kind, start, start + len(said), level, place, gives=gives))

    def add_text(self, text: str, *, place: str = "") -> None:
        """Append plain text, whose elements are told by how its lines look."""
        said = clean(text).strip("\n")
        if said.strip():
            start = self._append(said, "paragraph")
            self.units += (
                unit.moved(start) for unit in plain_units(said, 0, len(said), place=lambda _: place)
            )

    def add_row(
        self,
        cells: Sequence[str | None],
        *,
        place: str = "",
        head: bool = False,
        first: bool = False,
        leads: bool = False,
    ) -> None:
        """Append a row of a table; ``head`` where it names the columns, ``first`` in its table.

        ``leads`` makes it the lead-in of the others: it may name the columns, or may not.

        A cell of ``None`` is covered by the one above it, which is merged with it.
        """
        if first:
            self._carried, self._begins = {}, True
        said = {
            column: " ".join(clean(cell).split()).replace(SEPARATOR, "|")
            for column, cell in enumerate(cells)
            if cell is not None
        }
        filled = [column for column, cell in said.items() if cell]
        if not filled:
            return
        columns = [c for c in said if filled[0] <= c <= filled[-1]]
        start = self._append(SEPARATOR.join(said[column] for column in columns), "row")
        row: list[Cell] = []
        place_of = start
        for column in range(len(cells)):
            if column in columns:
                row.append(Cell(column, place_of, place_of + len(said[column])))
                place_of += len(said[column]) + len(SEPARATOR)
            elif cells[column] is None and (above := self._carried.get(column)):
                row.append(above._replace(carried=True))
        self._carried = {cell.column: cell._replace(carried=False) for cell in row}
        end = self._length
        kind: UnitKind = "head" if head else "row"
        gives: ContextKind | None = "lead_in" if leads else None
        unit = Unit(
            kind, start, end, place=place, cells=tuple(row), gives=gives, first=self._begins
        )
        self.units.append(unit)
        self._begins = False

    def _append(self, said: str, kind: UnitKind) -> int:
        if self._length + len(said) > self.most:
            raise Unreadable(Reason.INFLATED)
        together = kind == self._last and kind in ("item", "row", "field")
        gap = "" if not self._parts else "\n" if together else "\n\n"
        self._last = kind
        self._parts += [gap, said]
        start = self._length + len(gap)
        self._length = start + len(said)
        return start

    def document(self, title: str) -> Document:
        """Return what was composed.

        Raises:
            Unreadable: there is no text besides headings.
        """
        text = "".join(self._parts)
        blocks = list(blocks_of(text, self.units))
        if all(block.kind == "heading" for block in blocks) and not self.inside:
            raise Unreadable(Reason.EMPTY)
        return Document(title, text, blocks, tuple(self.gaps), tuple(self.inside))
