"""The words of a text as they are compared: stems, names, negations; numbers and dates apart.

Stemming is light and English; words of other languages keep their form, and runs of scripts
without spaces become pairs of characters. Nothing here knows what a citation is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from research_contract.text.lexicon import COMMON, GERMAN, IRREGULAR, NEGATIONS, STOP
from research_contract.text.quantities import Quantity, quantities

Kind = Literal["word", "common", "name", "number", "stop", "negation"]

_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_TOKEN = re.compile(
    rf"[{_SPACELESS}]+|[^\W_{_SPACELESS}]+(?:['\u2019.&][^\W_{_SPACELESS}]+)*"
    "(?:[\u0300-\u036f\u0590-\u05cf\u0610-\u065f\u0900-\u0fff]+[^\\W_]*)*"
)
_PAIRED = re.compile(f"[{_SPACELESS}]")
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_VOWEL = re.compile("[aeiouy]")

LONGEST_WORD = 60
"""Characters of a word that are looked at; longer runs are no words."""


@dataclass(frozen=True)
class Term:
    """A word, name, number or negation: ``key`` is what is compared, ``text`` how it stands."""

    key: str
    text: str
    kind: Kind
    start: int
    end: int
    quantity: Quantity | None = None

    @property
    def matters(self) -> bool:
        """Say whether a claim states something with it."""
        return self.kind not in ("stop", "negation")


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of ``text`` in order; numbers and dates stand for all their words."""
    numbers = quantities(text)
    taken = [(number.start, number.end) for number in numbers]
    found = [*(_number(number) for number in numbers), *_words(text, taken)]
    return tuple(sorted(found, key=lambda term: (term.start, term.end)))


def _number(number: Quantity) -> Term:
    return Term(number.key, number.text, "number", number.start, number.end, number)


def _words(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Term]:
    """Give the words that are not wholly inside ``taken``, which is in order."""
    spans = iter([*taken, (len(text) + 1, len(text) + 2)])
    start, end = next(spans)
    capitals = names_are_capitalised(text)
    for match in _TOKEN.finditer(text):
        while match.start() >= end:
            start, end = next(spans)
        if match.start() < start or match.end() > end:
            yield from _term(text, match, capitals=capitals)


def _term(text: str, match: re.Match[str], *, capitals: bool) -> Iterator[Term]:
    word = match[0][:LONGEST_WORD]
    start, end = match.span()
    if _PAIRED.match(word):
        for at in range(max(len(word) - 1, 1)):
            yield Term(word[at : at + 2], word[at : at + 2], "word", start + at, start + at + 2)
        return
    lowered = plain(word)
    if lowered in NEGATIONS or lowered.endswith("n't"):
        yield Term("not", word, "negation", start, end)
    elif lowered in STOP or (len(lowered) == 1 and lowered.isascii() and lowered == word):
        yield Term(lowered, word, "stop", start, end)
    else:
        kind = _kind(text, word, lowered, start, capitals=capitals)
        yield Term(stem(lowered), word, kind, start, end)


def _kind(text: str, word: str, lowered: str, start: int, *, capitals: bool) -> Kind:
    if any(map(str.isdigit, word)):
        return "name"
    common = lowered in COMMON or stem(lowered) in COMMON
    if not capitals or not word[0].isupper():
        return "common" if common else "word"
    if word[1:] == word[1:].lower() and _begins(text, start):
        return "common" if common else "word"
    return "name"


def _begins(text: str, start: int) -> bool:
    """Say whether a sentence or a quotation begins at ``start``: there capitals say nothing."""
    before = text[:start].rstrip(" \t\n\"'“\u2018«([*_#>-•–—")
    return not before or before[-1] in ".!?:;…"


def names_are_capitalised(text: str) -> bool:
    """Say whether a capital means a name: not in German, nor where all is in capitals."""
    words = re.findall(r"[^\W\d_]{2,}", text[:2000])
    if sum(word in GERMAN for word in words) >= 2:
        return False
    return not words or sum(word.isupper() for word in words) < 0.6 * len(words) or len(words) < 4


@lru_cache(maxsize=50_000)
def plain(word: str) -> str:
    """Return ``word`` in lower case, without accents, possessives and points."""
    folded = unicodedata.normalize("NFKD", word.casefold().replace("\u2019", "'"))
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter))
    folded = _POSSESSIVE.sub("", folded) if not folded.endswith("n't") else folded
    return unicodedata.normalize("NFC", folded.replace(".", ""))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what the forms of an English word share; other words mostly as they are."""
    word = IRREGULAR.get(word, word)
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    word = _without(_singular(word), _ENDINGS)
    word = _without(word, _INNER)
    word = word[:-1] if word.endswith(("e", "y", "i")) and len(word) > 3 else word
    return IRREGULAR.get(word, word)


_ENDINGS = (
    *("izations", "ization", "ations", "ation", "ising", "izing", "ised", "ized", "ises", "izes"),
    *("fulness", "ousness", "iveness", "ments", "ment", "ness", "ings", "ing", "edly", "ed"),
    *("ively", "ally", "ably", "ibly", "ently", "antly", "ly", "ities", "ity", "ions", "ion"),
    *("ise", "ize", "ers", "er", "ors", "or", "ists", "ist", "isms", "ism"),
    *("ances", "ance", "ences", "ence", "ancy", "ency"),
)
_INNER: tuple[str, ...] = (
    "ational",
    "ative",
    "ional",
    "ical",
    "able",
    "ible",
    "ive",
    "ful",
    "ous",
    "ent",
    "ant",
)
_INNER += ("al", "ic", "at", "iz", "is")


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without(word: str, endings: Sequence[str]) -> str:
    """Return ``word`` without the first of ``endings`` that leaves a root with a vowel."""
    for ending in endings:
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and _VOWEL.search(root):
            doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz"
            return root[:-1] if doubled else root
    return word


def alike(one: str, other: str) -> bool:
    """Say whether two stems share so long a beginning that they are forms of one word."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 5 or not shorter.isalpha():
        return False
    shared = next(
        (n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        len(shorter),
    )
    return shared >= 5 and shared >= 0.7 * len(longer)
