"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from research_contract.records import Evidence
from research_contract.text.safe import blockquote, markdown, one_line
from researcher_job.evidence.contradictions import Contradiction
from researcher_job.report.report import (
    Comparison,
    Document,
    Report,
    Section,
    answer_sentence,
    location,
)

HEADLINES = {
    "answered": "",
    "partial": "This answer is partial.",
    "insufficient_evidence": "There is not enough evidence for an answer.",
    None: "This report is unfinished: the job did not complete.",
}
"""The line above the answer, by outcome."""

STATES = {
    "answered": "Answered.",
    "partial": "Partly answered.",
    "not_found": "Nothing found.",
}
"""The first words of a section, by the state of its question."""


CHANGE_KINDS = {"changed": "Changed", "gone": "No longer found", "new": "New"}
"""How a refresh names the kinds of changes, in the order shown."""

DIFFER = "The sources differ"
"""The beginning of the line above contradicting quotes."""


def markdown_report(report: Report) -> str:
    """Return the report. Each line that starts with ``## `` is the heading of a section."""
    comparison = report.comparison
    headline = HEADLINES[report.outcome], markdown(report.reason)
    verdict = " ".join(text for text in headline if text)
    answer = [f"{markdown(answer_sentence(item))} [{item.n}]" for item in report.answer]
    summary = " ".join([*answer, *answer_notes(report)])
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
    return f"[{evidence.n}] “{markdown(evidence.quote)}”"


def answer_notes(report: Report) -> list[str]:
    """Return notes on the short answer: questions without evidence and contradictions."""
    contradicted = [f"{item.number}" for item in report.sections if item.contradictions]
    if len(report.sections) < 2:
        return [f"{DIFFER}: see below."] if contradicted else []
    missing = [f"{item.number}" for item in report.sections if not item.evidence]
    if len(missing) == len(report.sections):
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
    return f"{DIFFER}: {', '.join(pair.one_says)} against {', '.join(pair.other_says)}."


def _changes(comparison: Comparison) -> list[str]:
    blocks = ["## What changed"]
    for kind, heading in CHANGE_KINDS.items():
        for change in comparison.changes:
            if change.kind != kind:
                continue
            if change.before and change.after:
                blocks += [f"{heading}:", _side_by_side(change.before, change.after)]
            elif item := change.before or change.after:
                blocks += [f"{heading}: {_numbered_place(item)}:", blockquote(item.quote)]
    return [*blocks, *([] if len(blocks) > 1 else ["Nothing."])]


def _section(section: Section) -> list[str]:
    question = one_line(section.question)
    heading = one_line(section.question, most=160)
    blocks = [f"## {section.number}. {markdown(heading)}"]
    if heading != question:
        blocks.append(markdown(question))
    blocks.append(f"*{STATES[section.state]}* {markdown(section.note)}".rstrip())
    for pair in section.contradictions:
        blocks += [f"**{difference(pair)}**", _side_by_side(pair.one, pair.other)]
    for item in section.quotes:
        blocks += [f"{_numbered_place(item)}:", blockquote(item.quote)]
    for table in section.tables:
        rows = [[*map(markdown, row.cells), f"[{row.evidence.n}]"] for row in table.rows]
        blocks.append(f"{_place(table.rows[0].evidence)}:")
        blocks.append(_table([*map(markdown, table.heads), ""], rows))
    if section.left_out:
        blocks.append(f"{section.left_out} more in evidence.jsonl, omitted for length.")
    return blocks


def _side_by_side(one: Evidence, other: Evidence) -> str:
    quotes = [f"“{markdown(item.quote)}”" for item in (one, other)]
    return _table([_numbered_place(item) for item in (one, other)], [quotes])


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _numbered_place(evidence: Evidence) -> str:
    return f"{_place(evidence)} [{evidence.n}]"


def _place(evidence: Evidence) -> str:
    """Return document, locator and source, and the job that a carried quote comes from."""
    carried = f"; from job {markdown(evidence.carried_from)}" if evidence.carried_from else ""
    return f"{markdown(location(evidence))} ({markdown(evidence.source)}{carried})"


def _document_line(document: Document) -> str:
    numbers = " ".join(f"[{n}]" for n in document.numbers)
    locators = "; ".join(markdown(text) for text in document.locators)
    parts = (f"{markdown(document.title)} ({markdown(document.source)})", locators)
    return f"{': '.join(text for text in parts if text)} {numbers} — {markdown(document.uri)}"


def _list(heading: str, lines: Sequence[str], *, escaped: bool = False) -> list[str]:
    items = lines if escaped else [markdown(line) for line in lines]
    return [f"## {heading}", "\n".join(f"- {line}" for line in items) or "There are none."]
