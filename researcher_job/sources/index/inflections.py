"""Inflected forms of a question's words, in its language, among the words of an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from research_contract.text.folding import without_accents
from researcher_job.sources.index.tokenizer import index_stems, is_part

Words = Callable[[str], Iterable[str]]
"""Returns the words of an index that begin with a prefix."""

_STEMMERS = {
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "ru": "russian",
}
"""Snowball stemmers by language. The index itself is stemmed as English, which fits English."""

_SHORTEST = 3
_PREFIX = 4
"""Letters of a stem by which its forms are looked up; stems of some forms differ at their end."""


def inflections(words: Sequence[str], language: str, beginning_with: Words) -> dict[str, list[str]]:
    """Return, by word (lower case), the words of the index that have the same stem.

    Empty for English and for languages without a stemmer here.
    """
    if language not in _STEMMERS:
        return {}
    asked = [word for word in words if not is_part(word)]
    found: dict[str, list[str]] = {}
    for word, indexed in zip(asked, index_stems(asked), strict=True):
        wanted = {_stem(one, language) for one in (without_accents(word), *indexed)}
        prefixes = {one[:_PREFIX] for one in wanted if len(one) >= _SHORTEST}
        known = {form for prefix in sorted(prefixes) for form in beginning_with(prefix)}
        forms = sorted(form for form in known if _stem(form, language) in wanted)
        if forms:
            found[word] = forms
    return found


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    import snowballstemmer

    return str(snowballstemmer.stemmer(_STEMMERS[language]).stemWord(word))
