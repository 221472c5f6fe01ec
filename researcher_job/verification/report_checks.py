"""Checks that the reports reproduce the records exactly: citations, quotes, context, marks.

What a report shows of a quote is made again from its record: context, labelled row or quote. It is
compared without the marks that ``bare`` leaves out, which earlier releases wrote otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import Evidence, Outcome
from research_contract.text.safe import bare, blockquote, one_line, visible
from researcher_job.records.job_folder import JobFolder
from researcher_job.report.html_citations import quote_body
from researcher_job.report.markdown import (
    NEAREST,
    citation_line,
    nearest_blocks,
    numbered_place,
    numbered_quote,
    quote_blocks,
)
from researcher_job.report.report import answer_quote
from researcher_job.verification.faults import Fault

_CITATION = re.compile(r"(?<!\\)\[(\d{1,9})\]")
_BLOCK_QUOTE = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
_ANSWER_CITATION = re.compile(r"” \[(\d{1,9})\]")
_PAGE_QUOTE = re.compile(r"<blockquote[^<>]*>([^<]*(?:<(?!/?blockquote)[^<]*)*)")
_SHOWN = re.compile(r"^(?!>).*(?<!\\)\[(\d{1,9})\]:$", re.MULTILINE)
"""The line above a quote: where it stands, and its number."""

_NEAREST = re.compile(rf"^### {NEAREST}\n.*?(?=\n\n##|\Z)", re.MULTILINE | re.DOTALL)
_FIGURE = re.compile(
    r"<figure([^<>]*)>(<figcaption>[^<]*(?:<(?!/?fig)[^<]*)*</figcaption>)"
    r"([^<]*(?:<(?!/?fig)[^<]*)*)</figure>"
)
_CITED = re.compile(r'href="#c(\d{1,9})"')
_MARK = re.compile(r'<mark id="c(\d{1,9})">([^<]*(?:<(?!/?mark)[^<]*)*)')


def check_reports(
    folder: JobFolder, evidence: Mapping[int, Evidence], nearest: Sequence[Sequence[Evidence]]
) -> Iterator[Fault]:
    """Yield what ``report.md`` and ``report.html`` show otherwise than the records say.

    ``nearest`` are the nearest passages of each question.
    """
    if data := read_whole(folder.file(records.REPORT)):
        text = visible(data.decode(errors="replace"))
        plain = bare(text)
        lines = set(plain.split("\n"))
        for number in sorted({int(digits) for digits in _CITATION.findall(text)}):
            item = evidence.get(number)
            if item is None:
                yield Fault(f"citation {number}", "has no evidence")
            elif bare(numbered_quote(item)) not in plain:
                yield Fault(f"citation {number}", "its quote is not in report.md")
            elif bare(citation_line(item)) not in lines:
                yield Fault(f"citation {number}", "report.md names a different source")
        known = {bare(blockquote(item.quote)) for item in _all(evidence, nearest)}
        for block in _BLOCK_QUOTE.findall(text):
            if bare(block) not in known:
                yield Fault(
                    records.REPORT, f"has a quote without evidence: {one_line(block, most=60)}"
                )
        yield from _check_shown(text, evidence)
        expected = [bare("\n\n".join(nearest_blocks(items))) for items in nearest if items]
        shown = [bare(found[0]).rstrip("\n") for found in _NEAREST.finditer(text)]
        if shown != expected:
            yield Fault(records.REPORT, "does not show the nearest passages as in the results")
    if data := read_whole(folder.file(records.REPORT_HTML)):
        text = visible(data.decode(errors="replace"))
        yield from _check_page(text, evidence, nearest)
        yield from _check_figures(text, evidence, nearest)


def check_answer(outcome: Outcome, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield citations of the short answer in the outcome that differ from the evidence."""
    for number in map(int, _ANSWER_CITATION.findall(outcome.answer)):
        item = evidence.get(number)
        if item is None:
            yield Fault("the answer", f"cites [{number}], which does not exist")
        elif bare(answer_quote(item)) not in bare(outcome.answer):
            yield Fault("the answer", f"does not quote [{number}] word for word")


def _all(evidence: Mapping[int, Evidence], nearest: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    return [*evidence.values(), *(item for items in nearest for item in items)]


def _check_shown(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield quotes whose place, context or words differ where the report shows them."""
    for found in _SHOWN.finditer(text):
        if item := evidence.get(int(found[1])):
            place = bare(found[0]).endswith(bare(f"{numbered_place(item)}:"))
            shown = bare("\n\n".join(["", *quote_blocks(item)]))
            following = bare(text[found.end() :][: 4 * len(shown) + 99]).rstrip("\n") + "\n\n"
            if not place or not following.startswith(f"{shown}\n\n"):
                problem = "its context or words are not as in its record in report.md"
                yield Fault(f"citation {item.n}", problem)


def _check_figures(
    text: str, evidence: Mapping[int, Evidence], nearest: Sequence[Sequence[Evidence]]
) -> Iterator[Fault]:
    """Yield quotes and nearest passages whose context or words differ on the page."""
    near = [quote_body(item) for items in nearest for item in items]
    shown_near = []
    for attributes, caption, body in _FIGURE.findall(text):
        cited = _CITED.search(caption)
        item = evidence.get(int(cited[1])) if cited else None
        if item and body != quote_body(item):
            problem = "its context or words are not as in its record in report.html"
            yield Fault(f"citation {item.n}", problem)
        elif "near" in attributes:
            shown_near.append(body)
    if shown_near != near:
        yield Fault(records.REPORT_HTML, "does not show the nearest passages as in the results")


def _check_page(
    text: str, evidence: Mapping[int, Evidence], nearest: Sequence[Sequence[Evidence]]
) -> Iterator[Fault]:
    for number, marked in _MARK.findall(text):
        item = evidence.get(int(number))
        if item is None:
            yield Fault(f"citation {number}", "is in report.html but has no evidence")
        elif unescape(marked) != visible(item.quote):
            yield Fault(f"citation {number}", "its quote is not in report.html")
    known = {visible(item.quote) for item in _all(evidence, nearest)}
    for quote in map(unescape, _PAGE_QUOTE.findall(text)):
        if quote not in known:
            problem = f"has a quote without evidence: {one_line(quote, most=60)}"
            yield Fault(records.REPORT_HTML, problem)
