"""Checks what a model wrote: each sentence is proven by its quotes, and no other one is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from research_contract import records
from research_contract.files import read_whole
from research_contract.records import Evidence, Outcome
from research_contract.text.safe import bare, one_line, visible
from research_contract.written_report import WrittenReport
from researcher_job.evidence.proof import absence_text, unproven
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.ledger import MODEL, Call, paid_calls
from researcher_job.report.report import claim_text
from researcher_job.verification.faults import Fault

_SECTION = re.compile(r"^## (\d+)\. .*$", re.MULTILINE)
_SENTENCE = re.compile(r"^- (?:.*(?<!\\)\[\d+\]|Nothing was found in the \d+ docum.*)$")


def check_claims(
    folder: JobFolder, outcome: Outcome, evidence: Mapping[int, Evidence]
) -> Iterator[Fault]:
    """Yield sentences that their quotes do not prove, and those of the report that differ.

    A second time is asked what the writer of the report asked: ``unproven``.
    """
    written = folder.written()
    if written is None:
        return
    every = [*written.summary, *(one for section in written.sections for one in section.claims)]
    questions = [*(one.question for one in outcome.questions), folder.request().question]
    absences = {absence_text(one_line(one), outcome.coverage) for one in questions}
    for claim in every:
        reason = unproven(claim, evidence, outcome.coverage)
        if claim.kind == "absence" and claim.text not in absences:
            reason = "it is no sentence about what was not found"
        if reason:
            yield Fault(f"the sentence “{one_line(claim.text, most=60)}”", reason)
    data = read_whole(folder.file(records.REPORT)) or b""
    yield from _check_report(bare(visible(data.decode(errors="replace"))), written)


def _check_report(report: str, written: WrittenReport) -> Iterator[Fault]:
    """Yield sections whose sentences are not those that were written, and a lacking summary."""
    summary = bare(" ".join(map(claim_text, written.summary)))
    if summary not in report:
        yield Fault(records.REPORT, "does not have the short answer that was written")
    claims = {section.question: section.claims for section in written.sections}
    starts = list(_SECTION.finditer(report))
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else report.find("\n## ", start.end())
        lines = report[start.end() : end if end >= 0 else None].split("\n")
        shown = [line for line in lines if _SENTENCE.match(line)]
        expected = [bare(f"- {claim_text(one)}") for one in claims.get(int(start[1]), ())]
        if shown != expected:
            yield Fault(records.REPORT, f"has other sentences in section {start[1]}")


def check_calls(folder: JobFolder, outcome: Outcome) -> Iterator[Fault]:
    """Yield kept calls that are not those of their names, and of instructions nobody named."""
    for file, paid in paid_calls(folder.path):
        name = f"{records.RESULTS}/{file}"
        if paid is None:
            yield Fault(name, "is no valid call")
            continue
        if not paid.arguments:
            continue  # of a release that did not keep them
        if Call(paid.kind, paid.arguments, paid.cost).name != name:
            yield Fault(name, "is another call than its name says")
        prompt = paid.arguments.get("name")
        if paid.kind == MODEL and prompt is not None and prompt not in outcome.prompts:
            yield Fault(name, "has instructions that the outcome does not name")
