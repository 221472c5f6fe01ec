"""A source whose passages are ranked by a strategy before a model reads the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from research_contract.records import Cost, Depth
from researcher_job.core.errors import LimitReached
from researcher_job.records.ledger import Call, Ledger
from researcher_job.research.metered_source import restored, stored
from researcher_job.sources.base import Passage, Query, Source, WrappedSource
from researcher_job.strategies.base import Strategy

RANKING = "ranking"
"""The kind of a kept ranking. It costs nothing besides its searches."""


class RankedSource(WrappedSource):
    """``source`` with the passages of a search in the order of ``strategy``, best first.

    A ranking is kept in the ledger, so that a resumed or replayed job reads the same passages.
    """

    def __init__(self, source: Source, strategy: Strategy, ledger: Ledger, depth: Depth) -> None:
        super().__init__(source)
        self._strategy = strategy
        self._ledger = ledger
        self._depth = depth

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        terms: list[JsonValue] = list(query.terms)
        arguments: dict[str, JsonValue] = {
            "question": query.question,
            "terms": terms,
            "limit": limit,
            "edition": self.edition,
        }
        call = Call(RANKING, arguments, max_cost=Cost())
        known = await restored(self._ledger.stored_answer(call), self._source)
        if known is not None:
            return known
        source = _WordsFrom(self._source, query.words_from)
        try:
            found = await self._strategy.find(
                query.question, source, terms=query.terms, depth=self._depth
            )
            ranked = [quote.passage for quote in (*found.quotes, *found.nearest)]
        except LimitReached:
            # Nothing is left to rank with; a search that is still paid for is read as it is.
            ranked = list(await self._source.search(query, limit=limit))
        places = {one.place: one for one in ranked}
        passages = list(places.values())[:limit]
        self._ledger.begin(call)
        self._ledger.store_answer(call, stored(passages))
        return passages


class _WordsFrom(WrappedSource):
    """``source``, asked with words from the texts of the sources ``names``."""

    def __init__(self, source: Source, names: Sequence[str]) -> None:
        super().__init__(source)
        self._names = names

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        words_from = tuple(sorted({*query.words_from, *self._names}))
        return await super().search(replace(query, words_from=words_from), limit=limit)
