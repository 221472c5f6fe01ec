"""Pursues one question: find, check every quote, record what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from research_contract.records import Depth, Evidence, QuestionResult
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Ledger
from researcher_job.research.follow_up import FollowUp
from researcher_job.research.metered_source import MeteredSource
from researcher_job.sources.base import Quote, Source
from researcher_job.strategies.base import Finding, Strategy
from researcher_job.tracing.base import QUESTION, Tracer

_SAID = {
    "answered": "Answered with {count}.",
    "partial": "Answered in part with {count}.",
    "not_found": "Nothing found that answers this.",
}
_RANK = {"not_found": 0, "partial": 1, "answered": 2}


@dataclass(frozen=True)
class Worker:
    """All that pursuing a question needs. Questions share it and run concurrently.

    ``follow_up`` is there where an earlier job may have found what fits.
    """

    source: Source
    strategy: Strategy
    journal: Journal
    book: EvidenceBook
    ledger: Ledger
    tracer: Tracer
    terms: Sequence[str]
    depth: Depth
    follow_up: FollowUp | None = None

    async def pursue(self, index: int, question: str) -> QuestionResult:
        """Return what came of the question with this index (from 0); its evidence is written.

        Raises:
            LimitReached: no tool call was left; evidence of this question may be missing.
        """
        with self.tracer.span(QUESTION, {"index": index}):
            return await self._pursue(index, question)

    async def _pursue(self, index: int, question: str) -> QuestionResult:
        name = worker_name(index)
        source = MeteredSource(
            self.source,
            worker=name,
            journal=self.journal,
            ledger=self.ledger,
            tracer=self.tracer,
        )
        found = await self.strategy.find(question, source, terms=self.terms, depth=self.depth)
        kept = [
            evidence
            for quote in found.quotes
            if (evidence := await self._keep(index, quote, worker=name))
        ]
        result = _result(question, found, kept)
        if self.follow_up:
            result = await self._carry(index, self.follow_up, result, kept, source)
        count = f"{len(kept)} quote{'' if len(kept) == 1 else 's'}"
        self.journal.step("task", _SAID[result.state].format(count=count), worker=name)
        self.book.flush()
        return result

    async def _carry(
        self,
        index: int,
        follow_up: FollowUp,
        result: QuestionResult,
        kept: Sequence[Evidence],
        source: Source,
    ) -> QuestionResult:
        """Add what an earlier job found and still holds."""
        carried = await follow_up.carry(
            result.question, source, terms=self.terms, depth=self.depth, known=kept
        )
        added = [
            self._add(index, one.quote, one.text, carried_from=one.carried_from)
            for one in carried.quotes
        ]
        if added or carried.outdated:
            said = f"Took over {len(added)} of the earlier quotes; {carried.outdated} are outdated."
            self.journal.step("status", said, worker=worker_name(index))
        if not added:
            return result
        better = _RANK[carried.state] > _RANK[result.state]
        return result.model_copy(
            update={
                "evidence": tuple(dict.fromkeys((*result.evidence, *(item.n for item in added)))),
                "state": carried.state if better else result.state,
                "note": "Answered by what an earlier job found." if better else result.note,
            }
        )

    async def _keep(self, index: int, quote: Quote, *, worker: str) -> Evidence | None:
        try:
            text = await self.source.snapshot(quote.passage.snapshot)
            return self._add(index, quote, text)
        except InvalidQuote as error:
            self.journal.step(
                "error",
                f"A quote from {quote.passage.title} was dropped: {error}.",
                worker=worker,
                payload={"snapshot": quote.passage.snapshot, "start": quote.start},
            )
            return None

    def _add(self, index: int, quote: Quote, text: str, *, carried_from: str = "") -> Evidence:
        evidence, new = self.book.record(index, quote, text, carried_from=carried_from)
        self.journal.board.change(last_evidence=self.book.last)
        if new:
            self._tell(evidence, worker=worker_name(index))
        return evidence

    def _tell(self, evidence: Evidence, *, worker: str) -> None:
        self.journal.step(
            "finding",
            f"[{evidence.n}] “{evidence.quote}”",
            worker=worker,
            payload={"n": evidence.n, "title": evidence.title, "locator": evidence.locator},
        )


def worker_name(index: int) -> str:
    """Return the name that steps of the question with this index (from 0) carry."""
    return f"question {index + 1}"


def _result(question: str, found: Finding, kept: list[Evidence]) -> QuestionResult:
    numbers = tuple(dict.fromkeys(item.n for item in kept))
    state = found.state
    if not numbers:
        state = "not_found"
    elif len(kept) < len(found.quotes) and state == "answered":
        state = "partial"
    return QuestionResult(question=question, state=state, evidence=numbers, note=found.note)
