"""Ends a job from its folder alone: results, report, outcome. Touches no source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from research_contract import records
from research_contract.files import join_lines
from research_contract.records import (
    Coverage,
    Evidence,
    Outcome,
    OutcomeKind,
    QuestionResult,
    Request,
    Spent,
    Status,
)
from research_contract.text.safe import one_line
from researcher_job.core.clock import Clock
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import read_snapshot
from researcher_job.limits.disk_reserve import DiskReserve
from researcher_job.records.changes import read_changes
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.manifest import hash_files, remove_leftovers, seal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.status import StatusWriter
from researcher_job.report.html import html_page
from researcher_job.report.markdown import markdown_report
from researcher_job.report.methods import JobUsage
from researcher_job.report.report import Report, answer_text, build_report, report_title

FinishReason = Literal["deadline", "finish_now", "died"]

FINISH_NOW = "The report was asked for before the work was done."
REASONS: dict[FinishReason, str] = {
    "deadline": "The time limit of the job was reached.",
    "finish_now": FINISH_NOW,
    "died": "The job ended unexpectedly; this is what was known until then.",
}


@dataclass(frozen=True)
class Conclusion:
    """What is known about a job that ends now; ``reason`` "" for one that did all its work."""

    folder: JobFolder
    request: Request
    spent: Spent
    coverage: Coverage
    attempts: int
    reason: str
    at: datetime

    def results(self) -> tuple[QuestionResult, ...]:
        """Return what came of each question, finished or not, from the tasks and evidence."""
        evidence = self.folder.evidence()
        questions = records.questions_of(self.request.question, self.request.plan)
        return tuple(
            self._result(index, question, evidence) for index, question in enumerate(questions)
        )

    def _result(self, index: int, question: str, evidence: Sequence[Evidence]) -> QuestionResult:
        task = self.folder.task(index)
        if task and task.result and task.question == question:
            return task.result
        found = [item for item in evidence if item.question == index]
        found.sort(key=lambda item: item.score, reverse=True)
        return QuestionResult(
            question=question,
            state="partial" if found else "not_found",
            evidence=tuple(item.n for item in found),
            note=(task.note if task else "") or _unfinished(begun=task is not None),
        )

    def write_report(self, kind: OutcomeKind | None, reason: str) -> Report:
        """Write ``report.md`` and ``report.html`` and return what they say."""
        report = build_report(
            self.request,
            self.results(),
            self.folder.evidence(),
            outcome=kind,
            reason=reason,
            coverage=self.coverage,
            circumstances=JobUsage(self.spent, self.attempts, self.at),
            changes=read_changes(self.folder.path),
            text_of=lru_cache(maxsize=2)(self._text_of),
        )
        self.folder.write(records.REPORT, markdown_report(report).encode())
        self.folder.write(records.REPORT_HTML, html_page(report).encode())
        return report

    def write_outcome(self, journal: Journal, progress: ProgressPage) -> Outcome:
        """Write the report, the last step and status, and as the very last file the outcome."""
        results = self.results()
        kind = outcome_of(results)
        reason = _reason(kind, results, self.reason, self.coverage)
        report = self.write_report(kind, reason)
        self.folder.write(records.EVIDENCE, join_lines(self.folder.evidence()))
        answer = answer_text(report)
        journal.board.change(state="ended")
        journal.set_summary(answer or reason)
        journal.step("completed", _completed(kind, reason))
        progress.write(journal, now=True)
        journal.close()
        remove_leftovers(self.folder.path)
        outcome, data = seal(
            Outcome(
                outcome=kind,
                reason=reason,
                answer=answer,
                questions=results,
                spent=self.spent,
                coverage=self.coverage,
                attempts=self.attempts,
                configuration_sha256=configuration_hash(self.request),
                files=hash_files(self.folder.path),
                ended_at=self.at,
            )
        )
        self.folder.write(records.OUTCOME, data)
        return outcome

    def _text_of(self, sha256: str) -> str:
        try:
            return read_snapshot(self.folder.path, sha256)
        except InvalidQuote:
            return ""


def finish(
    folder: JobFolder, why: FinishReason, *, clock: Clock, attempt: int | None = None
) -> None:
    """Write the report of a job that no process works on, from what its folder holds.

    ``died`` leaves no outcome: whoever started the job records the failure. The caller holds
    the lock. ``attempt``: the number of attempts there were, where that is known better.
    """
    request = folder.request()
    DiskReserve(folder.path, 0).release()
    status = folder.status() or Status(updated_at=clock.now())
    spent = folder.spent()
    conclusion = Conclusion(
        folder=folder,
        request=request,
        spent=spent,
        coverage=status.coverage or Coverage(),
        attempts=attempt or status.attempt,
        reason=REASONS[why],
        at=clock.now(),
    )
    if why == "died":
        conclusion.write_report(None, REASONS[why])
        return
    storage = folder.storage
    board = StatusWriter(folder.path, status, clock=clock, spent=lambda: spent, storage=storage)
    journal = Journal(folder.path, board, clock=clock, segment_records=100, storage=storage)
    questions = records.questions_of(request.question, request.plan)
    conclusion.write_outcome(journal, ProgressPage(folder, report_title(request), questions))


def outcome_of(results: Sequence[QuestionResult]) -> OutcomeKind:
    """Return the honest outcome: answered only where every question is."""
    if all(result.state == "answered" for result in results):
        return "answered"
    if any(result.evidence for result in results):
        return "partial"
    return "insufficient_evidence"


def configuration_hash(request: Request) -> str:
    """Return the SHA-256 (hex) of what shapes the result: question, plan, sources, limits …

    Fields at their defaults do not count, so a later version with more of them agrees.
    """
    shaping = {"question", "plan", "sources", "depth", "limits", "settings"}
    if request.earlier:
        shaping |= {"earlier", "follow_up_of", "refresh_of", "withheld"}
    said = request.model_dump(mode="json", include=shaping, exclude_defaults=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _unfinished(*, begun: bool) -> str:
    return "The search for it was not finished." if begun else "It was not begun."


def _reason(
    kind: OutcomeKind, results: Sequence[QuestionResult], reason: str, coverage: Coverage
) -> str:
    if kind == "answered" or reason:
        return "" if kind == "answered" else reason
    if kind == "partial":
        whole = sum(result.state == "answered" for result in results)
        return (
            f"{whole} of {len(results)} questions answered in full."
            if len(results) > 1
            else ("The question was answered in part.")
        )
    return "Not found in what could be read." if coverage.not_read else "Not found in the sources."


def _completed(kind: OutcomeKind, reason: str) -> str:
    said = {
        "answered": "The report is written: every question is answered.",
        "partial": "The report is written: the answer is partial.",
        "insufficient_evidence": "The report is written: there is not enough evidence.",
    }
    return one_line(f"{said[kind]} {reason}")
