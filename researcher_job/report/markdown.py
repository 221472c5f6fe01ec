"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from research_contract.context import context_lines, labelled_row, location
from research_contract.records import Evidence
from research_contract.text.safe import blockquote, cited, markdown, one_line
from researcher_job.evidence.contradictions import Contradiction
from researcher_job.report.report import (
    Comparison,
    Document,
    Report,
    Section,
    answer_sentences,
    claim_text,
)

HEADLINES = {
    "answered": "",
    "partial": "This answer is partial.",
    "evidence": "Evidence was found; whether it answers was not judged.",
    "insufficient_evidence": "There is not enough evidence for an answer.",
    None: "This report is unfinished: the job did not complete.",
}
"""The line above the answer, by outcome."""

STATES = {
    "answered": "Answered.",
    "partial": "Partly answered.",
    "evidence": "Evidence found, not judged.",
    "not_found": "Nothing found.",
    "dropped": "Dropped on request.",
}
"""The first words of a section, by the state of its question."""


CHANGE_KINDS = {"changed": "Changed", "gone": "No longer found", "new": "New"}
"""How a refresh names the kinds of changes, in the order shown."""

NEAREST = "Nearest passages, not judged to answer"
"""The heading above passages that are no evidence."""

DIFFER = "The sources differ"
"""The beginning of the line above contradicting quotes."""


def markdown_report(report: Report) -> str:
    """Return the report. Each line that starts with ``## `` is the heading of a section."""
    comparison = report.comparison
    headline = HEADLINES[report.outcome], markdown(report.reason)
    verdict = " ".join(text for text in headline if text)
    summary = " ".join([*answer_sentences(report), *answer_notes(report)])
    blocks = [
        f"# {markdown(report.title)}",
        *([f"**{markdown(comparison.sentence)}**"] if comparison else []),
        *([f"**{verdict}**"] if verdict else []),
        *([summary] if summary else []),
        f"*{markdown(report.coverage.sentence())}*",
        *(_changes(comparison) if comparison else []),
        *(block for section in report.sections for block in _section(section)),
        *(_list("What was not established", report.open_points) if report.open_points else []),
        *_list("Sources", [_document_line(item) for item in report.documents], escaped=True),
        "## Citations",
        *([citation_line(item) for item in report.cited] or ["There are none."]),
        *_list("How this report was made", report.methods),
    ]
    return "\n\n".join(blocks) + "\n"


def citation_line(evidence: Evidence) -> str:
    """Return the line of the citation list: ``[n]``, the quote word for word, and its place."""
    return f"{numbered_quote(evidence)} — {_place(evidence)}"


def numbered_quote(evidence: Evidence) -> str:
    """Return ``[n] “quote”``, which a report that cites the evidence must contain."""
    return f"[{evidence.n}] {cited(evidence.quote)}"


def answer_notes(report: Report) -> list[str]:
    """Return notes on the short answer: questions without evidence and contradictions."""
    contradicted = [f"{item.number}" for item in report.sections if item.contradictions]
    if len(report.sections) < 2:
        return [f"{DIFFER}: see below."] if contradicted else []
    asked = [item for item in report.sections if item.state != "dropped"]
    missing = [f"{item.number}" for item in asked if not item.evidence]
    if len(missing) == len(asked):
        missing = []  # the line above the answer says so
    notes = []
    for numbers, begin, end in (
        (missing, "Nothing was found on", "."),
        (contradicted, f"{DIFFER} on", ": see below."),
    ):
        if numbers:
            questions = f"question{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"
            notes.append(f"{begin} {questions}{end}")
    return notes


def difference(pair: Contradiction) -> str:
    """Return the difference between two contradicting quotes in one sentence."""
    if not pair.one_says:
        return f"{DIFFER}: one quote denies what the other one says."
    one, other = (markdown(", ".join(said)) for said in (pair.one_says, pair.other_says))
    return f"{DIFFER}: {one} against {other}."


def _changes(comparison: Comparison) -> list[str]:
    blocks = ["## What changed"]
    for kind, heading in CHANGE_KINDS.items():
        for change in comparison.changes:
            if change.kind != kind:
                continue
            both = change.before is not None and change.after is not None
            for when, item in (("before: ", change.before), ("now: ", change.after)):
                if item:
                    label = f"{heading}, {when}" if both else f"{heading}: "
                    blocks += [f"{label}{numbered_place(item)}:", *quote_blocks(item)]
    return [*blocks, *([] if len(blocks) > 1 else ["Nothing."])]


def _section(section: Section) -> list[str]:
    question = one_line(section.question)
    heading = one_line(section.question, most=160)
    blocks = [f"## {section.number}. {markdown(heading)}"]
    if heading != question:
        blocks.append(markdown(question))
    blocks.append(f"*{STATES[section.state]}* {markdown(section.note)}".rstrip())
    if section.claims:
        blocks.append("\n".join(f"- {claim_text(one)}" for one in section.claims))
    for pair in section.contradictions:
        blocks.append(f"**{difference(pair)}**")
        for item in (pair.one, pair.other):
            blocks += [f"{numbered_place(item)}:", *quote_blocks(item)]
    for item in section.quotes:
        blocks += [f"{numbered_place(item)}:", *quote_blocks(item)]
    if section.left_out:
        blocks.append(f"{section.left_out} more in evidence.jsonl, omitted for length.")
    return [*blocks, *nearest_blocks(section.nearest)]


def nearest_blocks(items: Sequence[Evidence]) -> list[str]:
    """Return the nearest passages of a question below their heading; nothing without any.

    Their numbers are no citations: the report cites evidence only.
    """
    shown = [
        block
        for item in items
        for block in (f"{_place(item)}, number {item.n}:", *quote_blocks(item))
    ]
    return [f"### {NEAREST}", *shown] if shown else []


def quote_blocks(item: Evidence) -> list[str]:
    """Return the context of a quote and the quote; a row of a table as its labelled cells."""
    context = [cited(line) for line in context_lines(item)]
    row = [f"- {cited(cell.text)}" for cell in labelled_row(item)]
    quote = "\n".join(row) or blockquote(item.quote)
    return [f"Context: {' · '.join(context)}", quote] if context else [quote]


def numbered_place(evidence: Evidence) -> str:
    """Return where a quote stands, and its number."""
    return f"{_place(evidence)} [{evidence.n}]"


def _place(item: Evidence) -> str:
    """Return document, locator and source, and the job that a carried quote comes from."""
    carried = f"; from job {markdown(item.carried_from)}" if item.carried_from else ""
    return f"{cited(location(item))} ({markdown(item.source)}{carried})"


def _document_line(document: Document) -> str:
    numbers = " ".join(f"[{n}]" for n in document.numbers)
    locators = "; ".join(cited(text) for text in document.locators)
    parts = (f"{cited(document.title)} ({markdown(document.source)})", locators)
    return f"{': '.join(text for text in parts if text)} {numbers} — {markdown(document.uri)}"


def _list(heading: str, lines: Sequence[str], *, escaped: bool = False) -> list[str]:
    items = lines if escaped else [markdown(line) for line in lines]
    return [f"## {heading}", "\n".join(f"- {line}" for line in items) or "There are none."]
