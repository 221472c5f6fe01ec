"""What an earlier job found, used for a new question where it fits and still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research_contract.records import Depth, Evidence
from researcher_job.research.base_job import BaseJob, BaseJobSource
from researcher_job.research.reverification import collapse_whitespace, reverify
from researcher_job.sources.base import Quote, Source
from researcher_job.strategies.base import State, Strategy


@dataclass(frozen=True)
class CarriedQuote:
    """A quote for the new question, the text that it stands in, and the job it comes from.

    ``carried_from`` is empty where the sources say it word for word today.
    """

    quote: Quote
    text: str
    carried_from: str


@dataclass(frozen=True)
class Carried:
    """The quotes that fit a question, best first, and how far they answer it.

    ``outdated`` counts those left out because their document says it otherwise today.
    """

    quotes: tuple[CarriedQuote, ...]
    state: State
    outdated: int = 0


@dataclass(frozen=True)
class FollowUp:
    """Finds what fits a question among the quotes of ``earlier``."""

    earlier: BaseJob
    strategy: Strategy

    async def carry(
        self,
        question: str,
        source: Source,
        *,
        terms: Sequence[str],
        depth: Depth,
        known: Sequence[Evidence],
    ) -> Carried:
        """Return the quotes to add to ``known``, which the search of today found.

        A quote whose document was read and no longer says it is left out. Each costs a search.

        Raises:
            LimitReached: no tool call was left.
        """
        there = {collapse_whitespace(item.quote) for item in known}
        own = BaseJobSource(self.earlier, source)
        found = await self.strategy.find(question, own, terms=terms, depth=depth)
        fitting = [quote for quote in found.quotes if collapse_whitespace(quote.text) not in there]
        looked = [await self._now(quote, source) for quote in fitting]
        kept = tuple(quote for quote in looked if quote)
        return Carried(kept, found.state if kept else "not_found", len(looked) - len(kept))

    async def _now(self, quote: Quote, source: Source) -> CarriedQuote | None:
        item = self._evidence(quote)
        now = await reverify(item, source)
        if now.state == "same" and now.quote:
            text = await source.snapshot(now.quote.passage.snapshot)
            return CarriedQuote(_scored(now.quote, quote.score), text, "")
        if now.document_read:
            return None
        text = self.earlier.text_of(quote.passage.snapshot)
        return CarriedQuote(quote, text, self.earlier.origin(item))

    def _evidence(self, quote: Quote) -> Evidence:
        """Return the earlier evidence that ``quote`` is (a part of), in its own words."""
        place = quote.passage
        whole = next(
            item
            for item in self.earlier.quotes
            if item.snapshot == place.snapshot and item.start <= quote.start < item.end
        )
        return whole.model_copy(
            update={"quote": quote.text, "start": quote.start, "end": quote.end}
        )


def _scored(quote: Quote, score: float) -> Quote:
    return Quote(quote.passage, quote.start, quote.end, quote.text, score)
