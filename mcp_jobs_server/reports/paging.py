"""Divides a long text into pages that end on a paragraph and say that they are pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcp_jobs_server.core.errors import InvalidArgument
from research_contract.text.safe import closing, whole_escapes

_CURSOR = re.compile(
    r"([a-z2-7]{6})\.([a-z]{1,12})\.(\d{1,6})\.(\d{1,6})(?:\.(\d{1,15}))?", re.ASCII
)

QUOTED = "> "
"""Mark at the beginning of a line of a quote."""

_MARKS = 4
"""Characters by which the marks that close a divided line make it longer."""


@dataclass(frozen=True)
class TextPage:
    """One page: its text, its number from 1, the number of pages, and the cursor of the next.

    ``stretch`` says which part of a long text the pages belong to; "" for all of it.
    """

    text: str
    number: int
    count: int
    next_cursor: str | None
    stretch: str = ""

    @property
    def label(self) -> str:
        """Which page this is, and whether it is the whole text."""
        if self.count == 1 and not self.stretch:
            return "1 of 1"
        return f"{self.number} of {self.count}{self.stretch}, not the whole text"


@dataclass(frozen=True)
class Place:
    """The content of a cursor: part, page from 0, and the page size for which it was issued.

    ``start`` is the byte of the file from which on its pages are counted.
    """

    part: str
    page: int
    size: int
    start: int = 0

    def text(self, job_id: str) -> str:
        """Return the cursor as callers see it."""
        start = f".{self.start}" if self.start else ""
        return f"{job_id[-6:]}.{self.part}.{self.page}.{self.size}{start}"


def parse_cursor(cursor: str, *, job_id: str, part: str, size: int) -> Place:
    """Return the place that ``cursor`` names; an empty one is the first page.

    Raises:
        InvalidArgument: it was not issued for this job and part.
    """
    if not cursor:
        return Place(part=part, page=0, size=size)
    found = _CURSOR.fullmatch(cursor)
    if not found or found[1] != job_id[-6:] or found[2] != part:
        raise not_issued(part)
    return Place(
        part=part, page=int(found[3]), size=max(500, int(found[4])), start=int(found[5] or 0)
    )


def not_issued(part: str) -> InvalidArgument:
    return InvalidArgument(
        f"This cursor was not issued for the part '{part}' of this job.",
        "Leave 'cursor' out to read from the beginning.",
    )


def page_of(
    text: str,
    at: Place,
    *,
    job_id: str,
    notes: Callable[[str], str] = lambda _: "",
    following: int | None = None,
    stretch: str = "",
) -> TextPage:
    """Return the page of ``text`` at ``at``; ``notes`` returns text to append to a page.

    A page with its notes has at most ``at.size`` characters, unless one line is longer. Where the
    text is a stretch of a longer one, more follows from byte ``following`` on.

    Raises:
        InvalidArgument: there is no such page.
    """
    pages = split(text, at.size, notes)
    if at.page >= len(pages):
        raise not_issued(at.part)
    after: Place | None = replace(at, page=at.page + 1)
    if at.page + 1 == len(pages):
        after = replace(at, page=0, start=following) if following else None
    return TextPage(
        text=pages[at.page],
        number=at.page + 1,
        count=len(pages),
        next_cursor=after.text(job_id) if after else None,
        stretch=stretch,
    )


def split(text: str, size: int, notes: Callable[[str], str] = lambda _: "") -> list[str]:
    """Return the pages of ``text``, each at most ``size`` characters with its notes."""
    pages: list[str] = []
    page = ""
    noted = 0  # characters of the notes of the page so far; only a citation can change them
    for piece in _pieces(text, size):
        longer = f"{page}\n\n{piece}" if page else piece
        if "[" in piece:
            noted = len(notes(longer))
        if page and len(longer) + noted > size:
            pages.append(page + notes(page))
            page = piece
            noted = len(notes(page))
        else:
            page = longer
    return [*pages, page + notes(page)]


def _pieces(text: str, size: int) -> list[str]:
    """Return the paragraphs of ``text``; those longer than a page are cut at lines or words."""
    pieces: list[str] = []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        rest = paragraph
        while len(rest) > size:
            most = size - _MARKS
            cut = rest.rfind("\n", 0, most)
            if cut > 0:
                pieces.append(rest[:cut])
                rest = rest[cut:].lstrip("\n")
                continue
            cut = rest.rfind(" ", len(QUOTED), most)
            line = whole_escapes(rest[: cut if cut > 0 else most])
            end, begin = _divided(line)
            pieces.append(end)
            rest = begin + rest[len(line) :].lstrip(" ")
        pieces.append(rest)
    return pieces


def _divided(line: str) -> tuple[str, str]:
    """Return the beginning of a long line as the end of a page, and what its rest begins with.

    No words of a document come to stand at the beginning of a line: what was quoted stays quoted.
    """
    open_marks = closing(line)
    code = "`" if "`" in open_marks else ""
    if line.startswith(QUOTED):
        return f"{line}{code}", f"{QUOTED}{code}"
    return f"{line}…{open_marks}", f"{'“' if '”' in open_marks else '… '}{code}"
