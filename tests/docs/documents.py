"""The documents of this repository, taken apart: code blocks, code spans, tables and links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.repository import ROOT

DOCUMENTS = (
    "README.md",
    "AGENTS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)


@dataclass(frozen=True)
class Fence:
    """A code block: the words behind its three backticks, its text, and what stands above it."""

    place: str
    info: tuple[str, ...]
    text: str
    above: str

    @property
    def language(self) -> str:
        return self.info[0] if self.info else ""


@dataclass(frozen=True)
class Table:
    """A table: under which heading it stands and the code spans of each cell, header included."""

    heading: str
    rows: Sequence[Sequence[Sequence[str]]]

    def column(self, number: int) -> list[str]:
        """Return the code spans of one column, without the header's."""
        return [name for row in self.rows[1:] for name in row[number]]


@cache
def tokens(name: str) -> tuple[Token, ...]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return tuple(MarkdownIt("commonmark").enable("table").parse(text))


def fences(*names: str) -> Iterator[Fence]:
    """Yield the code blocks of these documents (of all, where none is named)."""
    for name in names or DOCUMENTS:
        above = ""
        for token in tokens(name):
            if token.type == "inline":
                above = token.content
            if token.type == "fence":
                line = token.map[0] + 1 if token.map else 0
                yield Fence(f"{name}:{line}", tuple(token.info.split()), token.content, above)


def spans(*names: str) -> Iterator[str]:
    """Yield the code spans of these documents."""
    for name in names or DOCUMENTS:
        for token in tokens(name):
            yield from _spans(token)


def links(name: str) -> Iterator[str]:
    for token in tokens(name):
        for child in token.children or ():
            if child.type == "link_open":
                yield str(child.attrGet("href"))


def tables(name: str) -> Iterator[Table]:
    """Yield the tables of a document."""
    heading = ""
    rows: list[list[list[str]]] = []
    before = ""
    for token in tokens(name):
        if before == "heading_open":
            heading = token.content
        if token.type == "tr_open":
            rows.append([])
        if before in ("th_open", "td_open"):
            rows[-1].append(_spans(token))
        if token.type == "table_close":
            yield Table(heading, rows)
            rows = []
        before = token.type


def commands(*names: str) -> Iterator[tuple[str, str]]:
    """Yield place and text of each command in a ``console`` or ``bash`` block, prompt removed."""
    for fence in fences(*names):
        if fence.language not in ("console", "bash"):
            continue
        whole = fence.text.replace("\\\n", " ")
        for line in whole.splitlines():
            if fence.language == "bash" or line.startswith("$ "):
                yield fence.place, line.removeprefix("$ ").strip()


def _spans(token: Token) -> list[str]:
    return [child.content for child in token.children or () if child.type == "code_inline"]
