"""Divides a passage into sentences, list items, table rows, fields and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from research_contract.text.splitting import split

MAX_LENGTH = 600
"""Characters of a sentence; a longer one is cut at the end of a clause."""

MIN_LENGTH = 20
_MIN_DENSE = 6
"""Least length in scripts that write a word in one or two characters."""

_MIN_WORDS = 2

Kind = Literal["prose", "item", "row", "field", "code"]


@dataclass(frozen=True)
class Sentence:
    """A sentence, list item, table row, field or piece of code: ``passage[start:end]``."""

    start: int
    end: int
    kind: Kind


_FENCE = re.compile(r"\s*(?:```|~~~)")
_ITEM = re.compile(r"\s*(?:>\s*)*(?:[-*+•–]|\d{1,3}[.)]|\(?[a-z]\))\s+(?:\[[ xX]\]\s+)?")
_FIELD = re.compile(r"(?:[A-Z][\w-]*|:[\w -]+): ?\S")
_ROW = re.compile(r"\s*\|.*\|.*|.* \| .*|[^\t\n]*\t\s*+.+")
_RULE = re.compile(r"[\s|:=\-_*~+#.^]*")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_MARKUP = re.compile(r"\s*(?:</?[A-Za-z!]|\.\. [\w|-]|:\w+:\s|\[[^\]]+\]:\s|!\[|\[!\[)")
_LINKS = re.compile(r"!\[[^\]\[]*\]\([^()]*\)|\]\([^()]*\)|https?://\S+|<[^<>]{1,200}>")
_WORD = re.compile(r"[^\W\d_]{2,}")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

_CLAUSE = re.compile(r"[;:,–—]\s|\s")


def sentences(passage: str) -> list[Sentence]:
    """Return the sentences of ``passage`` in order, without headings, badges, rules and links.

    Prose may continue over line ends; a list item, a table row and a ``Name: value`` field end with
    their line. The marker of a list item is not part of it.
    """
    found: list[Sentence] = []
    for start, end, kind in _paragraphs(passage):
        if kind == "code":
            found.append(Sentence(start, min(end, start + MAX_LENGTH), "code"))
            continue
        for begin, stop in split(passage, start, end):
            found += [Sentence(*part, kind) for part in _cut(passage, begin, stop)]
    return [one for one in found if one.kind == "code" or _says_something(passage, one)]


_Shape = Literal["prose", "item", "row", "field", "code", "blank"]


def _paragraphs(passage: str) -> Iterator[tuple[int, int, Kind]]:
    """Yield start, end and kind of each group of lines that belong together."""
    open_at, end = -1, 0
    kind: Kind = "prose"
    for start, stop, shape in _lines(passage):
        joins = (shape == "prose" and kind in ("prose", "item")) or shape == kind == "code"
        if open_at >= 0 and not joins:
            yield open_at, end, kind
            open_at = -1
        if shape == "blank":
            continue
        if open_at < 0:
            open_at, kind = start, shape
        end = stop
    if open_at >= 0:
        yield open_at, end, kind


def _lines(passage: str) -> Iterator[tuple[int, int, _Shape]]:
    """Yield start, end and shape of each line; lines that are never quoted count as blank."""
    fenced, start = False, 0
    rows = passage.split("\n")
    for index, row in enumerate(rows):
        stop = start + len(row)
        if _FENCE.match(row):
            fenced = not fenced
            yield start, stop, "blank"
        elif fenced:
            yield start, stop, "code"
        else:
            following = rows[index + 1] if index + 1 < len(rows) else ""
            shape = _shape(row, following)
            marker = _ITEM.match(row) if shape == "item" else None
            yield start + (marker.end() if marker else 0), stop, shape
        start = stop + 1


def _shape(row: str, following: str) -> _Shape:
    if _RULE.fullmatch(row) or _HEADING.match(row) or _MARKUP.match(row):
        return "blank"
    if _ITEM.match(row):
        return "item"
    if _ROW.match(row):
        return "row"
    lonely = not following.strip() or _FIELD.match(following) is not None
    return "field" if lonely and _FIELD.match(row) else "prose"


def _cut(passage: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield ``start`` to ``end`` without surrounding white space, in parts of ``MAX_LENGTH``."""
    while start < end and passage[start].isspace():
        start += 1
    while end > start and passage[end - 1].isspace():
        end -= 1
    while end - start > MAX_LENGTH:
        # Cut behind the last clause that fits, else a word, else at the limit.
        breaks = list(_CLAUSE.finditer(passage, start + MIN_LENGTH, start + MAX_LENGTH))
        clauses = [found for found in breaks if len(found[0]) > 1]
        best = (clauses or breaks)[-1:]
        stop = best[0].end() - 1 if best else start + MAX_LENGTH
        yield start, stop
        start = stop
        while start < end and passage[start].isspace():
            start += 1
    if start < end:
        yield start, end


def _says_something(passage: str, one: Sentence) -> bool:
    """Return whether the text is more than a link, badge, number or single word."""
    text = said(passage[one.start : one.end])
    if len(_DENSE.findall(text)) >= _MIN_DENSE:
        return True
    return one.end - one.start >= MIN_LENGTH and len(_WORD.findall(text)) >= _MIN_WORDS


def said(text: str) -> str:
    """Return ``text`` without addresses, images and tags."""
    return _LINKS.sub(" ", text)
