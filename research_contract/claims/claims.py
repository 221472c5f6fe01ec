"""Divides a draft into claims: sentences that state something, each with the quotes that it cites.

A citation is ``[3]``, ``[1, 2]`` or ``[1-3]``, before or behind the full stop, also as a link.
Headings, code, rules and lists of sources are no claims; list items and table rows are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from research_contract.text.splitting import split
from research_contract.text.tokens import Term, capitals_mark_names, terms

MAX_CLAIMS = 1_000
"""Claims of one draft that are returned."""

MAX_CLAIM = 2_000
"""Characters of one sentence that are compared; the rest is cut."""

MAX_RANGE = 50
"""Numbers that a range such as ``[1-9]`` may cite."""

_CITATION = re.compile(
    r"\\?\[\^?\s*(\d{1,6}(?:\s*(?:[,;]|[-–])\s*\d{1,6})*)\s*\\?\](?:\([^()\s]{0,500}\))?"
)
_CITATIONS = re.compile(rf"(?:(?<!\s)\s*+{_CITATION.pattern})+")
_ITEM = re.compile(r"^\s*(?:>\s?)*(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:\[[ xX]\]\s+)?")
_NO_CLAIM = re.compile(r"^\s*+(?:#{1,6}\s|[-=*_]{3,}+\s*$|[:|-][\s:|-]*+$|\[\^?\d{1,6}\]:?\s|<)")
_UNDERLINE = re.compile(r"^\s*(?:={3,}|-{3,})\s*$")
_BOLD_LINE = re.compile(r"^\s*(?:\*\*|__)[^*_]*[^*_.!](?:\*\*|__):?\s*$")
_RULE = re.compile(r"^\s*[|:-][\s|:-]*$")
_MARKUP = re.compile(r"[*_`~]{1,3}(?=\S)|(?<=\S)[*_`~]{1,3}(?=\W|$)|!?\[([^\]\[]*)\]\([^()\s]*\)")
_MAX_NESTING = 8
"""Levels of nested Markdown that are removed."""

_SOURCES = re.compile(
    r"^\W*(?:sources|references|citations|quellen|literatur|bibliography)\W*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Claim:
    """A sentence that states something; ``cites`` are the numbers that it cites, in order."""

    text: str
    cites: tuple[int, ...]
    terms: tuple[Term, ...]


def claims(draft: str) -> list[Claim]:
    """Return the claims of ``draft`` in order, at most ``MAX_CLAIMS``."""
    found: list[Claim] = []
    for block in _blocks(draft):
        for sentence in _sentences(block):
            text = without_markup(sentence)[:MAX_CLAIM].strip()
            numbers: dict[int, None] = {}
            for citation in _CITATION.finditer(sentence):
                for part in re.split("[,;]", "".join(citation[1].split())):
                    first, _, last = part.replace("–", "-").partition("-")
                    end = int(last.split("-")[0]) if last else int(first)
                    end = min(end, int(first) + MAX_RANGE)
                    numbers.update(dict.fromkeys(range(int(first), end + 1)))
            claim = Claim(text, tuple(numbers), terms(text))
            if text and _states_something(claim):
                found.append(claim)
            if len(found) == MAX_CLAIMS:
                return found
    return found


def without_markup(text: str) -> str:
    """Return ``text`` on one line, without citations and Markdown."""
    for _ in range(_MAX_NESTING):
        before, text = text, _MARKUP.sub(r"\1", _CITATIONS.sub("", text)).strip(" \t\n|")
        if text == before:
            break
    return " ".join(text.split())


def _states_something(claim: Claim) -> bool:
    """Return whether a sentence is a claim: no question, and not only connecting words.

    Without a citation, a figure, date or name makes it one, however short it is.
    """
    if claim.text.rstrip("\"'”\u2019»)*_ ").endswith(("?", "？")):
        return False
    content = [term for term in claim.terms if term.matters]
    if claim.cites:
        return bool(content)
    if any(term.quantity for term in content):
        return True
    if claim.text.endswith(":"):
        return False
    if any(term.kind == "name" for term in content):
        return True
    telling = {term.key for term in content if term.kind != "common"}
    if not capitals_mark_names(claim.text):  # German, where names look like other nouns
        return len(content) >= 2 and bool(telling)
    return len(content) >= 3 and len(telling) >= 2


def _blocks(draft: str) -> Iterator[str]:
    """Yield paragraphs, list items and table rows, each on one line, up to the list of sources."""
    block: list[str] = []
    quoting = False
    lines: list[str] = []  # those of fenced code are empty
    fenced = False
    for line in draft.splitlines():
        fence = line.lstrip().startswith(("```", "~~~"))
        lines.append("" if fenced or fence else line)
        fenced = fenced != fence
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        if _SOURCES.match(line):
            break
        is_heading = any(
            (
                _NO_CLAIM.match(line),
                _BOLD_LINE.match(line),
                _UNDERLINE.match(following),
                "|" in line and _RULE.match(following),
            )
        )
        was_quoting, quoting = quoting, line.lstrip().startswith(">")
        item = _ITEM.match(line)
        begins_block = "|" in line or not line.strip(" >") or (item and item[0].strip(" >"))
        if is_heading or begins_block or quoting != was_quoting:
            yield " ".join(block)
            block = []
        if not is_heading:
            block.append(_ITEM.sub("", line))
    yield " ".join(block)


def _sentences(block: str) -> Iterator[str]:
    """Yield the sentences of a block, each with the citations behind its full stop."""
    pending = ""
    for start, end in split(block):
        piece = block[start:end].strip()
        citations = _CITATIONS.match(piece)
        belongs_before = citations[0] if citations and pending else ""
        if pending:
            yield f"{pending} {belongs_before}"
        pending = piece[len(belongs_before) :].strip()
    if pending:
        yield pending
