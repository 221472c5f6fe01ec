"""The report as Markdown."""

from __future__ import annotations

from research_contract.records import Evidence
from research_contract.text.safe import blockquote, markdown, one_line
from researcher_job.evidence.contradictions import Contradiction
from researcher_job.report.report import (
    Comparison,
    Document,
    Report,
    Section,
    answer_sentence,
    where,
)
from researcher_job.report.tables import Table

HEADLINES = {
    "answered": "",
    "partial": "This answer is partial.",
    "insufficient_evidence": "There is not enough evidence for an answer.",
    None: "This report is unfinished: the job did not end by itself.",
}
"""What stands above the answer, by outcome."""

STATES = {
    "answered": "Answered.",
    "partial": "Answered in part.",
    "not_found": "Nothing found.",
}
"""What a section says of its question, by state."""


CHANGE_KINDS = {"changed": "Changed", "gone": "Not found any more", "new": "New"}
"""What a refresh says of a difference, in the order shown."""

DIFFER = "The sources differ"
"""What stands above quotes that contradict each other."""


def markdown_report(report: Report) -> str:
    """Return the report. Lines that begin with ``## `` are its sections and nothing else."""
    blocks = [
        f"# {markdown(report.title)}",
        *([f"**{markdown(report.since.sentence)}**"] if report.since else []),
        *_answer(report),
        f"*{markdown(report.coverage.sentence())}*",
        *(_changes(report.since) if report.since else []),
        *(block for section in report.sections for block in _section(section)),
        *(_list("What was not established", report.open_points) if report.open_points else []),
        *_list("Sources", [_source(item) for item in report.documents], inert=True),
        "## Citations",
        *([citation_line(item) for item in report.cited] or ["There are none."]),
        *_list("How this report was made", report.made),
    ]
    return "\n\n".join(blocks) + "\n"


def citation_line(evidence: Evidence) -> str:
    """Return the line that proves ``[n]``: its quote word for word, then where it stands."""
    return f"{quoted(evidence)} — {_place(evidence)}"


def quoted(evidence: Evidence) -> str:
    """Return ``[n] “quote”`` as it must stand in a report that cites the evidence."""
    return f"[{evidence.n}] “{markdown(evidence.quote)}”"


def pointers(report: Report) -> list[str]:
    """Return what a reader of the short answer must know besides: gaps and contradictions."""
    if len(report.sections) < 2:
        return [f"{DIFFER}: see below."] if any(one.differing for one in report.sections) else []
    missing = [f"{one.number}" for one in report.sections if not one.evidence]
    differing = [f"{one.number}" for one in report.sections if one.differing]
    some = len(missing) < len(report.sections)
    return [
        *([f"Nothing was found on {_questions(missing)}."] if missing and some else []),
        *([f"{DIFFER} on {_questions(differing)}: see below."] if differing else []),
    ]


def differs_in(pair: Contradiction) -> str:
    """Say in what two quotes differ."""
    if not pair.one_says:
        return f"{DIFFER}: one says it is so, the other that it is not."
    return f"{DIFFER}: {', '.join(pair.one_says)} against {', '.join(pair.other_says)}."


def _questions(numbers: list[str]) -> str:
    return f"question{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"


def _answer(report: Report) -> list[str]:
    head = " ".join(text for text in (HEADLINES[report.outcome], markdown(report.reason)) if text)
    sentences = [f"{markdown(answer_sentence(item))} [{item.n}]" for item in report.answer]
    said = " ".join([*sentences, *pointers(report)])
    return [text for text in (head and f"**{head}**", said) if text]


def _changes(since: Comparison) -> list[str]:
    blocks = ["## What changed"]
    for kind, heading in CHANGE_KINDS.items():
        for change in since.of(kind):
            if change.before and change.after:
                blocks += [f"{heading}:", _side_by_side(change.before, change.after)]
            elif item := change.before or change.after:
                blocks += [f"{heading}: {_introduced(item)}", blockquote(item.quote)]
    return [*blocks, *([] if len(blocks) > 1 else ["Nothing."])]


def _section(section: Section) -> list[str]:
    asked = one_line(section.question)
    heading = one_line(section.question, most=160)
    blocks = [f"## {section.number}. {markdown(heading)}"]
    if heading != asked:
        blocks.append(markdown(asked))
    blocks.append(f"*{STATES[section.state]}* {markdown(section.note)}".rstrip())
    for pair in section.differing:
        blocks += [f"**{differs_in(pair)}**", _side_by_side(pair.one, pair.other)]
    for item in section.quotes:
        blocks += [_introduced(item), blockquote(item.quote)]
    for table in section.tables:
        blocks += [f"{_place(table.rows[0].evidence)}:", _table(table)]
    if section.left_out:
        blocks.append(f"{section.left_out} more in evidence.jsonl, left out for length.")
    return blocks


def _introduced(evidence: Evidence) -> str:
    return f"{_place(evidence)} [{evidence.n}]:"


def _side_by_side(one: Evidence, other: Evidence) -> str:
    return _rows(
        [f"{_place(item)} [{item.n}]" for item in (one, other)],
        [[f"“{markdown(item.quote)}”" for item in (one, other)]],
    )


def _table(table: Table) -> str:
    return _rows(
        [*map(markdown, table.heads), ""],
        [[*map(markdown, row.cells), f"[{row.evidence.n}]"] for row in table.rows],
    )


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown; a bar inside of a cell does not divide it."""
    ruled = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in ruled)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _place(evidence: Evidence) -> str:
    """Return document, locator, source and, where it was taken over, from which job."""
    carried = f"; from job {markdown(evidence.carried_from)}" if evidence.carried_from else ""
    return f"{markdown(where(evidence))} ({markdown(evidence.source)}{carried})"


def _source(document: Document) -> str:
    numbers = " ".join(f"[{n}]" for n in document.numbers)
    where = "; ".join(markdown(text) for text in document.locators)
    parts = (f"{markdown(document.title)} ({markdown(document.source)})", where)
    return f"{': '.join(text for text in parts if text)} {numbers} — {markdown(document.uri)}"


def _list(heading: str, lines: list[str] | tuple[str, ...], *, inert: bool = False) -> list[str]:
    items = lines if inert else [markdown(line) for line in lines]
    return [f"## {heading}", "\n".join(f"- {line}" for line in items) or "There are none."]
