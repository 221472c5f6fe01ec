"""Takes a draft apart: its sentences, which of them claim something, and what each cites.

A mark is ``[3]``, ``[1, 2]`` or ``[1-3]``, behind or before the full stop, also as a link. Of
Markdown, headings, code, rules and lists of sources are no claims; list items and rows are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from research_contract.text.splitting import split
from research_contract.text.tokens import Term, terms

MOST_CLAIMS = 1_000
"""Sentences of one draft that are looked at."""

LONGEST_CLAIM = 2_000
"""Characters of one sentence that are compared; longer ones are cut."""

LONGEST_RANGE = 50
"""Numbers that ``[1-9]`` may stand for."""

_MARK = re.compile(
    r"\\?\[\^?\s*(\d{1,6}(?:\s*(?:[,;]|[-–])\s*\d{1,6})*)\s*\\?\](?:\([^()\s]{0,500}\))?"
)
_MARKS = re.compile(rf"(?:\s*{_MARK.pattern})+")
_LIST = re.compile(r"^\s*(?:>\s?)*(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:\[[ xX]\]\s+)?")
_NO_CLAIM = re.compile(r"^\s*(?:#{1,6}\s|[-=*_]{3,}\s*$|\|?[\s:|-]+\|?\s*$|\[\^?\d{1,6}\]:?\s|<)")
_SETEXT = re.compile(r"^\s*(?:={3,}|-{3,})\s*$")
_BOLD_LINE = re.compile(r"^\s*(?:\*\*|__)[^*_]+(?:\*\*|__):?\s*$")
_MARKUP = re.compile(r"[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}(?=\W|$)|!?\[([^\]\[]*)\]\([^()\s]*\)")
_NESTED = 8
"""How deep Markdown is taken off."""

_SOURCES = re.compile(
    r"^\W*(?:sources|references|citations|quellen|literatur|bibliography)\W*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Claim:
    """A sentence that states something; ``cites`` are the numbers of its marks, in order."""

    text: str
    cites: tuple[int, ...]
    terms: tuple[Term, ...]


def claims(draft: str) -> list[Claim]:
    """Return the claims of ``draft`` in order, at most ``MOST_CLAIMS`` of them."""
    found: list[Claim] = []
    for text, cites in _cited_sentences(draft):
        claim = Claim(text, cites, terms(text))
        if text and _states(claim):
            found.append(claim)
        if len(found) == MOST_CLAIMS:
            break
    return found


def _states(claim: Claim) -> bool:
    """Say whether a sentence states something: no question, no bare connection."""
    if claim.text.rstrip("\"'”\u2019»)*_ ").endswith(("?", "？")):
        return False
    telling = [term for term in claim.terms if term.matters]
    if claim.cites:
        return bool(telling)
    if claim.text.endswith(":"):
        return False
    return len({term.key for term in telling if term.kind != "common"}) >= 2 and len(telling) >= 3


def _cited_sentences(draft: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for block in _blocks(draft):
        for piece in _with_marks(block):
            yield bare(piece)[:LONGEST_CLAIM].strip(), _numbers(piece)


def _blocks(draft: str) -> Iterator[str]:
    """Give the paragraphs, list items and table rows, each on one line, up to the sources."""
    block: list[str] = []
    quoting = False
    lines = list(_outside_code(draft.splitlines()))
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if _SOURCES.match(line):
            break
        heading = _is_heading(line, following)
        was_quoting, quoting = quoting, line.lstrip().startswith(">")
        if heading or _stands_alone(line) or quoting != was_quoting:
            yield " ".join(block)
            block = []
        if not heading:
            block.append(_LIST.sub("", line))
    yield " ".join(block)


def _is_heading(line: str, following: str) -> bool:
    """Say whether a line is no sentence: a heading, a rule, an entry of a list of sources."""
    return any((_NO_CLAIM.match(line), _BOLD_LINE.match(line), _SETEXT.match(following)))


def _stands_alone(line: str) -> bool:
    """Say whether a line does not go on with the one before: an item, a row, an empty one."""
    begins = _LIST.match(line)
    return "|" in line or not line.strip(" >") or bool(begins and begins[0].strip(" >"))


def _outside_code(lines: Sequence[str]) -> Iterator[str]:
    fenced = False
    for line in lines:
        fence = line.lstrip().startswith(("```", "~~~"))
        yield "" if fenced or fence else line
        fenced = fenced != fence


def _with_marks(block: str) -> Iterator[str]:
    """Give the sentences of a block, each with the marks behind its full stop."""
    pending = ""
    for start, end in split(block):
        piece = block[start:end].strip()
        marks = _MARKS.match(piece)
        carried = marks[0] if marks and pending else ""
        if pending:
            yield f"{pending} {carried}"
        pending = piece[len(carried) :].strip()
    if pending:
        yield pending


def bare(text: str) -> str:
    """Return ``text`` on one line, without marks and Markdown."""
    for _ in range(_NESTED):
        before, text = text, _MARKUP.sub(r"\1", _MARKS.sub("", text)).strip(" \t\n|")
        if text == before:
            break
    return " ".join(text.split())


def _numbers(piece: str) -> tuple[int, ...]:
    numbers: dict[int, None] = {}
    for mark in _MARK.finditer(piece):
        for part in re.split(r"\s*[,;]\s*", mark[1]):
            first, _, last = re.sub(r"\s*[-–]\s*", "-", part).partition("-")
            end = int(last.split("-")[0]) if last else int(first)
            numbers.update(
                dict.fromkeys(range(int(first), min(end, int(first) + LONGEST_RANGE) + 1))
            )
    return tuple(numbers)
