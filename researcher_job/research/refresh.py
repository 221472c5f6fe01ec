"""Compares a repeated job with its base job: which quotes are new, changed or gone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from research_contract.records import Evidence
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.changes import Change, Changes
from researcher_job.research.base_job import BaseJob, evidence_as_quote
from researcher_job.research.reverification import collapse_whitespace, reverify
from researcher_job.sources.base import Source

NO_QUESTION = -1
"""The question of base job quotes that were not found again: they answer no question any more."""


@dataclass(frozen=True)
class Refresh:
    """The comparison of one refresh. ``book`` records the quotes that the report shows for it."""

    base_job: BaseJob
    questions: Sequence[str]
    source: Source
    book: EvidenceBook

    async def compare(self, found: Sequence[Evidence]) -> Changes:
        """Return the changes; ``found`` is the evidence of the refresh for its questions.

        Each quote of the base job that was not found again costs a search.

        Raises:
            LimitReached: no tool call was left; the remaining quotes were not compared.
        """
        found_texts = {collapse_whitespace(item.quote) for item in found}
        missing = [
            item
            for item in self.base_job.quotes
            if collapse_whitespace(item.quote) not in found_texts
        ]
        compared = [await self._compare_quote(item, found) for item in missing]
        changes = [change for change in compared if isinstance(change, Change)]
        unread = compared.count("unread")
        withheld = self.base_job.withheld
        replacements = {change.after for change in changes}
        new = [
            Change(kind="new", after=item.n)
            for item in found
            if item.n not in replacements and self._is_new(item)
        ]
        return Changes(
            earlier=self.base_job.job_id,
            earlier_at=self.base_job.created_at,
            same=len(self.base_job.quotes) - len(changes) - unread,
            unusable=self.base_job.unusable,
            not_compared=unread + withheld,
            unread=tuple(
                [one.name for one in self.base_job.sources if await self.source.unread(one.uri)]
            ),
            changes=(*changes, *new),
        )

    async def _compare_quote(
        self, item: Evidence, found: Sequence[Evidence]
    ) -> Change | Literal["same", "unread"]:
        """Return the change of one quote of the base job, and record both of its versions."""
        result = await reverify(item, self.source)
        if result.state == "same":
            return "same"
        if result.state == "gone" and await self.source.unread(item.uri):
            return "unread"
        text = self.base_job.snapshot(item.snapshot)
        origin = self.base_job.origin(item)
        quote = evidence_as_quote(item)
        before = self.book.record(NO_QUESTION, quote, text, carried_from=origin)[0].n
        now = result.quote
        if result.state == "gone" or now is None:
            return Change(kind="gone", before=before)
        for known in found:
            overlaps = known.start < now.end and now.start < known.end
            if overlaps and known.snapshot == now.passage.snapshot:
                return Change(kind="changed", before=before, after=known.n)
        text = await self.source.snapshot(now.passage.snapshot)
        after = self.book.record(self._question_of(item), now, text)[0].n
        return Change(kind="changed", before=before, after=after)

    def _question_of(self, item: Evidence) -> int:
        """Return the index of the question that a quote of the base job answered; 0 if unknown."""
        for question in self.base_job.questions[item.question : item.question + 1]:
            if question in self.questions:
                return self.questions.index(question)
        return 0

    def _is_new(self, item: Evidence) -> bool:
        """Return whether neither the base job's quotes nor its snapshots contain this quote."""
        quotes = self.base_job.quotes
        texts = [quote.quote for quote in quotes]
        for sha256 in {quote.snapshot for quote in quotes if quote.uri == item.uri}:
            with suppress(InvalidQuote):
                texts.append(self.base_job.snapshot(sha256))
        words = collapse_whitespace(item.quote)
        return not any(words in collapse_whitespace(text) for text in texts)
