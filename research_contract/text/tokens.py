"""The terms of a text: words by their stems, names, negations, and numbers and dates as quantities.

Runs of scripts that write no spaces become overlapping pairs of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from research_contract.text.folding import without_accents
from research_contract.text.lexicon import COMMON, NEGATIONS
from research_contract.text.quantities import Quantity, quantities
from research_contract.text.stems import stem
from research_contract.text.stop_words import language_of, stop_words

Kind = Literal["word", "common", "name", "number", "stop", "negation"]

_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_TOKEN = re.compile(
    rf"[{_SPACELESS}]+|[^\W_{_SPACELESS}]+(?:['\u2019.&][^\W_{_SPACELESS}]+)*"
    "(?:[\u0300-\u036f\u0590-\u05cf\u0610-\u065f\u0900-\u0fff]+[^\\W_]*)*"
)
_NUMBERED_NAME = re.compile(r"(?<![\w-])[^\W\d_][^\W_]*(?:-[^\W\d_]+)*-\d[^\W_]*(?:[.-][^\W_]+)*")
"""A name with a number behind a hyphen, such as ``COVID-19`` and ``F-16``."""

_STARTS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_BEFORE_SENTENCE = frozenset(" \t\n\"'“\u2018«([*_#>-•–—")
"""Characters between the end of a sentence and the first word of the next one."""

MAX_WORD = 60
"""Characters of a word that are compared; longer runs are no words."""

_MAX_SAMPLE = 2_000
"""Characters from which the language and the use of capitals are told."""


@dataclass(frozen=True)
class Term:
    """A word, name, number or negation: ``key`` is compared, ``text`` is how it is written."""

    key: str
    text: str
    kind: Kind
    start: int
    end: int
    quantity: Quantity | None = None

    @property
    def matters(self) -> bool:
        """Whether a claim states something with this term."""
        return self.kind not in ("stop", "negation")


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of ``text`` in order; a number or date stands for all of its words."""
    numbers = quantities(text)
    names = list(_numbered_names(text, numbers))
    inside = {at for name in names for at in range(name.start, name.end)}
    numbers = tuple(one for one in numbers if one.start not in inside)
    found = [Term(one.key, one.text, "number", one.start, one.end, one) for one in numbers]
    found += names
    found += _words(text, sorted((one.start, one.end) for one in found))
    return tuple(sorted(found, key=lambda term: (term.start, term.end)))


def _numbered_names(text: str, numbers: Sequence[Quantity]) -> Iterator[Term]:
    """Yield names such as ``COVID-19``; ``Mid-2019`` is none, since it holds a year."""
    sorts = {at: one.sort for one in numbers for at in range(one.start, one.end)}
    for match in _NUMBERED_NAME.finditer(text):
        inside = {sorts.get(at) for at in range(*match.span())}
        if inside.isdisjoint(("year", "date")) and match[0] != match[0].lower():
            yield Term(match[0].casefold(), match[0], "name", *match.span())


def _words(text: str, taken: Sequence[tuple[int, int]]) -> Iterator[Term]:
    """Yield the words that are not wholly inside the spans ``taken``, which are in order."""
    spans = iter([*taken, (len(text) + 1, len(text) + 2)])
    start, end = next(spans)
    sample = [normalized(word) for word in re.findall(r"[^\W\d_]{2,}", text[:_MAX_SAMPLE])]
    stop = stop_words(sample)
    capitals = capitals_mark_names(text)
    for match in _TOKEN.finditer(text):
        while match.start() >= end:
            start, end = next(spans)
        if start <= match.start() and match.end() <= end:
            continue
        if _STARTS_SPACELESS.match(match[0]):
            run, begin = match[0][:MAX_WORD], match.start()
            for at in range(begin, begin + max(len(run) - 1, 1)):
                pair = run[at - begin : at - begin + 2]
                yield Term(pair, pair, "word", at, at + 2)
        else:
            yield _term(text, match, stop, capitals=capitals)


def _term(text: str, match: re.Match[str], stop: frozenset[str], *, capitals: bool) -> Term:
    word = match[0][:MAX_WORD]
    plain = normalized(word)
    if plain in NEGATIONS or plain.endswith("n't"):
        return Term("not", word, "negation", *match.span())
    if plain in stop or (len(plain) == 1 and plain.isascii() and plain == word):
        return Term(plain, word, "stop", *match.span())
    is_name = any(map(str.isdigit, word)) or (
        capitals
        and word[0].isupper()
        and (word[1:] != word[1:].lower() or not _begins_sentence(text, match.start()))
    )
    kind: Kind = "name" if is_name else "common" if stem(plain) in _common_stems() else "word"
    return Term(stem(plain), word, kind, *match.span())


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(map(stem, COMMON))


def _begins_sentence(text: str, start: int) -> bool:
    """Return whether a sentence or quotation begins at ``start``, where a capital means nothing."""
    at = start - 1
    while at >= 0 and text[at] in _BEFORE_SENTENCE:
        at -= 1
    return at < 0 or text[at] in ".!?:;…"


def capitals_mark_names(text: str) -> bool:
    """Return whether a capital marks a name: not in German, nor where most words are in capitals.

    German writes every noun with a capital.
    """
    words = re.findall(r"[^\W\d_]{2,}", text[:_MAX_SAMPLE])
    if language_of([normalized(word) for word in words]) == "de":
        return False
    return len(words) < 4 or sum(word.isupper() for word in words) < 0.6 * len(words)


@lru_cache(maxsize=50_000)
def normalized(word: str) -> str:
    """Return ``word`` in lower case, without accents, possessive ending and points."""
    folded = without_accents(word.casefold().replace("\u2019", "'"))
    if not folded.endswith("n't"):
        folded = _POSSESSIVE.sub("", folded)
    return folded.replace(".", "")
