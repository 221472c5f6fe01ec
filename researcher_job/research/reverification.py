"""Where an earlier quote stands in the sources as they are now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from research_contract.records import Evidence
from researcher_job.sources.base import Passage, Query, Quote, Source

PASSAGES = 20
"""How many passages are looked at for one quote."""

ALIKE = 0.6
"""Share of words, in their order, from which on a sentence is the same one in other words."""

_MOST_ASKED = 600
_SENTENCE = re.compile(r"\S(?:.|\n(?!\s*\n))*?(?:[.!?]+[\"')\]]*(?=\s|$)|(?=\n\s*\n)|$)")
_LINE = re.compile(r"\S.*")


@dataclass(frozen=True)
class Reverification:
    """What became of a quote. ``quote`` is where it stands now, or the sentence now in its place.

    ``document_read``: its document was met, so that ``gone`` is more than not searched.
    """

    state: Literal["same", "changed", "gone"]
    quote: Quote | None = None
    document_read: bool = False


async def reverify(item: Evidence, source: Source) -> Reverification:
    """Return where the quote stands now. Costs one search.

    Raises what the library raises.
    """
    passages = await source.search(Query(item.quote[:_MOST_ASKED]), limit=PASSAGES)
    own = [passage for passage in passages if passage.uri == item.uri]
    for passage in [*own, *(other for other in passages if other.uri != item.uri)]:
        if found := _word_for_word(item.quote, passage):
            return Reverification("same", found, document_read=bool(own))
    for passage in own[:1]:
        if found := _anywhere(item, passage, await source.snapshot(passage.snapshot)):
            return Reverification("same", found, document_read=True)
    if nearest := _nearest(item.quote, own):
        return Reverification("changed", nearest, document_read=True)
    return Reverification("gone", document_read=bool(own))


def collapse_whitespace(text: str) -> str:
    """Return ``text`` so that two quotes with the same words are equal."""
    return " ".join(text.split())


def _word_for_word(quote: str, passage: Passage) -> Quote | None:
    words = r"\s+".join(re.escape(word) for word in quote.split())
    found = re.search(words, passage.text)
    return _quote(passage, found.start(), found.end()) if found else None


def _anywhere(item: Evidence, passage: Passage, text: str) -> Quote | None:
    """Look beyond the passage: a quote may reach over two of them."""
    at = text.find(item.quote)
    if at < 0:
        return None
    return Quote(passage, at, at + len(item.quote), item.quote, item.score)


def _nearest(quote: str, passages: Sequence[Passage]) -> Quote | None:
    """Return the sentence or line that is the most like ``quote``, if it is like it at all."""
    words = quote.split()
    best, share = None, ALIKE
    for passage in passages:
        for start, end in _spans(passage.text):
            other = passage.text[start:end].split()
            if (alike := SequenceMatcher(None, words, other, autojunk=False).ratio()) >= share:
                best, share = _quote(passage, start, end), alike
    return best


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_SENTENCE, _LINE):
        for found in pattern.finditer(text):
            yield found.start(), found.start() + len(found[0].rstrip())


def _quote(passage: Passage, start: int, end: int) -> Quote:
    first, last = passage.start + start, passage.start + end
    return Quote(passage, first, last, passage.text[start:end], score=1.0)
