"""Researches one question: finds quotes, checks each one and records the valid ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from research_contract.records import Depth, Evidence, QuestionResult
from research_contract.text.safe import in_quotes
from researcher_job.core.errors import InvalidQuote
from researcher_job.core.plural import counted
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.course import Course
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Ledger
from researcher_job.records.progress_page import ProgressPage
from researcher_job.research.follow_up import FollowUp
from researcher_job.research.paid_calls import metered
from researcher_job.research.question_progress import QuestionProgress
from researcher_job.research.replay import Turns
from researcher_job.sources.base import Quote, Source
from researcher_job.strategies.base import Progress, Strategy
from researcher_job.tracing.base import QUESTION, Tracer

_RESULT_MESSAGES = {
    "answered": "Answered with {quotes}.",
    "partial": "Partly answered with {quotes}.",
    "evidence": "Found {quotes}; whether they answer was not judged.",
    "not_found": "No evidence found.",
}
_RANK = {"not_found": 0, "evidence": 1, "partial": 2, "answered": 3}


@dataclass(frozen=True)
class Worker:
    """Everything that is needed to research a question. Questions share it and run concurrently.

    ``with_model`` returns the strategy of one question where there is a language model, ``turns``
    is set where a job is replayed.
    ``follow_up`` is set if the job follows up on a base job. Readers of format 1 take nearest
    passages for evidence, so that a job for them keeps none.
    """

    folder: JobFolder
    page: ProgressPage
    source: Source
    strategy: Strategy
    journal: Journal
    book: EvidenceBook
    ledger: Ledger
    course: Course
    tracer: Tracer
    terms: Sequence[str]
    depth: Depth
    with_model: Callable[[Progress], Strategy] | None = None
    turns: Turns | None = None
    follow_up: FollowUp | None = None
    keeps_nearest: bool = True

    async def pursue(self, index: int, question: str) -> QuestionResult:
        """Research the question with this index (from 0), record its evidence, return its result.

        Raises:
            LimitReached: no tool call was left; evidence of this question may be missing.
        """
        with self.tracer.span(QUESTION, {"index": index}):
            source = metered(
                self.source,
                worker=worker_name(index),
                journal=self.journal,
                ledger=self.ledger,
                tracer=self.tracer,
            )
            strategy = self.strategy
            if self.with_model:
                strategy = self.with_model(self._progress(index, question))
            finding = await strategy.find(question, source, terms=self.terms, depth=self.depth)
            recorded = [await self._record_valid(index, quote) for quote in finding.quotes]
            evidence = [item for item in recorded if item]
            nearest = [
                await self._record_valid(index, quote, nearest=True)
                for quote in (finding.nearest if self.keeps_nearest else ())
            ]
            state = finding.state
            if not evidence:
                state = "not_found"
            elif len(evidence) < len(recorded) and state == "answered":
                state = "partial"
            result = QuestionResult(
                question=question,
                state=state,
                evidence=tuple(dict.fromkeys(item.n for item in evidence)),
                nearest=tuple(dict.fromkeys(item.n for item in nearest if item)),
                note=finding.note,
            )
            if self.follow_up:
                result = await self._carry(index, self.follow_up, result, evidence, source)
            quotes = counted(len(result.evidence), "quote")
            message = _RESULT_MESSAGES[result.state].format(quotes=quotes)
            if result.nearest:
                message += f" Kept {counted(len(result.nearest), 'nearest passage')}."
            self.journal.step("task", message, worker=worker_name(index))
            self.book.flush()
            return result

    async def _carry(
        self,
        index: int,
        follow_up: FollowUp,
        result: QuestionResult,
        known: Sequence[Evidence],
        source: Source,
    ) -> QuestionResult:
        """Add the evidence of the base job that fits the question and is still valid."""
        base_job_id = follow_up.base_job.job_id
        carried = await follow_up.carry(
            result.question, source, terms=self.terms, depth=self.depth, known=known
        )
        added = [
            self._record(index, item.quote, item.text, carried_from=item.carried_from)
            for item in carried.quotes
        ]
        if added or carried.outdated:
            message = f"Carried over {counted(len(added), 'quote')} from job {base_job_id}"
            if carried.outdated:
                message += f" and left out {counted(carried.outdated, 'outdated quote')}"
            self.journal.step("status", f"{message}.", worker=worker_name(index))
        if not added:
            return result
        numbers = (*result.evidence, *(item.n for item in added))
        changes: dict[str, object] = {"evidence": tuple(dict.fromkeys(numbers))}
        if _RANK[carried.state] > _RANK[result.state]:
            changes["state"] = carried.state
            changes["note"] = f"The evidence is from job {base_job_id}."
        return result.model_copy(update=changes)

    def _progress(self, index: int, question: str) -> QuestionProgress:
        async def record(quote: Quote, task: str) -> Evidence | None:
            return await self._record_valid(index, quote, task=task)

        return QuestionProgress(
            index=index,
            question=question,
            worker=worker_name(index),
            folder=self.folder,
            journal=self.journal,
            course=self.course,
            book=self.book,
            page=self.page,
            record=record,
        )

    async def _record_valid(
        self, index: int, quote: Quote, *, nearest: bool = False, task: str = ""
    ) -> Evidence | None:
        """Record the quote; log an error and return ``None`` if it does not match its snapshot."""
        if self.turns:
            await self.turns.wait(index, quote, nearest=nearest, task=task)
        try:
            text = await self.source.snapshot(quote.passage.snapshot)
            return self._record(index, quote, text, nearest=nearest, task=task)
        except InvalidQuote as error:
            self.journal.step(
                "error",
                f"A quote from {in_quotes(quote.passage.title)} was dropped: {error}.",
                worker=worker_name(index),
                payload={"snapshot": quote.passage.snapshot, "start": quote.start},
            )
            return None

    def _record(
        self,
        index: int,
        quote: Quote,
        text: str,
        *,
        carried_from: str = "",
        nearest: bool = False,
        task: str = "",
    ) -> Evidence:
        """Record the quote, and log a step if it is new evidence."""
        evidence, new = self.book.record(
            index, quote, text, carried_from=carried_from, nearest=nearest, task=task
        )
        self.journal.status.update(last_evidence=self.book.last)
        if new and not nearest:
            self.journal.step(
                "finding",
                f"[{evidence.n}] {in_quotes(evidence.quote)}",
                worker=worker_name(index),
                payload={"n": evidence.n, "title": evidence.title, "locator": evidence.locator},
            )
        return evidence


def worker_name(index: int) -> str:
    """Return the worker name in the steps of the question with this index (from 0)."""
    return f"question {index + 1}"
