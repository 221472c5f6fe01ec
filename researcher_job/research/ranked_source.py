"""A source whose passages are ranked by a strategy before a model reads the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from research_contract.records import Cost, Coverage, Depth
from researcher_job.core.errors import LimitReached
from researcher_job.records.ledger import Call, Ledger
from researcher_job.research.metered_source import MeteredSource, restored, stored
from researcher_job.sources.base import Lexicon, Passage, Query
from researcher_job.strategies.base import Strategy

RANKING = "ranking"
"""The kind of a kept ranking. It costs nothing besides its searches."""


@dataclass
class RankedSource:
    """``source`` with the passages of a search in the order of ``strategy``, best first.

    A ranking is kept in the ledger, so that a resumed or replayed job reads the same passages.
    """

    source: MeteredSource
    strategy: Strategy
    ledger: Ledger
    depth: Depth
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def edition(self) -> str:
        return self.source.edition

    @property
    def kind(self) -> str:
        return self.source.kind

    @property
    def coverage(self) -> Coverage:
        return self.source.coverage

    @property
    def lexicon(self) -> Lexicon | None:
        return self.source.lexicon

    async def unread(self, uri: str) -> bool:
        return await self.source.unread(uri)

    async def snapshot(self, sha256: str) -> str:
        return await self.source.snapshot(sha256)

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        arguments: dict[str, JsonValue] = {
            "question": query.question,
            "terms": list(query.terms),
            "words_from": sorted(query.words_from),
            "limit": limit,
            "edition": self.edition,
        }
        call = Call(RANKING, arguments, max_cost=Cost())
        known = await restored(self.ledger.stored_answer(call), self.source)
        if known is not None:
            return known
        try:
            found = await self.strategy.find(
                query.question, self.source, terms=query.terms, depth=self.depth
            )
            ranked = [quote.passage for quote in (*found.quotes, *found.nearest)]
        except LimitReached:
            # The first search of the strategy may be kept: what it found is read as it is.
            ranked = list(await self.source.search(query, limit=limit))
        places = {(one.snapshot, one.start, one.end): one for one in ranked}
        passages = list(places.values())[:limit]
        self.ledger.begin(call)
        self.ledger.store_answer(call, stored(passages))
        return passages
