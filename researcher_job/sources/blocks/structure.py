"""Units related to each other: blocks with the context that is needed to understand them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from research_contract.text.splitting import split
from researcher_job.sources.blocks.units import Cell, Span, Unit, UnitKind
from researcher_job.sources.document import Block, BlockKind, Context, trail

SHORT_LIST = 600
"""Characters up to which a list, with its lead-in, is one block."""

MAX_LENGTH = 1_500
"""Characters of a block; longer ones are cut at the end of a line, a sentence or a word."""

_MAX_LEAD_IN = 300
_MAX_NAME = 120
"""Characters of a heading, lead-in or column head that are kept as context."""

_ANNOUNCES = re.compile(
    r"[:\uff1a]\s*[*_]*$|\b(?:following|as follows|below|folgende\w*|suivante?s?|siguientes?)\b",
    re.IGNORECASE,
)
"""The end of a lead-in, or the word in it that announces a list."""

_OF_TABLES = ("caption", "head", "row")
_QUESTION = re.compile(r"\W*(?:Q|Question|Frage|F)\s?\d*\s?[:.)]\s*\S", re.IGNORECASE)
_ANSWER = re.compile(r"\W*(?:A|Answer|Antwort)\s?\d*\s?[:.)]\s*\S", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:>\s*)*(?:[-*+•–◦▪‣]\s+)?(?:\[[ xX]\]\s+)?")


def blocks_of(text: str, units: Iterable[Unit]) -> Iterator[Block]:
    """Yield the blocks of ``text`` in order, none overlapping; ``units`` are in order, too."""
    structure = _Structure(text)
    for unit in units:
        yield from structure.take(unit)
    yield from structure.end()


class _Structure:
    """The headings, list, table and question in force, and what waits for the next unit."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._headings: list[Span | None] = []
        self._paragraph: Unit | None = None
        self._items: list[Unit] = []
        self._lead: Span | None = None
        self._heads: list[dict[int, Cell]] = []
        self._captions: list[Span] = []
        self._in_table = False
        self._question: Span | None = None
        self._term: Unit | None = None
        self._given: list[Context] = []
        self._given_below = 0
        self._number = 0
        self._take: Mapping[UnitKind, Callable[[Unit], Iterator[Block]]] = {
            "heading": self._heading,
            "paragraph": self._waits,
            "item": self._item,
            "head": self._row,
            "row": self._row,
            "caption": self._caption,
            "term": self._waits,
            "description": self._description,
            "field": self._alone,
            "note": self._alone,
            "code": self._alone,
        }

    def take(self, unit: Unit) -> Iterator[Block]:
        """Yield what is complete, now that ``unit`` follows."""
        if unit.kind != "item":
            yield from self._end_list()
        if unit.first or unit.kind not in ("head", "row"):
            self._heads = []
            if self._in_table or unit.kind not in _OF_TABLES:
                self._captions = []
            self._in_table = unit.first
        if unit.kind != "description":
            yield from self._end_term()
        if unit.kind != "item":
            yield from self._end_paragraph(keep_lead=unit.kind in _OF_TABLES)
        yield from self._take[unit.kind](unit)

    def _waits(self, unit: Unit) -> Iterator[Block]:
        if unit.kind == "term":
            self._term = unit
        else:
            self._paragraph = unit
        yield from ()

    def _caption(self, unit: Unit) -> Iterator[Block]:
        self._captions.append(Span(unit.start, unit.end))
        yield from self._block("paragraph", unit)

    def _alone(self, unit: Unit) -> Iterator[Block]:
        if unit.kind in ("field", "note", "code"):
            yield from self._block(unit.kind, unit)
        if unit.gives:
            self._given.append(Context(unit.gives, unit.start, unit.end))
            self._given_below = len(self._headings)

    def end(self) -> Iterator[Block]:
        """Yield what is left."""
        yield from self._end_list()
        yield from self._end_term()
        yield from self._end_paragraph()

    def _heading(self, unit: Unit) -> Iterator[Block]:
        del self._headings[unit.level - 1 :]
        self._question = None
        if unit.level <= self._given_below:
            self._given = []
        yield from self._block("heading", unit)
        self._headings += [None] * (unit.level - 1 - len(self._headings))
        self._headings.append(Span(unit.start, min(unit.end, unit.start + _MAX_NAME)))

    def _end_paragraph(self, *, keep_lead: bool = False) -> Iterator[Block]:
        """Yield the paragraph that waits; remember the lead-in at its end, if asked to."""
        unit, self._paragraph = self._paragraph, None
        if unit is None:
            self._lead = self._lead if keep_lead else None
            return
        self._lead = self._lead_in(unit) if keep_lead else None
        said = self._text[unit.start : unit.end]
        if _QUESTION.match(said) and "?" in said:
            self._question = Span(unit.start, unit.end)
            yield from self._block("paragraph", unit)
        elif self._question and _ANSWER.match(said):
            yield from self._block("answer", unit)
        else:
            self._question = None
            yield from self._block("paragraph", unit)

    def _lead_in(self, unit: Unit) -> Span | None:
        """Return the last sentence of a paragraph if it announces what follows."""
        ends = list(split(self._text, unit.start, unit.end))
        start, end = ends[-1] if ends else (unit.start, unit.end)
        announces = _ANNOUNCES.search(self._text[start:end].rstrip())
        return Span(start, end) if announces and end - start <= _MAX_LEAD_IN else None

    def _item(self, unit: Unit) -> Iterator[Block]:
        if self._items:
            self._items.append(unit)
            return
        paragraph = self._paragraph
        self._lead = self._lead_in(paragraph) if paragraph else None
        if paragraph and self._lead:
            self._paragraph = None
            before = _stripped(self._text, paragraph.start, self._lead.start)
            if before.end > before.start:
                yield from self._block("paragraph", paragraph, before)
        else:
            yield from self._end_paragraph()
        self._items.append(unit)

    def _end_list(self) -> Iterator[Block]:
        """Yield a short list as one block, a long one in parts that keep its lead-in."""
        items, self._items = self._items, []
        if not items:
            return
        lead, self._lead = self._lead, None
        start = lead.start if lead else items[0].start
        if items[-1].end - start <= SHORT_LIST and (lead or len(items) > 1):
            yield from self._block("list", items[0], Span(start, items[-1].end))
            return
        if lead:
            yield from self._block("paragraph", items[0], lead)
        parents: list[Unit] = []
        for run in _runs(items, self._text):
            while parents and parents[-1].level >= run[0].level:
                parents.pop()
            above = [Context("lead_in", *lead)] if lead else []
            above += [Context("lead_in", *self._without_marker(one)) for one in parents]
            kind: BlockKind = "list" if len(run) > 1 else "item"
            span = Span(run[0].start, run[-1].end)
            if kind == "item":
                span = self._without_marker(run[0])
            yield from self._block(kind, run[0], span, above)
            said = ((one, self._text[one.start : one.end].rstrip("* \n")) for one in run)
            parents += [one for one, text in said if text.endswith((":", "\uff1a"))]

    def _without_marker(self, item: Unit) -> Span:
        marker = _BULLET.match(self._text, item.start, item.end)
        return Span(marker.end() if marker else item.start, item.end)

    def _row(self, unit: Unit) -> Iterator[Block]:
        if unit.kind == "head":
            self._heads.append({one.column: one for one in unit.cells if one.end > one.start})
        context = [Context("caption", *span) for span in self._captions]
        context += [Context("lead_in", *self._lead)] if self._lead else []
        heads = self._heads if unit.kind == "row" else ()
        for cell in unit.cells:
            context += [
                Context("column_head", head.start, head.end, cell.start)
                for row in heads
                if (head := row.get(cell.column))
            ]
            if cell.carried:
                context.append(Context("carried_cell", cell.start, cell.end, cell.start))
        yield from self._block("head" if unit.kind == "head" else "row", unit, context=context)
        if unit.gives:
            self._lead = Span(unit.start, min(unit.end, unit.start + _MAX_LEAD_IN))

    def _description(self, unit: Unit) -> Iterator[Block]:
        term, self._term = self._term, None
        if term is None or term.place != unit.place:
            yield from self._block("paragraph", unit)
        elif unit.end - term.start <= SHORT_LIST:
            yield from self._block("definition", term, Span(term.start, unit.end))
        else:
            yield from self._block("heading", term)
            yield from self._block(
                "definition", unit, context=[Context("term", term.start, term.end)]
            )

    def _end_term(self) -> Iterator[Block]:
        term, self._term = self._term, None
        if term is not None:
            yield from self._block("paragraph", term)

    def _block(
        self,
        kind: BlockKind,
        unit: Unit,
        span: Span | None = None,
        context: Sequence[Context] = (),
    ) -> Iterator[Block]:
        """Yield ``span`` of ``unit``, cut where it is too long, below the headings in force."""
        start, end = _stripped(self._text, *(span or Span(unit.start, unit.end)))
        if start >= end:
            return
        self._number += 1
        above = [Context("heading", *one) for one in self._headings if one]
        if kind != "field":
            above += self._given
        if self._question and kind == "answer":
            above.append(Context("question", *self._question))
        spans = [*self._headings, *([Span(start, end)] if kind == "heading" else [])]
        named = [self._text[one.start : one.end][:_MAX_NAME] for one in spans if one]
        if named and unit.place.startswith(named[-1]):  # a slide without a title
            named.pop()
        said = [trail([" ".join(name.split()) for name in named]), unit.place]
        locator = ", ".join(filter(None, said)) or f"paragraph {self._number}"
        for part in _cut(self._text, start, end):
            own = (one for one in context if one.cell < start or one.cell in range(*part))
            yield Block(kind, *part, locator, (*above, *own))


def _runs(items: Sequence[Unit], text: str) -> Iterator[list[Unit]]:
    """Yield the items in runs of one level, each no longer than a short list.

    An item that announces those below it ends its run.
    """
    run: list[Unit] = []
    for item in items:
        closes = run and (
            item.end - run[0].start > SHORT_LIST
            or item.level != run[-1].level
            or text[run[-1].start : run[-1].end].rstrip().endswith(":")
        )
        if closes:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > MAX_LENGTH:
        stop = _break(text, start, start + MAX_LENGTH)
        yield _stripped(text, start, stop)
        start = _stripped(text, stop, end).start
    if start < end:
        yield Span(start, end)


def _break(text: str, start: int, limit: int) -> int:
    """Return the best place to cut in the second half of what fits."""
    for mark in ("\n\n", "\n", ". ", " "):
        found = text.rfind(mark, start + (limit - start) // 2, limit)
        if found >= 0:
            return found + (1 if mark == ". " else 0)
    return limit
