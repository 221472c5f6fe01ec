"""Whether the reports show the evidence as it is: each citation, each quote, each mark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import Evidence, Outcome
from research_contract.text.safe import blockquote, one_line, visible
from researcher_job.records.job_folder import JobFolder
from researcher_job.report.markdown import citation_line, quoted
from researcher_job.verification.faults import Fault

_CITED = re.compile(r"(?<!\\)\[(\d{1,9})\]")
_BLOCK_QUOTE = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
_ANSWER = re.compile(r"” \[(\d{1,9})\]")
_PAGE_QUOTE = re.compile(r"<blockquote[^>]*>(.*?)</blockquote>", re.DOTALL)
_MARK = re.compile(r'<mark id="c(\d{1,9})">(.*?)</mark>', re.DOTALL)


def check_reports(folder: JobFolder, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield what ``report.md`` and ``report.html`` cite or quote and the evidence does not say."""
    if data := read_whole(folder.file(records.REPORT)):
        yield from _markdown(data.decode(errors="replace"), evidence)
    if data := read_whole(folder.file(records.REPORT_HTML)):
        yield from _page(data.decode(errors="replace"), evidence)


def check_answer(outcome: Outcome, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    """Yield what the short answer of the outcome cites and the evidence does not say."""
    said = {n: f"“{one_line(item.quote)}” [{n}]" for n, item in evidence.items()}
    for number in map(int, _ANSWER.findall(outcome.answer)):
        if number not in said:
            yield Fault("the answer", f"cites [{number}], which is not there")
        elif said[number] not in outcome.answer:
            yield Fault("the answer", f"does not quote [{number}] word for word")


def _numbers(text: str) -> list[int]:
    return sorted({int(found) for found in _CITED.findall(text)})


def _markdown(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    lines = set(text.split("\n"))
    for number in _numbers(text):
        item = evidence.get(number)
        if item is None:
            yield Fault(f"citation {number}", "has no evidence")
        elif quoted(item) not in text:
            yield Fault(f"citation {number}", "its quote does not stand in report.md")
        elif citation_line(item) not in lines:
            yield Fault(f"citation {number}", "its source is not the one in report.md")
    known = {blockquote(item.quote) for item in evidence.values()}
    for block in _BLOCK_QUOTE.findall(text):
        if block not in known:
            yield Fault(records.REPORT, f"quotes what no evidence says: {one_line(block, most=60)}")


def _page(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    for number, marked in _MARK.findall(text):
        item = evidence.get(int(number))
        if item is None:
            yield Fault(f"citation {number}", "is on the page and has no evidence")
        elif unescape(marked) != visible(item.quote):
            yield Fault(f"citation {number}", "its quote does not stand in report.html")
    known = {visible(item.quote) for item in evidence.values()}
    for said in map(unescape, _PAGE_QUOTE.findall(text)):
        if said not in known:
            problem = f"quotes what no evidence says: {one_line(said, most=60)}"
            yield Fault(records.REPORT_HTML, problem)
