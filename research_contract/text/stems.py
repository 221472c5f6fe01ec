"""Stems of words: one stemmer for all text that is compared.

The Snowball stemmers (Porter, "Snowball: A language for stemming algorithms", 2001) tell related
words apart that merely begin alike, such as policy and police.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from research_contract.text.lexicon import BASE_FORMS

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer

CACHED = 100_000
"""Words whose stems are kept; the stemmer takes about 50 µs a word, the cache 0.1 µs."""

_local = threading.local()


@lru_cache(maxsize=CACHED)
def stem(word: str) -> str:
    """Return the stem that the forms of an English word share; irregular forms are resolved first.

    ``word`` is in lower case. Words with digits or letters beyond ASCII are returned as they are.
    """
    word = BASE_FORMS.get(word, word)
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    return str(_stemmer().stemWord(word))


def _stemmer() -> EnglishStemmer:
    """Return this thread's stemmer: it keeps state while it works, so threads cannot share one.

    The class is used directly. The library's own factory takes an accelerator where one is
    installed, whose version may know other rules.
    """
    if not hasattr(_local, "english"):
        from snowballstemmer.english_stemmer import EnglishStemmer

        _local.english = EnglishStemmer()
    english: EnglishStemmer = _local.english
    return english
