"""Completes a job from its folder alone, without reading a source: results, report, outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from research_contract import records
from research_contract.files import join_lines
from research_contract.records import (
    Coverage,
    Outcome,
    OutcomeKind,
    QuestionResult,
    Request,
    Spent,
    Status,
)
from research_contract.steering import dropped_result
from research_contract.text.safe import markdown, one_line
from researcher_job.core.clock import Clock
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import read_snapshot
from researcher_job.limits.disk_reserve import DiskReserve
from researcher_job.records.changes import read_changes
from researcher_job.records.control import Control
from researcher_job.records.course import Course
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import model_answered
from researcher_job.records.manifest import hash_files, seal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.status import StatusWriter
from researcher_job.report.html import html_page
from researcher_job.report.markdown import markdown_report
from researcher_job.report.methods import JobUsage
from researcher_job.report.report import Report, answer_text, build_report, report_title

FinishReason = Literal["deadline", "finish_now", "died"]

FINISH_NOW = "The report was requested before the work was done."
REASONS: dict[FinishReason, str] = {
    "deadline": "The time limit of the job was reached.",
    "finish_now": FINISH_NOW,
    "died": "The job ended unexpectedly; the report contains what was known by then.",
}
_COMPLETED: dict[OutcomeKind, str] = {
    "answered": "The report is written: every question is answered.",
    "partial": "The report is written: the answer is partial.",
    "evidence": "The report is written: evidence was found; whether it answers was not judged.",
    "insufficient_evidence": "The report is written: there is not enough evidence.",
}


@dataclass(frozen=True)
class Conclusion:
    """The final facts about a job; ``reason`` is "" for a job that completed its work."""

    folder: JobFolder
    request: Request
    spent: Spent
    coverage: Coverage
    embeddings: tuple[str, ...]
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    attempts: int
    reason: str
    at: datetime

    def results(self) -> tuple[QuestionResult, ...]:
        """Return the result of each question, finished or not, from the tasks and evidence."""
        evidence = self.folder.evidence()
        dropped = self.folder.steered().dropped
        results = []
        for index, question in enumerate(self.folder.questions(self.request)):
            if index in dropped:
                results.append(dropped_result(question))
                continue
            task = self.folder.task(index)
            if task and task.result and task.question == question:
                results.append(task.result)
                continue
            found = [item for item in evidence if item.question == index]
            unfinished = "The search was not finished." if task else "The search was not started."
            results.append(
                QuestionResult(
                    question=question,
                    state="evidence" if found else "not_found",
                    evidence=tuple(item.n for item in found),
                    note=(task.note if task else "") or unfinished,
                )
            )
        return tuple(results)

    def write_report(self, outcome: OutcomeKind | None, reason: str) -> Report:
        """Write ``report.md`` and ``report.html`` and return their content."""

        @lru_cache(maxsize=2)
        def snapshot_text(sha256: str) -> str:
            with suppress(InvalidQuote):
                return read_snapshot(self.folder.path, sha256)
            return ""

        report = build_report(
            self.request,
            self.results(),
            self.folder.quotes(),
            outcome=outcome,
            reason=reason,
            coverage=self.coverage,
            usage=JobUsage(
                self.spent,
                self.attempts,
                self.at,
                self.embeddings,
                self.models,
                self.prompts,
                steered=tuple(one.sentence() for one in self.folder.steered().receipts),
                answered=bool(self.models) and model_answered(self.folder.path),
            ),
            changes=read_changes(self.folder.path),
            written=self.folder.written(),
            snapshot_text=snapshot_text,
        )
        self.folder.write(records.REPORT, markdown_report(report).encode())
        self.folder.write(records.REPORT_HTML, html_page(report).encode())
        return report

    def write_outcome(self, journal: Journal, progress: ProgressPage) -> Outcome:
        """Write report, evidence, last step and status, and finally the outcome."""
        Course(self.folder, self.request, Control(self.folder.path)).close(journal)
        results = self.results()
        kind = outcome_of(results)
        reason = _outcome_reason(kind, results, self.reason, self.coverage)
        report = self.write_report(kind, reason)
        self.folder.write(records.EVIDENCE, join_lines(self.folder.quotes()))
        answer = answer_text(report)
        journal.status.update(state="ended")
        journal.set_summary(answer or markdown(reason))
        journal.step("completed", one_line(f"{_COMPLETED[kind]} {reason}"))
        progress.write(journal, now=True)
        journal.close()
        for leftover in self.folder.path.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)  # of an attempt that was killed while writing
        outcome = Outcome(
            outcome=kind,
            reason=reason,
            answer=answer,
            questions=results,
            spent=self.spent,
            coverage=self.coverage,
            models=self.models,
            prompts=self.prompts,
            attempts=self.attempts,
            configuration_sha256=configuration_hash(self.request),
            files=hash_files(self.folder.path),
            ended_at=self.at,
        )
        if journal.status.current.format_version == 1:
            outcome = in_format_1(outcome)
        outcome, data = seal(outcome)
        self.folder.write(records.OUTCOME, data)
        return outcome


def finish(
    folder: JobFolder, finish_reason: FinishReason, *, clock: Clock, attempt: int | None = None
) -> None:
    """Write the report of a job on which no process works, from the contents of its folder.

    The caller holds the lock. ``died`` writes no outcome: whoever started the job records the
    failure. ``attempt`` is the number of attempts, if the caller knows better than the status.
    """
    request = folder.request()
    DiskReserve(folder.path, 0).release()
    status = folder.status() or Status(updated_at=clock.now())
    spent = folder.spent()
    reason = REASONS[finish_reason]
    conclusion = Conclusion(
        folder=folder,
        request=request,
        spent=spent,
        coverage=status.coverage or Coverage(),
        embeddings=status.embeddings,
        models=status.models,
        prompts=status.prompts,
        attempts=attempt or status.attempt,
        reason=reason,
        at=clock.now(),
    )
    if finish_reason == "died":
        conclusion.write_report(None, reason)
        return
    storage = folder.storage
    writer = StatusWriter(folder.path, status, clock=clock, spent=lambda: spent, storage=storage)
    journal = Journal(folder.path, writer, clock=clock, segment_records=100, storage=storage)
    questions = folder.questions(request)
    conclusion.write_outcome(journal, ProgressPage(folder, report_title(request), questions))


def in_format_1(outcome: Outcome) -> Outcome:
    """Return ``outcome`` in the states of format 1, where evidence not judged is partial."""
    questions = tuple(
        one.model_copy(update={"state": "partial"}) if one.state == "evidence" else one
        for one in outcome.questions
    )
    kind = "partial" if outcome.outcome == "evidence" else outcome.outcome
    return outcome.model_copy(update={"format_version": 1, "outcome": kind, "questions": questions})


def outcome_of(results: Sequence[QuestionResult]) -> OutcomeKind:
    """Return the outcome: ``answered`` only if every question is answered that was not dropped.

    Evidence that nothing judged is ``evidence``, unless other questions were answered.
    """
    states = {result.state for result in results if not result.dropped}
    if states == {"answered"}:
        return "answered"
    if not any(result.evidence for result in results):
        return "insufficient_evidence"
    return "partial" if states & {"answered", "partial"} else "evidence"


def configuration_hash(request: Request) -> str:
    """Return the SHA-256 (hex) of the fields that determine the result.

    These are question, plan, sources, depth, limits and settings, and the base job if there is
    one. Fields with default values are ignored, so later versions with more fields get the same
    hash.
    """
    fields = {"question", "plan", "sources", "depth", "limits", "settings"}
    if request.earlier:
        fields |= {"earlier", "follow_up_of", "refresh_of", "withheld"}
    included = request.model_dump(mode="json", include=fields, exclude_defaults=True)
    return hashlib.sha256(json.dumps(included, sort_keys=True).encode()).hexdigest()


def _outcome_reason(
    kind: OutcomeKind, results: Sequence[QuestionResult], reason: str, coverage: Coverage
) -> str:
    """Return why the answer is incomplete; ``reason`` is that of a job that ended early."""
    results = [result for result in results if not result.dropped]
    if kind == "answered" or reason:
        return "" if kind == "answered" else reason
    if kind == "insufficient_evidence":
        unread = coverage.not_read or coverage.in_part
        files = "in the files that could be read" if unread else "in the sources"
        return f"Not found {files}."
    if kind == "evidence":
        found = sum(bool(result.evidence) for result in results)
        none = "" if found == len(results) else f"{found} of {len(results)} questions."
        return f"Evidence was found for {none}" if none else ""
    if len(results) == 1:
        return "The question was partly answered."
    answered = sum(result.state == "answered" for result in results)
    return f"{answered} of {len(results)} questions answered in full."
