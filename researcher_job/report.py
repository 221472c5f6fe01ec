"""What a report says, before it takes the form of Markdown or of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from researcher_job.contract import (
    Coverage,
    Evidence,
    Limits,
    OutcomeKind,
    QuestionResult,
    Request,
    Spent,
)
from researcher_job.inert import one_line

MAX_ANSWER_SENTENCES = 6
"""Most quotes that the short answer at the top is made of."""

VERIFY = "researcher-job verify FOLDER"
"""The command that checks a job folder again."""


@dataclass(frozen=True)
class Section:
    """One question and what was found for it, best first; ``left_out`` quotes are not shown."""

    number: int
    question: str
    state: str
    note: str
    evidence: tuple[Evidence, ...]
    left_out: int


@dataclass(frozen=True)
class Document:
    """A document that the report cites: where in it, and by which citations."""

    title: str
    source: str
    uri: str
    locators: tuple[str, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """All that stands in a report. Texts are as stored; the form makes them inert.

    ``answer`` is the evidence whose quotes are the short answer. ``outcome`` is ``None`` for a
    report about a job that did not end by itself.
    """

    title: str
    question: str
    outcome: OutcomeKind | None
    reason: str
    answer: tuple[Evidence, ...]
    coverage: Coverage
    sections: tuple[Section, ...]
    open_points: tuple[str, ...]
    made: tuple[str, ...]

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """The evidence that the report cites, by number."""
        items = [item for section in self.sections for item in section.evidence]
        return tuple(sorted({item.n: item for item in items}.values(), key=lambda item: item.n))

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents cited, in the order of their first citation."""
        grouped: dict[tuple[str, str], list[Evidence]] = {}
        for item in self.cited:
            grouped.setdefault((item.source, item.uri), []).append(item)
        return tuple(_document(items) for items in grouped.values())


@dataclass(frozen=True)
class Circumstances:
    """How the job went: for the last part of the report."""

    spent: Spent
    attempts: int
    ended_at: datetime


def compose(
    request: Request,
    results: Sequence[QuestionResult],
    evidence: Sequence[Evidence],
    *,
    outcome: OutcomeKind | None,
    reason: str,
    coverage: Coverage,
    circumstances: Circumstances,
) -> Report:
    """Return the report on these results; ``evidence`` holds all that the results name."""
    sections = _sections(results, {item.n: item for item in evidence}, request.plan.report_words)
    return Report(
        title=title_of(request),
        question=request.question,
        outcome=outcome,
        reason=reason,
        answer=_answer(sections),
        coverage=coverage,
        sections=sections,
        open_points=_open_points(sections, coverage),
        made=_made(request, circumstances),
    )


def title_of(request: Request) -> str:
    """Return the title of the plan, else the question, cut to a line."""
    return one_line(request.plan.title or request.question, most=160)


def answer_text(report: Report) -> str:
    """Return the short answer as one line of plain text with its citations."""
    return " ".join(f"“{one_line(item.quote)}” [{item.n}]" for item in report.answer)


def _sections(
    results: Sequence[QuestionResult], by_number: dict[int, Evidence], words: int | None
) -> tuple[Section, ...]:
    share = words / max(len(results), 1) if words else None
    sections = []
    for number, result in enumerate(results, start=1):
        found = [by_number[n] for n in result.evidence if n in by_number]
        shown = _within(found, share)
        sections.append(
            Section(
                number=number,
                question=result.question,
                state=result.state,
                note=result.note,
                evidence=tuple(shown),
                left_out=len(found) - len(shown),
            )
        )
    return tuple(sections)


def _within(found: Sequence[Evidence], words: float | None) -> list[Evidence]:
    """Keep the best quotes that fit into about so many words, and one in any case."""
    shown: list[Evidence] = []
    used = 0
    for item in found:
        used += len(item.quote.split())
        if shown and words is not None and used > words:
            break
        shown.append(item)
    return shown


def _answer(sections: Sequence[Section]) -> tuple[Evidence, ...]:
    """Take the best of each question in turn until the answer is long enough; no text twice."""
    chosen: dict[str, Evidence] = {}
    most = MAX_ANSWER_SENTENCES if len(sections) > 1 else 3
    for section in sections:
        for item in section.evidence[: 1 if len(sections) > 1 else most]:
            chosen.setdefault(one_line(item.quote), item)
    return tuple(chosen.values())[:most]


def _open_points(sections: Sequence[Section], coverage: Coverage) -> tuple[str, ...]:
    points = []
    for section in sections:
        if section.state == "answered":
            continue
        said = "only a part was found" if section.evidence else "nothing was found"
        note = f" {section.note}" if section.note else ""
        points.append(f"Question {section.number}, {one_line(section.question)}: {said}.{note}")
    if coverage.not_read:
        points.append(f"What was not read could say more. {coverage.sentence()}")
    return tuple(points)


def _made(request: Request, how: Circumstances) -> tuple[str, ...]:
    spent = how.spent
    return (
        "No language model took part: every statement is a verbatim quote, found by search and"
        " checked by code against a kept copy of its document.",
        f"Depth: {request.depth}. Limits: {_limits(request.limits)}.",
        f"Spent: {_minutes(spent.active_seconds)} of work, {spent.tool_calls}"
        f" search{'' if spent.tool_calls == 1 else 'es'},"
        f" {spent.tokens} model tokens, ${spent.cost_usd:.2f}.",
        f"Asked {request.created_at:%Y-%m-%d %H:%M} UTC, written {how.ended_at:%Y-%m-%d %H:%M}"
        f" UTC, attempt {how.attempts}. Job {request.job_id}.",
        f"To check every quote again: {VERIFY}",
    )


def _limits(limits: Limits) -> str:
    said = [
        f"{limits.minutes:g} minutes" if limits.minutes else "",
        f"{limits.tool_calls} tool calls" if limits.tool_calls else "",
        f"{limits.tokens} tokens" if limits.tokens else "",
        f"${limits.cost_usd:g}" if limits.cost_usd is not None else "",
    ]
    return ", ".join(text for text in said if text) or "none"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _document(items: Sequence[Evidence]) -> Document:
    return Document(
        title=items[0].title,
        source=items[0].source,
        uri=items[0].uri,
        locators=tuple(dict.fromkeys(item.locator for item in items if item.locator)),
        numbers=tuple(item.n for item in items),
    )
