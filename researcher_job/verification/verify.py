"""Checks a job folder again, wherever it was copied: every quote, hash, step and citation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from research_contract import records as contract
from research_contract.files import decode_lines, read_whole
from research_contract.records import Evidence, Outcome, Request, Step
from researcher_job.core.errors import InvalidQuote
from researcher_job.evidence.evidence_book import read_snapshot
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.manifest import hash_file, is_sealed, written_files
from researcher_job.records.segments import read_segments
from researcher_job.report.conclusion import configuration_hash, outcome_of
from researcher_job.verification.faults import Fault
from researcher_job.verification.report_checks import check_answer, check_reports


@dataclass(frozen=True)
class Verification:
    """What was checked and what did not hold. ``finished``: there is an outcome."""

    quotes: int
    files: int
    finished: bool
    faults: tuple[Fault, ...]

    def sentence(self) -> str:
        """Say it in one line."""
        said = f"{_count(self.quotes, 'quote')}, {_count(self.files, 'file')}"
        if self.faults:
            return f"{said}: {_count(len(self.faults), 'fault')} found"
        late = "" if self.finished else " (the job has no outcome, so there are no hashes yet)"
        return f"{said}: all verified{late}"


def verify(root: Path) -> Verification:
    """Check the job folder at ``root`` and return all that does not hold.

    Raises:
        RequestUnreadable: there is no request, or it has a newer format version.
        NewerFormat: another file has a newer format version.
    """
    folder = JobFolder(root)
    request = folder.request()
    outcome = folder.outcome()
    evidence, faults = _evidence(folder)
    by_number = {item.n: item for item in evidence}
    faults += _quotes(folder, evidence)
    faults += _asked(request, evidence)
    faults += _steps(folder, finished=outcome is not None)
    faults += check_reports(folder, by_number)
    if outcome:
        faults += _outcome(folder, outcome, request)
        faults += _results(outcome, by_number)
        faults += check_answer(outcome, by_number)
        faults += _files(root, outcome)
    elif read_whole(folder.file(contract.OUTCOME)) is not None:
        faults.append(Fault(contract.OUTCOME, "does not hold a valid outcome"))
    return Verification(
        quotes=len(evidence),
        files=len(outcome.files) if outcome else 0,
        finished=outcome is not None,
        faults=tuple(faults),
    )


def _evidence(folder: JobFolder) -> tuple[list[Evidence], list[Fault]]:
    """Read ``evidence.jsonl``, or the parts of a job that has not composed it yet."""
    parts = read_segments(folder.path, contract.EVIDENCE_SEGMENTS, Evidence).records
    data = read_whole(folder.file(contract.EVIDENCE))
    if data is None:
        return _numbered(list(parts))
    composed = [item for item, _ in decode_lines(Evidence, data)]
    items, faults = _numbered(composed)
    if data and not data.endswith(b"\n"):
        faults.append(Fault(contract.EVIDENCE, "ends in a torn line"))
    if composed != [item for item in parts if item]:
        faults.append(Fault(contract.EVIDENCE, "is not what stands in the parts of the evidence"))
    return items, faults


def _numbered(records: list[Evidence | None]) -> tuple[list[Evidence], list[Fault]]:
    faults = []
    for number, item in enumerate(records, start=1):
        if item is None:
            faults.append(Fault(f"quote {number}", "is no valid evidence"))
        elif item.n != number:
            faults.append(Fault(f"quote {number}", f"carries the number {item.n}"))
    return [item for item in records if item], faults


def _quotes(folder: JobFolder, evidence: list[Evidence]) -> Iterator[Fault]:
    for item in evidence:
        if problem := _misquote(folder, item):
            yield Fault(f"quote {item.n}", problem)


def _asked(request: Request, evidence: list[Evidence]) -> Iterator[Fault]:
    count = len(contract.questions_of(request.question, request.plan))
    for item in evidence:
        if not -1 <= item.question < count:
            yield Fault(f"quote {item.n}", "belongs to no question")


def _misquote(folder: JobFolder, item: Evidence) -> str:
    try:
        text = read_snapshot(folder.path, item.snapshot)
    except InvalidQuote as error:
        return str(error)
    if not item.quote or item.start < 0 or text[item.start : item.end] != item.quote:
        return f"does not stand at {item.start}–{item.end} of its snapshot"
    return "" if item.paragraph in text else "its paragraph does not stand in its snapshot"


def _steps(folder: JobFolder, *, finished: bool) -> Iterator[Fault]:
    read = read_segments(folder.path, contract.STEPS, Step)
    for number, step in enumerate(read.records, start=1):
        if step is None:
            yield Fault(f"step {number}", "is no valid step")
        elif step.step != number:
            yield Fault(f"step {number}", f"carries the number {step.step}")
    completed = any(step and step.kind == "completed" for step in read.records)
    if completed and not finished and not folder.file(contract.OUTCOME).exists():
        yield Fault(contract.OUTCOME, "is missing, although the step log says the job completed")
    followed = {
        *read.names,
        *read_segments(folder.path, contract.EVIDENCE_SEGMENTS, Evidence).names,
    }
    for name in written_files(folder.path):
        top = name.split("/", 1)[0]
        if top in {contract.STEPS, contract.EVIDENCE_SEGMENTS} and name not in followed:
            yield Fault(name, "does not follow from the part before it")


def _outcome(folder: JobFolder, outcome: Outcome, request: Request) -> Iterator[Fault]:
    if not is_sealed(outcome, read_whole(folder.file(contract.OUTCOME)) or b""):
        yield Fault(contract.OUTCOME, "was changed")
    if configuration_hash(request) != outcome.configuration_sha256:
        yield Fault(contract.REQUEST, "is not the request that the job answered")
    if outcome_of(outcome.questions) != outcome.outcome:
        yield Fault(contract.OUTCOME, f"says {outcome.outcome}, which its questions do not")


def _results(outcome: Outcome, evidence: Mapping[int, Evidence]) -> Iterator[Fault]:
    for number, result in enumerate(outcome.questions, start=1):
        for n in sorted(set(result.evidence)):
            if n not in evidence:
                yield Fault(f"question {number}", f"names the quote {n}, which is not there")
            elif evidence[n].question != number - 1:
                yield Fault(f"question {number}", f"names the quote {n} of another question")


def _files(root: Path, outcome: Outcome) -> Iterator[Fault]:
    there = set(written_files(root))
    for name, expected in outcome.files.items():
        if name not in there:
            yield Fault(name, "is missing")
        elif (root / name).is_symlink():
            yield Fault(name, "is a link")
        elif hash_file(root / name) != expected:
            yield Fault(name, "was changed")
    for name in sorted(there - set(outcome.files)):
        yield Fault(name, "is not known to the outcome")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
