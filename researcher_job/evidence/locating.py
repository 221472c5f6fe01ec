"""Where words that a model copied stand in a text, word for word."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from research_contract.text import unseen
from researcher_job.sources.blocks.units import Span

_ENDS = " \t\n.,;:!?…\"'()[]"
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)
"""Apostrophes, quotation marks and dashes, each as the one of ASCII."""

_LEFT_OUT = re.compile(f"[\u00ad{unseen.HIDDEN}{unseen.JOINERS}]")
_MOST_WORDS = 2_000
_LEAST_ALIKE = 3


def locate(words: str, text: str) -> Span | None:
    """Return where ``text`` says ``words``; ``None`` if it does not.

    White space, case, width of letters, quotation marks, dashes and letters that nobody sees may
    differ, and punctuation at both ends. The words are whole words of the text.
    """
    whole = _folded(words)[0].strip()
    said, places = _folded(text)
    for wanted in dict.fromkeys((whole, whole.strip(_ENDS))):
        at = said.find(wanted) if wanted.strip(_ENDS) else -1
        while at >= 0:
            end = at + len(wanted)
            if not (_joins(said, at) or _joins(said, end)):
                return Span(places[at], places[end - 1] + 1)
            at = said.find(wanted, end)
    return None


def nearest_words(words: str, text: str) -> str:
    """Return the longest run of ``words`` that ``text`` holds, "" for less than three words."""
    mine, theirs = words.split()[:_MOST_WORDS], text.split()[:_MOST_WORDS]
    same = SequenceMatcher(None, mine, theirs, autojunk=False).find_longest_match()
    return " ".join(theirs[same.b : same.b + same.size]) if same.size >= _LEAST_ALIKE else ""


def _folded(text: str) -> tuple[str, list[int]]:
    """Return ``text`` as it is compared, and the place in ``text`` of each of its letters."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if _LEFT_OUT.match(letter):
            continue
        folded = unicodedata.normalize("NFKC", letter).casefold().translate(_SAME)
        for one in folded:
            blank = one.isspace()
            if blank and (not letters or letters[-1] == " "):
                continue
            letters.append(" " if blank else one)
            places.append(place)
    return "".join(letters), places


def _joins(text: str, at: int) -> bool:
    """Return whether a word goes on at ``at``; scripts without spaces have no such words."""
    around = text[max(0, at - 1) : at + 1]
    return len(around) == 2 and all(
        one.isalnum() and unicodedata.east_asian_width(one) not in "WF" for one in around
    )
