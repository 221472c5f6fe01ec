"""Words as the index knows them: divided, folded and stemmed, the same everywhere."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from unicodedata import normalize

from research_contract.text.unseen import JOINERS, SOFT_HYPHEN, without_hidden
from researcher_job.sources.index.spelling import usual

TOKENIZER = "porter unicode61 remove_diacritics 2 categories ''L* N* Co M*''"
"""How the index divides and stems text, for an SQL string in single quotes.

Marks are part of words: Hindi writes vowels with them.
"""

WORD = re.compile(
    "(?:[^\\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0963\u0966-\u109f\u1780-\u17d3])+"
)
"""A word as a person sees it, vowel signs included."""

_PAIRED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]+"
)
"""Runs of Han, kana and Hangul, which write no or few spaces: found by pairs of characters."""

_TRIPLED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
"""Runs of Thai, Lao, Burmese and Khmer, which write none either, with more marks a syllable."""

_GAP = re.compile(r"[\s!-/:-@\[-`{-~]+")
"""What never is part of a word, whatever stands beside it."""

_DIVIDED = re.compile(r"(?<![^\W\d_])([^\W\d_]+)[-\u2010\xad]\n[ \t]*([^\W\d_]+)")
_JOINED = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+")
_HUMP = re.compile(r"(?=[A-Z])")
"""A name as programs write them, ``holdMinutes``, and where its words begin."""

_FOLDED = {
    **dict.fromkeys(map(ord, SOFT_HYPHEN + JOINERS), None),
    **{
        code: normalize("NFKC", chr(code))
        for code in (*range(0xFB00, 0xFB07), *range(0xFF01, 0xFFA0))
    },
}

_REMEMBERED = 200_000
_known: dict[str, tuple[str, ...]] = {}


def segmented(text: str) -> str:
    """Return ``text`` with letters written as usual, and runs without spaces in overlapping parts.

    What is only drawn is folded: ligatures, wide forms, letters of no width, soft hyphens. A word
    that a line end divides, or that programs join, stands whole before its parts.
    """
    if "-\n" in text or "\u2010\n" in text or "\xad" in text:
        text = _DIVIDED.sub(r"\1\2 \1 \2", text)
    text = _JOINED.sub(lambda name: f"{name[0]} {_HUMP.sub(' ', name[0])}", text)
    if text.isascii():
        return text
    paired = _PAIRED.sub(lambda run: _parts(run[0], 2), without_hidden(text).translate(_FOLDED))
    return _TRIPLED.sub(lambda run: _parts(run[0], 3), paired)


def _parts(run: str, size: int) -> str:
    parts = [run[at : at + size] for at in range(max(len(run) - size + 1, 1))]
    return f" {' '.join(parts)} "


def is_part(word: str) -> bool:
    """Tell whether ``word`` is cut out of a run without spaces, and so perhaps no word at all."""
    return not word.isascii() and bool(_PAIRED.fullmatch(word) or _TRIPLED.fullmatch(word))


def stems(texts: Sequence[str]) -> list[list[str]]:
    """Return the stems of each text in order, as the index makes them; spellings are one."""
    divided = [[piece for piece in _GAP.split(segmented(text)) if piece] for text in texts]
    _learn({piece for pieces in divided for piece in pieces if piece not in _known})
    return [[stem for piece in pieces for stem in _known[piece]] for pieces in divided]


def _learn(pieces: Iterable[str]) -> None:
    """Remember the stems of ``pieces``: asking the tokenizer takes long, it is asked once."""
    fresh = list(pieces)
    if not fresh:
        return
    if len(_known) > _REMEMBERED:
        _known.clear()
    for piece, found in zip(fresh, index_stems([usual(one) for one in fresh]), strict=True):
        _known[piece] = tuple(found)


def index_stems(texts: Sequence[str]) -> list[list[str]]:
    """Return the stems of each text in order exactly as they stand in the index."""
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute(f"CREATE VIRTUAL TABLE t USING fts5(x, tokenize='{TOKENIZER}')")
        memory.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        memory.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(texts))
        found: list[list[tuple[int, str]]] = [[] for _ in texts]
        for term, row, place in memory.execute("SELECT term, doc, offset FROM v"):
            found[row].append((place, term))
    return [[term for _, term in sorted(row)] for row in found]
