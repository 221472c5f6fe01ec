"""Re-verification: whether the current sources still contain a quote of a base job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from research_contract.records import Evidence
from research_contract.text.sentences import sentences
from researcher_job.sources.base import Passage, Query, Quote, Source

PASSAGES = 20
"""Passages that are searched for one quote."""

ALIKE = 0.6
"""Share of common words, in order, from which a sentence counts as a changed version."""

_MOST_QUERY = 600


@dataclass(frozen=True)
class Reverification:
    """The result for one quote. ``quote`` is its current place, or its changed version.

    ``document_read``: the search returned its document, so ``gone`` means that the quote was
    removed from it. Otherwise the document may not have been read this time.
    """

    state: Literal["same", "changed", "gone"]
    quote: Quote | None = None
    document_read: bool = False


async def reverify(item: Evidence, source: Source) -> Reverification:
    """Return whether the source still contains the quote, and where. Costs one search.

    Errors of the source are passed on.
    """
    passages = await source.search(Query(item.quote[:_MOST_QUERY]), limit=PASSAGES)
    own = [passage for passage in passages if passage.uri == item.uri]
    for passage in [*own, *(other for other in passages if other.uri != item.uri)]:
        if found := _word_for_word(item.quote, passage):
            return Reverification("same", found, document_read=bool(own))
    for passage in own[:1]:
        # The quote may extend over two passages, so search the whole document.
        start = (await source.snapshot(passage.snapshot)).find(item.quote)
        if start >= 0:
            end = start + len(item.quote)
            found = Quote(passage, start, end, item.quote, item.score)
            return Reverification("same", found, document_read=True)
    if similar := _most_similar(item.quote, own):
        return Reverification("changed", similar, document_read=True)
    return Reverification("gone", document_read=bool(own))


def collapse_whitespace(text: str) -> str:
    """Return ``text`` with single spaces, so that quotes with the same words are equal."""
    return " ".join(text.split())


def _word_for_word(quote: str, passage: Passage) -> Quote | None:
    words = r"\s+".join(re.escape(word) for word in quote.split())
    found = re.search(words, passage.text)
    return _quote(passage, found.start(), found.end()) if found else None


def _most_similar(quote: str, passages: Sequence[Passage]) -> Quote | None:
    """Return the sentence, list item or row most similar to ``quote``, if it is similar enough."""
    words = quote.split()
    best, share = None, ALIKE
    for passage in passages:
        for one in sentences(passage.text):
            other = passage.text[one.start : one.end].split()
            if (alike := SequenceMatcher(None, words, other, autojunk=False).ratio()) >= share:
                best, share = _quote(passage, one.start, one.end), alike
    return best


def _quote(passage: Passage, start: int, end: int) -> Quote:
    first, last = passage.start + start, passage.start + end
    return Quote(passage, first, last, passage.text[start:end], score=1.0)
