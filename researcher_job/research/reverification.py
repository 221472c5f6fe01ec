"""Re-verification: whether the current sources still contain a quote of a base job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from research_contract.records import Evidence
from researcher_job.sources.base import Passage, Query, Quote, Source
from researcher_job.sources.blocks.units import Span
from researcher_job.strategies.extractive.spans import quote_spans

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
    query = Query(item.quote[:_MOST_QUERY], words_from=(item.source,))
    passages = await source.search(query, limit=PASSAGES)
    own = [passage for passage in passages if passage.uri == item.uri]
    for passage in [*own, *(other for other in passages if other.uri != item.uri)]:
        if found := _word_for_word(item, passage):
            return Reverification("same", found, document_read=bool(own))
    for passage in own[:1]:
        # The quote may extend over two passages, so search the whole document.
        start = (await source.snapshot(passage.snapshot)).find(item.quote)
        if start >= 0:
            end = start + len(item.quote)
            found = Quote(passage, start, end, item.quote, item.score)
            return Reverification("same", found, document_read=True)
    if similar := _most_similar(item, own):
        return Reverification("changed", similar, document_read=True)
    return Reverification("gone", document_read=bool(own))


def collapse_whitespace(text: str) -> str:
    """Return ``text`` with single spaces, so that quotes with the same words are equal."""
    return " ".join(text.split())


def _word_for_word(item: Evidence, passage: Passage) -> Quote | None:
    words = r"\s+".join(re.escape(word) for word in item.quote.split())
    found = re.search(words, passage.text)
    return _quote(passage, Span(found.start(), found.end()), item) if found else None


def _most_similar(item: Evidence, passages: Sequence[Passage]) -> Quote | None:
    """Return the part of a block most similar to the quote, if it is similar enough."""
    words = item.quote.split()
    best, share = None, ALIKE
    for passage in passages:
        for span in quote_spans(passage):
            other = passage.text[span.start : span.end].split()
            if (alike := SequenceMatcher(None, words, other, autojunk=False).ratio()) >= share:
                best, share = _quote(passage, span, item), alike
    return best


def _quote(passage: Passage, span: Span, item: Evidence) -> Quote:
    first, last = passage.start + span.start, passage.start + span.end
    return Quote(passage, first, last, passage.text[span.start : span.end], item.score)
