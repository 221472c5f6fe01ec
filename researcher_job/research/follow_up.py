"""Carries evidence of a base job over to a new question, if it fits and is still valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from research_contract.records import Depth, Evidence
from researcher_job.research.base_job import BaseJob, BaseJobSource
from researcher_job.research.reverification import collapse_whitespace, reverify
from researcher_job.sources.base import Quote, Source
from researcher_job.strategies.base import State, Strategy


@dataclass(frozen=True)
class CarriedQuote:
    """A quote for the new question, the text of its snapshot, and the job that found it.

    ``carried_from`` is empty if the current sources contain the quote word for word.
    """

    quote: Quote
    text: str
    carried_from: str


@dataclass(frozen=True)
class CarriedEvidence:
    """The quotes that fit a question, best first, and how far they answer it.

    ``outdated`` counts quotes left out because their document no longer contains them.
    """

    quotes: tuple[CarriedQuote, ...]
    state: State
    outdated: int = 0


@dataclass(frozen=True)
class FollowUp:
    """Selects the quotes of ``base_job`` that fit a question."""

    base_job: BaseJob
    strategy: Strategy

    async def carry(
        self,
        question: str,
        source: Source,
        *,
        terms: Sequence[str],
        depth: Depth,
        known: Sequence[Evidence],
    ) -> CarriedEvidence:
        """Return the quotes to add to ``known``, the evidence found in the current sources.

        Each quote is re-verified, which costs a search. A quote whose document was read but no
        longer contains it is left out.

        Raises:
            LimitReached: no tool call was left.
        """
        known_texts = {collapse_whitespace(item.quote) for item in known}
        base_source = BaseJobSource(self.base_job, source)
        found = await self.strategy.find(question, base_source, terms=terms, depth=depth)
        fitting = [
            item for item in found.quotes if collapse_whitespace(item.text) not in known_texts
        ]
        verified = [await self._reverify(quote, source) for quote in fitting]
        valid = tuple(quote for quote in verified if quote)
        return CarriedEvidence(
            valid, found.state if valid else "not_found", len(verified) - len(valid)
        )

    async def _reverify(self, quote: Quote, source: Source) -> CarriedQuote | None:
        """Return the quote from the current source, or from the base job; ``None`` if outdated."""
        snapshot = quote.passage.snapshot
        whole = next(
            item
            for item in self.base_job.quotes
            if item.snapshot == snapshot and item.start <= quote.start < item.end
        )
        # The strategy may have selected only a part of the evidence.
        position = {"quote": quote.text, "start": quote.start, "end": quote.end}
        result = await reverify(whole.model_copy(update=position), source)
        if result.state == "same" and result.quote:
            text = await source.snapshot(result.quote.passage.snapshot)
            return CarriedQuote(replace(result.quote, score=quote.score), text, "")
        if result.document_read:
            return None
        return CarriedQuote(quote, self.base_job.snapshot(snapshot), self.base_job.origin(whole))
