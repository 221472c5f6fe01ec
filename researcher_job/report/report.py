"""The content of a report, before it is rendered as Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from research_contract.context import context_lines, labelled_row
from research_contract.records import (
    Coverage,
    Evidence,
    OutcomeKind,
    QuestionResult,
    Request,
)
from research_contract.text.safe import cited, markdown, one_line
from research_contract.written_report import ReportClaim, WrittenReport
from researcher_job.evidence.contradictions import Contradiction, find_contradictions
from researcher_job.evidence.excerpts import Excerpt, SnapshotText, excerpts
from researcher_job.records.changes import Changes
from researcher_job.report.methods import JobUsage, method_lines

MAX_ANSWER_SENTENCES = 6
"""Most quotes in the short answer at the top of the report."""

MAX_ANSWER_WORDS = 180
"""The short answer takes no further quote after this many words."""

MAX_ANSWER_CONTEXT = 80
"""Characters of context that are shown with a quote in the short answer."""


@dataclass(frozen=True)
class Section:
    """One question and its evidence, best first; ``left_out`` quotes are not shown.

    ``contradictions`` are pairs of quotes that differ. ``claims`` are sentences of a model, proven
    by quotes. ``nearest`` passages are no evidence.
    """

    number: int
    question: str
    state: str
    note: str
    evidence: tuple[Evidence, ...]
    left_out: int
    contradictions: tuple[Contradiction, ...] = ()
    claims: tuple[ReportClaim, ...] = ()
    nearest: tuple[Evidence, ...] = ()

    @property
    def quotes(self) -> tuple[Evidence, ...]:
        """The evidence that is in no contradiction."""
        pairs = {item.n for pair in self.contradictions for item in (pair.one, pair.other)}
        return tuple(item for item in self.evidence if item.n not in pairs)


@dataclass(frozen=True)
class QuoteChange:
    """One difference from the base job: the quote then and the quote now."""

    kind: Literal["new", "changed", "gone"]
    before: Evidence | None
    after: Evidence | None


@dataclass(frozen=True)
class Comparison:
    """The changes of a refresh since its base job: one sentence, and each change."""

    sentence: str
    changes: tuple[QuoteChange, ...]


@dataclass(frozen=True)
class Document:
    """A cited document, with the cited places and the numbers of the citations."""

    title: str
    source: str
    uri: str
    locators: tuple[str, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """The content of a report. Texts are unescaped; rendering escapes them.

    ``answer`` is the evidence whose quotes form the short answer, ``summary`` the sentences of a
    model that stand in their place. ``outcome`` is ``None`` if the
    job did not complete. Only a refresh has a ``comparison``. ``excerpts`` show the cited quotes
    in their snapshots.
    """

    title: str
    question: str
    outcome: OutcomeKind | None
    reason: str
    answer: tuple[Evidence, ...]
    summary: tuple[ReportClaim, ...]
    coverage: Coverage
    sections: tuple[Section, ...]
    open_points: tuple[str, ...]
    methods: tuple[str, ...]
    comparison: Comparison | None = None
    excerpts: Mapping[int, Excerpt] = field(default_factory=dict)

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """The evidence that the report cites, by number."""
        items = [item for section in self.sections for item in section.evidence]
        for change in self.comparison.changes if self.comparison else ():
            items += [item for item in (change.before, change.after) if item]
        return tuple(sorted({item.n: item for item in items}.values(), key=lambda item: item.n))

    @property
    def documents(self) -> tuple[Document, ...]:
        """The cited documents, in the order of their first citation."""
        grouped: dict[tuple[str, str], list[Evidence]] = {}
        for item in self.cited:
            grouped.setdefault((item.source, item.uri), []).append(item)
        return tuple(
            Document(
                title=items[0].title,
                source=source,
                uri=uri,
                locators=tuple(dict.fromkeys(item.locator for item in items if item.locator)),
                numbers=tuple(item.n for item in items),
            )
            for (source, uri), items in grouped.items()
        )


def build_report(
    request: Request,
    results: Sequence[QuestionResult],
    evidence: Sequence[Evidence],
    *,
    outcome: OutcomeKind | None,
    reason: str,
    coverage: Coverage,
    usage: JobUsage,
    changes: Changes | None = None,
    written: WrittenReport | None = None,
    snapshot_text: SnapshotText = lambda _sha256: "",
) -> Report:
    """Return the report on these results; ``evidence`` contains all evidence that they name.

    ``written`` is what a model wrote and its quotes say.
    Excerpts are made from the snapshots that ``snapshot_text`` returns.
    """
    by_number = {item.n: item for item in evidence}
    sections = _sections(
        results, by_number, written, report_words=None if written else request.plan.report_words
    )
    shown = {item.n for section in sections for item in section.evidence}
    carried = sum(by_number[n].carried_from != "" for n in shown)
    comparison = None
    if changes:
        pairs = [
            QuoteChange(
                change.kind, by_number.get(change.before or 0), by_number.get(change.after or 0)
            )
            for change in changes.changes
        ]
        comparison = Comparison(changes.sentence(), tuple(pairs))
    open_points = _open_points(sections)
    for one in written.removed if written else ():
        open_points.append(f"A sentence was taken out, because {one.reason}: “{one.text}”")
    if request.refresh_of and not changes:
        open_points.append(f"What changed since job {request.refresh_of} could not be established.")
    report = Report(
        title=report_title(request),
        question=request.question,
        outcome=outcome,
        reason=reason,
        answer=_select_answer(sections),
        summary=written.summary if written else (),
        coverage=coverage,
        sections=sections,
        open_points=tuple(open_points),
        methods=method_lines(request, usage, carried=carried, written=written is not None),
        comparison=comparison,
    )
    return replace(report, excerpts=excerpts(report.cited, snapshot_text))


def answer_parts(item: Evidence) -> tuple[str, str]:
    """Return the context that a quote of the short answer needs most, maybe "", and its words."""
    context = context_lines(item)
    words = "; ".join(cell.text for cell in labelled_row(item)) or item.quote
    return one_line(context[-1], most=MAX_ANSWER_CONTEXT) if context else "", words


def answer_quote(evidence: Evidence) -> str:
    """Return ``“quote” [n]`` as Markdown, after the context that the quote needs most."""
    context, words = answer_parts(evidence)
    before = f"({cited(context)}) " if context else ""
    return f"{before}{cited(words)} [{evidence.n}]"


def claim_text(claim: ReportClaim) -> str:
    """Return a sentence with its arithmetic, if any, and its citations, as Markdown."""
    numbers = "".join(f" [{n}]" for n in claim.evidence)
    computed = f" (computed: {markdown(claim.expression)})" if claim.expression else ""
    return f"{markdown(claim.text)}{computed}{numbers}"


def report_title(request: Request) -> str:
    """Return the title of the plan, or the question, cut to one line."""
    return one_line(request.plan.title or request.question, most=160)


def answer_text(report: Report) -> str:
    """Return the short answer as one line of Markdown with its citations."""
    compared = [markdown(report.comparison.sentence)] if report.comparison else []
    return " ".join([*compared, *answer_sentences(report)])


def answer_sentences(report: Report) -> list[str]:
    """Return the sentences of the short answer as Markdown: those of a model, or quotes.

    Words of ours stand before those of a model, which may be the words of a document: no line of
    an answer begins with them.
    """
    if report.summary:
        return ["In short:", *map(claim_text, report.summary)]
    return [*map(answer_quote, report.answer)]


def _sections(
    results: Sequence[QuestionResult],
    by_number: Mapping[int, Evidence],
    written: WrittenReport | None,
    *,
    report_words: int | None,
) -> tuple[Section, ...]:
    claims = {one.question: one.claims for one in written.sections} if written else {}
    words_each = report_words / max(len(results), 1) if report_words else None
    sections = []
    for number, result in enumerate(results, start=1):
        found = [by_number[n] for n in result.evidence if n in by_number]
        # The best quotes with about the words of a question in total, but at least one quote.
        shown: list[Evidence] = []
        used = 0
        for item in found:
            used += len(item.quote.split())
            if shown and words_each is not None and used > words_each:
                break
            shown.append(item)
        sections.append(
            Section(
                number=number,
                question=result.question,
                state="dropped" if result.dropped else result.state,
                note="" if result.dropped else result.note,
                evidence=tuple(shown),
                left_out=len(found) - len(shown),
                contradictions=find_contradictions(shown),
                claims=claims.get(number, ()),
                nearest=tuple(by_number[n] for n in result.nearest if n in by_number),
            )
        )
    return tuple(sections)


def _select_answer(sections: Sequence[Section]) -> tuple[Evidence, ...]:
    """Return the best quote of each question, or the best three of a single question.

    It ends once it has enough quotes or words. No text is repeated.
    """
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


def _open_points(sections: Sequence[Section]) -> list[str]:
    points = []
    for section in sections:
        if section.state == "answered" or (section.state == "evidence" and not section.note):
            continue
        said = f" {section.note}" if section.note else ""
        if section.state == "dropped":
            said = " dropped on request."
        elif section.state != "evidence":
            found = "only a partial answer was found" if section.evidence else "nothing was found"
            said = f" {found}.{said}"
        points.append(f"Question {section.number}, {one_line(section.question)}:{said}")
    return points
