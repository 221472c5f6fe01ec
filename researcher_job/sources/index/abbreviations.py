"""Abbreviations that documents define: ``service level agreement (SLA)``."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORT = r"[A-Z][A-Za-z0-9&./-]{0,8}[A-Z0-9]"
_BEHIND = re.compile(rf"\((?:the )?[\"'“”„]?({_SHORT})[\"'“”]?\)")
_BEFORE = re.compile(rf"\b({_SHORT}) \(([^()\n]{{4,80}})\)")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_LOOKED_AT = 120
"""Characters before an abbreviation in which its words are looked for."""

_ENGLISH = ("a", "and", "for", "in", "of", "on", "the", "to")
_SMALL = frozenset(
    (*_ENGLISH, "de", "der", "des", "die", "du", "en", "et", "für", "la", "le", "und")
)
"""Words that an abbreviation often leaves out."""


def abbreviations(text: str) -> Iterator[tuple[str, str]]:
    """Yield each abbreviation that ``text`` defines with the words that it stands for."""
    for match in _BEHIND.finditer(text):
        before = text[max(match.start() - _LOOKED_AT, 0) : match.start()]
        if words := _standing_for(match[1], before):
            yield match[1], words
    for match in _BEFORE.finditer(text):
        words = match[2].strip()
        if _standing_for(match[1], words) == words:
            yield match[1], words


def _standing_for(short: str, before: str) -> str:
    """Return the last words of ``before`` whose initials make ``short``; "" if none do."""
    wanted = [letter.lower() for letter in short if letter.isalnum()]
    words = list(_WORD.finditer(before))
    at = len(words)
    for letter in reversed(wanted):
        at -= 1
        while at >= 0 and words[at][0].lower() in _SMALL and not _begins(words[at][0], letter):
            at -= 1
        if at < 0 or not _begins(words[at][0], letter):
            return ""
    return before[words[at].start() : words[-1].end()]


def _begins(word: str, letter: str) -> bool:
    return word[0].lower() == letter
