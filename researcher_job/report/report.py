"""What a report says, before it takes the form of Markdown or of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from research_contract.records import Coverage, Evidence, OutcomeKind, QuestionResult, Request
from research_contract.text.safe import one_line
from researcher_job.evidence.contradictions import Contradiction, find_contradictions
from researcher_job.evidence.excerpts import Excerpt, TextOf, excerpts
from researcher_job.records.changes import Changes
from researcher_job.report.methods import JobUsage, made
from researcher_job.report.tables import Table, tables

MAX_ANSWER_SENTENCES = 6
"""Most quotes that the short answer at the top is made of."""

MAX_ANSWER_WORDS = 180
"""Words after which the short answer takes no further quote."""


@dataclass(frozen=True)
class Section:
    """One question and what was found for it, best first; ``left_out`` quotes are not shown.

    ``differing`` are quotes that contradict each other, ``tables`` those that are rows.
    """

    number: int
    question: str
    state: str
    note: str
    evidence: tuple[Evidence, ...]
    left_out: int
    differing: tuple[Contradiction, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def quotes(self) -> tuple[Evidence, ...]:
        """The evidence that is shown as quotes one by one: in no table and no contradiction."""
        rows = {row.evidence.n for table in self.tables for row in table.rows}
        pairs = {item.n for pair in self.differing for item in (pair.one, pair.other)}
        return tuple(item for item in self.evidence if item.n not in rows | pairs)


@dataclass(frozen=True)
class QuoteChange:
    """One difference to an earlier job: the quote then, the quote now."""

    kind: Literal["new", "changed", "gone"]
    before: Evidence | None
    after: Evidence | None


@dataclass(frozen=True)
class Comparison:
    """What changed since the job that this one repeats: in one sentence, and one by one."""

    sentence: str
    changed: tuple[QuoteChange, ...]

    def of(self, kind: str) -> tuple[QuoteChange, ...]:
        """Return the differences of this kind."""
        return tuple(item for item in self.changed if item.kind == kind)


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
    report about a job that did not end by itself. ``since`` is there in a refresh only.
    ``excerpts`` show the cited quotes in their snapshots.
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
    since: Comparison | None = None
    excerpts: Mapping[int, Excerpt] = field(default_factory=dict)

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """The evidence that the report cites, by number."""
        items = [item for section in self.sections for item in section.evidence]
        for change in self.since.changed if self.since else ():
            items += [item for item in (change.before, change.after) if item]
        return tuple(sorted({item.n: item for item in items}.values(), key=lambda item: item.n))

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents cited, in the order of their first citation."""
        grouped: dict[tuple[str, str], list[Evidence]] = {}
        for item in self.cited:
            grouped.setdefault((item.source, item.uri), []).append(item)
        return tuple(_document(items) for items in grouped.values())


def _no_text(_sha256: str) -> str:
    return ""


def build_report(
    request: Request,
    results: Sequence[QuestionResult],
    evidence: Sequence[Evidence],
    *,
    outcome: OutcomeKind | None,
    reason: str,
    coverage: Coverage,
    circumstances: JobUsage,
    changes: Changes | None = None,
    text_of: TextOf = _no_text,
) -> Report:
    """Return the report on these results; ``evidence`` holds all that the results name.

    ``text_of`` returns the snapshots: tables and excerpts are made from them.
    """
    by_number = {item.n: item for item in evidence}
    sections = _sections(results, by_number, request.plan.report_words, text_of)
    shown = {item.n for section in sections for item in section.evidence}
    report = Report(
        title=report_title(request),
        question=request.question,
        outcome=outcome,
        reason=reason,
        answer=_answer(sections),
        coverage=coverage,
        sections=sections,
        open_points=(*_open_points(sections, coverage), *_not_compared(request, changes)),
        made=made(
            request,
            circumstances,
            coverage,
            carried=sum(by_number[n].carried_from != "" for n in shown),
        ),
        since=_since(changes, by_number) if changes else None,
    )
    return replace(report, excerpts=excerpts(report.cited, text_of))


def where(evidence: Evidence) -> str:
    """Return document and locator; the title once where the locator begins with it."""
    title, locator = evidence.title, evidence.locator
    if locator == title or locator.startswith(f"{title} > "):
        return locator
    return ", ".join(text for text in (title, locator) if text)


def answer_sentence(evidence: Evidence) -> str:
    """Return the quote as a part of the short answer: a row of a table without its outer bars."""
    return one_line(evidence.quote).strip("| ") or one_line(evidence.quote)


def report_title(request: Request) -> str:
    """Return the title of the plan, else the question, cut to a line."""
    return one_line(request.plan.title or request.question, most=160)


def answer_text(report: Report) -> str:
    """Return the short answer as one line of plain text with its citations."""
    said = [report.since.sentence] if report.since else []
    return " ".join([*said, *(f"“{one_line(item.quote)}” [{item.n}]" for item in report.answer)])


def _since(changes: Changes, by_number: Mapping[int, Evidence]) -> Comparison:
    changed = [
        QuoteChange(
            change.kind, by_number.get(change.before or 0), by_number.get(change.after or 0)
        )
        for change in changes.changes
    ]
    return Comparison(changes.sentence(), tuple(changed))


def _sections(
    results: Sequence[QuestionResult],
    by_number: Mapping[int, Evidence],
    words: int | None,
    text_of: TextOf,
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
                differing=(differing := find_contradictions(shown)),
                tables=tables(_without(shown, differing), text_of),
            )
        )
    return tuple(sections)


def _without(found: Sequence[Evidence], differing: Sequence[Contradiction]) -> tuple[Evidence, ...]:
    taken = {item.n for pair in differing for item in (pair.one, pair.other)}
    return tuple(item for item in found if item.n not in taken)


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
    words = 0
    most = MAX_ANSWER_SENTENCES if len(sections) > 1 else 3
    for section in sections:
        for item in section.evidence[: 1 if len(sections) > 1 else most]:
            if chosen and words >= MAX_ANSWER_WORDS:
                continue
            words += len(item.quote.split())
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
        count = sum(kind.count for kind in coverage.not_read)
        points.append(f"{count} file{'' if count == 1 else 's'} not read could say more.")
    return tuple(points)


def _not_compared(request: Request, changes: Changes | None) -> tuple[str, ...]:
    if not request.refresh_of or changes:
        return ()
    return (f"What changed since job {request.refresh_of} could not be established.",)


def _document(items: Sequence[Evidence]) -> Document:
    return Document(
        title=items[0].title,
        source=items[0].source,
        uri=items[0].uri,
        locators=tuple(dict.fromkeys(item.locator for item in items if item.locator)),
        numbers=tuple(item.n for item in items),
    )
