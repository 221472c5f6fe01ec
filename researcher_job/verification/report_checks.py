"""Checks that the reports reproduce the evidence exactly: citations, quotes and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import Evidence, Outcome
from research_contract.text.safe import blockquote, one_line, visible
from researcher_job.records.job_folder import JobFolder
from researcher_job.report.markdown import citation_line, numbered_quote
from researcher_job.verification.faults import Fault

_CITATION = re.compile(r"(?<!\\)\[(\d{1,9})\]")
_BLOCK_QUOTE = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
_ANSWER_CITATION = re.compile(r"” \[(\d{1,9})\]")
_PAGE_QUOTE = re.compile(r"<blockquote[^<>]*>([^<]*(?:<(?!/?blockquote)[^<]*)*)")
_MARK = re.compile(r'<mark id="c(\d{1,9})">([^<]*(?:<(?!/?mark)[^<]*)*)')


def check_reports(folder: JobFolder, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield citations and quotes of ``report.md`` and ``report.html`` that differ from evidence."""
    if data := read_whole(folder.file(records.REPORT)):
        yield from _check_markdown(data.decode(errors="replace"), evidence)
    if data := read_whole(folder.file(records.REPORT_HTML)):
        yield from _check_page(data.decode(errors="replace"), evidence)


def check_answer(outcome: Outcome, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield citations of the short answer in the outcome that differ from the evidence."""
    for number in map(int, _ANSWER_CITATION.findall(outcome.answer)):
        item = evidence.get(number)
        if item is None:
            yield Fault("the answer", f"cites [{number}], which does not exist")
        elif f"“{one_line(item.quote)}” [{number}]" not in outcome.answer:
            yield Fault("the answer", f"does not quote [{number}] word for word")


def _check_markdown(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    lines = set(text.split("\n"))
    for number in sorted({int(digits) for digits in _CITATION.findall(text)}):
        item = evidence.get(number)
        if item is None:
            yield Fault(f"citation {number}", "has no evidence")
        elif numbered_quote(item) not in text:
            yield Fault(f"citation {number}", "its quote is not in report.md")
        elif citation_line(item) not in lines:
            yield Fault(f"citation {number}", "report.md names a different source")
    known = {blockquote(item.quote) for item in evidence.values()}
    for block in _BLOCK_QUOTE.findall(text):
        if block not in known:
            yield Fault(records.REPORT, f"has a quote without evidence: {one_line(block, most=60)}")


def _check_page(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    for number, marked in _MARK.findall(text):
        item = evidence.get(int(number))
        if item is None:
            yield Fault(f"citation {number}", "is in report.html but has no evidence")
        elif unescape(marked) != visible(item.quote):
            yield Fault(f"citation {number}", "its quote is not in report.html")
    known = {visible(item.quote) for item in evidence.values()}
    for quote in map(unescape, _PAGE_QUOTE.findall(text)):
        if quote not in known:
            problem = f"has a quote without evidence: {one_line(quote, most=60)}"
            yield Fault(records.REPORT_HTML, problem)
