"""The report as Markdown."""

from __future__ import annotations

from researcher_job.contract import Evidence
from researcher_job.inert import blockquote, markdown, one_line
from researcher_job.report import Document, Report, Section

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


def markdown_report(report: Report) -> str:
    """Return the report. Lines that begin with ``## `` are its sections and nothing else."""
    blocks = [
        f"# {markdown(report.title)}",
        *_answer(report),
        f"*{markdown(report.coverage.sentence())}*",
        *(block for section in report.sections for block in _section(section)),
        *_list("What was not established", report.open_points, empty="Nothing was left open."),
        *_list("Sources", [_source(item) for item in report.documents], inert=True),
        "## Citations",
        *([citation_line(item) for item in report.cited] or ["There are none."]),
        *_list("How this report was made", report.made),
    ]
    return "\n\n".join(blocks) + "\n"


def citation_line(evidence: Evidence) -> str:
    """Return the line that proves ``[n]``: its quote word for word, then where it stands."""
    return f"{quoted(evidence)} — {_place(evidence)}, {markdown(evidence.source)}"


def quoted(evidence: Evidence) -> str:
    """Return ``[n] “quote”`` as it must stand in a report that cites the evidence."""
    return f"[{evidence.n}] “{markdown(evidence.quote)}”"


def _answer(report: Report) -> list[str]:
    head = " ".join(text for text in (HEADLINES[report.outcome], markdown(report.reason)) if text)
    sentences = " ".join(f"{markdown(item.quote)} [{item.n}]" for item in report.answer)
    return [text for text in (head and f"**{head}**", sentences) if text]


def _section(section: Section) -> list[str]:
    asked = one_line(section.question)
    heading = one_line(section.question, most=160)
    blocks = [f"## {section.number}. {markdown(heading)}"]
    if heading != asked:
        blocks.append(markdown(asked))
    blocks.append(f"*{STATES[section.state]}* {markdown(section.note)}".rstrip())
    for item in section.evidence:
        blocks += [blockquote(item.quote), f"[{item.n}] {_place(item)}"]
    if section.left_out:
        blocks.append(f"{section.left_out} more in evidence.jsonl, left out for length.")
    return blocks


def _place(evidence: Evidence) -> str:
    said = [markdown(evidence.title), markdown(evidence.locator)]
    return ", ".join(text for text in said if text)


def _source(document: Document) -> str:
    numbers = " ".join(f"[{n}]" for n in document.numbers)
    where = "; ".join(markdown(text) for text in document.locators)
    parts = (f"{markdown(document.title)} ({markdown(document.source)})", where)
    return f"{': '.join(text for text in parts if text)} {numbers} — {markdown(document.uri)}"


def _list(
    heading: str,
    lines: list[str] | tuple[str, ...],
    *,
    empty: str = "There are none.",
    inert: bool = False,
) -> list[str]:
    items = lines if inert else [markdown(line) for line in lines]
    return [f"## {heading}", "\n".join(f"- {line}" for line in items) or empty]
