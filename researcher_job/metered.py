"""A library whose every search is counted against the limits and stands in the step log."""

from __future__ import annotations

from collections.abc import Sequence

from researcher_job.budget import Budget
from researcher_job.contract import Coverage
from researcher_job.journal import Journal
from researcher_job.sources.base import Frequencies, Library, Mention, Passage, Query

SEARCH = "search"
"""Name of the tool in steps that search the library."""


class MeteredLibrary:
    """``library`` as one worker sees it.

    ``search`` raises ``CapReached`` where no tool call is left.
    """

    def __init__(self, library: Library, *, worker: str, journal: Journal, budget: Budget) -> None:
        self._library = library
        self._worker = worker
        self._journal = journal
        self._budget = budget

    @property
    def coverage(self) -> Coverage:
        return self._library.coverage

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        self._budget.charge_tool_call()
        self._journal.step(
            "tool_call",
            f"Searching for: {query.question}",
            worker=self._worker,
            tool=SEARCH,
            payload={"question": query.question, "terms": list(query.terms), "limit": limit},
        )
        passages = await self._library.search(query, limit=limit)
        self._journal.step(
            "tool_result",
            _said(passages),
            worker=self._worker,
            tool=SEARCH,
            payload={"found": len(passages), "best": [_named(item) for item in passages[:5]]},
        )
        return passages

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await self._library.frequencies(stems)

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        return await self._library.mentioned(texts, query)

    async def snapshot(self, sha256: str) -> str:
        return await self._library.snapshot(sha256)


def _said(passages: Sequence[Passage]) -> str:
    if not passages:
        return "No passage matches."
    count = f"{len(passages)} passage{'' if len(passages) == 1 else 's'} found"
    return f"{count}, the best in {_named(passages[0])}."


def _named(passage: Passage) -> str:
    return f"{passage.title}, {passage.locator}" if passage.locator else passage.title
