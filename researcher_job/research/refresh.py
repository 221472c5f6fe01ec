"""Compares the evidence of a job that was repeated with what the sources say now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research_contract.records import Evidence
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.changes import Change, Changes
from researcher_job.research.base_job import BaseJob, quote_of
from researcher_job.research.reverification import collapse_whitespace, reverify
from researcher_job.sources.base import Quote, Source

NO_QUESTION = -1
"""The question of earlier quotes that were not found again: they answer none any more."""


@dataclass(frozen=True)
class Refresh:
    """The comparison of one refresh. ``book`` records the quotes that the report shows for it."""

    earlier: BaseJob
    questions: Sequence[str]
    source: Source
    book: EvidenceBook

    async def compare(self, found: Sequence[Evidence]) -> Changes:
        """Return what changed; ``found`` is what the refresh found for its questions.

        Costs a search for each earlier quote that was not found again.

        Raises:
            LimitReached: no tool call was left; nothing is known of the rest.
        """
        there = {collapse_whitespace(item.quote) for item in found}
        lost = [
            item for item in self.earlier.quotes if collapse_whitespace(item.quote) not in there
        ]
        looked = [await self._look(item, found) for item in lost]
        changes = [change for change in looked if change]
        replaced = {change.after for change in changes}
        fresh = [item for item in found if item.n not in replaced and self._is_new(item)]
        return Changes(
            earlier=self.earlier.job_id,
            earlier_at=self.earlier.created_at,
            same=len(self.earlier.quotes) - len(changes),
            unusable=self.earlier.unusable,
            changes=(*changes, *(Change(kind="new", after=item.n) for item in fresh)),
        )

    async def _look(self, item: Evidence, found: Sequence[Evidence]) -> Change | None:
        now = await reverify(item, self.source)
        if now.state == "same":
            return None
        before = self._keep(item)
        if now.state == "gone" or now.quote is None:
            return Change(kind="gone", before=before)
        known = next((one.n for one in found if _overlap(one, now.quote)), None)
        after = known or await self._record(self._question(item), now.quote)
        return Change(kind="changed", before=before, after=after)

    async def _record(self, question: int, quote: Quote) -> int:
        text = await self.source.snapshot(quote.passage.snapshot)
        return self.book.record(question, quote, text)[0].n

    def _keep(self, item: Evidence) -> int:
        """Record the earlier quote with its snapshot, for the report to show."""
        text = self.earlier.text_of(item.snapshot)
        origin = self.earlier.origin(item)
        return self.book.record(NO_QUESTION, quote_of(item), text, carried_from=origin)[0].n

    def _question(self, item: Evidence) -> int:
        asked = self.earlier.questions[item.question : item.question + 1]
        return self.questions.index(asked[0]) if asked and asked[0] in self.questions else 0

    def _is_new(self, item: Evidence) -> bool:
        """Return whether neither the earlier evidence nor the documents kept with it say this."""
        words = collapse_whitespace(item.quote)
        return not any(words in collapse_whitespace(text) for text in self._earlier_texts(item.uri))

    def _earlier_texts(self, uri: str) -> list[str]:
        quotes = [one.quote for one in self.earlier.quotes]
        kept = {one.snapshot for one in self.earlier.quotes if one.uri == uri}
        return quotes + [text for sha256 in kept if (text := self._text(sha256))]

    def _text(self, sha256: str) -> str:
        try:
            return self.earlier.text_of(sha256)
        except InvalidQuote:
            return ""


def _overlap(item: Evidence, quote: Quote) -> bool:
    same = item.snapshot == quote.passage.snapshot
    return same and item.start < quote.end and quote.start < item.end
