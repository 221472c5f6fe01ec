"""Verifies a job folder, wherever it was copied: quotes, context, hashes, steps, citations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from research_contract import records as contract
from research_contract.files import decode_lines, read_whole
from research_contract.records import (
    Evidence,
    Outcome,
    QuestionResult,
    Request,
    Step,
)
from research_contract.text.safe import one_line
from researcher_job.core.errors import InvalidQuote
from researcher_job.core.plural import counted
from researcher_job.evidence.evidence_book import in_place, read_snapshot
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.manifest import hash_file, is_sealed, written_files
from researcher_job.records.segments import read_segments
from researcher_job.report.conclusion import configuration_hash, outcome_of
from researcher_job.verification.claim_checks import check_calls, check_claims
from researcher_job.verification.faults import Fault
from researcher_job.verification.report_checks import check_answer, check_reports


@dataclass(frozen=True)
class Verification:
    """The number of checked quotes and files, and the faults. ``finished``: an outcome exists."""

    quotes: int
    files: int
    finished: bool
    faults: tuple[Fault, ...]

    def sentence(self) -> str:
        """Return the result in one line."""
        checked = f"{counted(self.quotes, 'quote')}, {counted(self.files, 'file')}"
        if self.faults:
            return f"{checked}: {counted(len(self.faults), 'fault')} found"
        hashes = "" if self.finished else " (the job has no outcome, so there are no hashes yet)"
        return f"{checked}: all verified{hashes}"


def verify(root: Path) -> Verification:
    """Check the job folder at ``root`` and return all faults.

    Raises:
        RequestUnreadable: there is no request, or it has a newer format version.
        NewerFormat: another file has a newer format version.
    """
    folder = JobFolder(root)
    request = folder.request()
    outcome = folder.outcome()
    evidence, faults = _read_evidence(folder)
    by_number = {item.n: item for item in evidence}
    faults += _check_quotes(folder, request, evidence)
    results = outcome.questions if outcome else _results_so_far(folder, request)
    faults += _check_nearest(results, by_number)
    steps = read_segments(root, contract.STEPS, Step)
    faults += _check_steps(folder, steps.records, finished=outcome is not None)
    faults += _check_segments(folder, steps.names)
    nearest = [[by_number[n] for n in one.nearest if n in by_number] for one in results]
    faults += check_reports(folder, by_number, nearest)
    if outcome:
        faults += _check_outcome(folder, outcome, request, by_number)
        faults += check_answer(outcome, by_number)
        faults += check_claims(folder, outcome, by_number)
        faults += check_calls(folder, outcome)
        faults += _check_files(root, outcome)
    elif read_whole(folder.file(contract.OUTCOME)) is not None:
        faults.append(Fault(contract.OUTCOME, "is not a valid outcome"))
    return Verification(
        quotes=len(evidence),
        files=len(outcome.files) if outcome else 0,
        finished=outcome is not None,
        faults=tuple(faults),
    )


def _read_evidence(folder: JobFolder) -> tuple[list[Evidence], list[Fault]]:
    """Read ``evidence.jsonl``, or the segments if the job has not written that file yet."""
    faults = []
    records: Sequence[Evidence | None]
    segmented = read_segments(folder.path, contract.EVIDENCE_SEGMENTS, Evidence).records
    data = read_whole(folder.file(contract.EVIDENCE))
    if data is None:
        records = segmented
    else:
        records = [item for item, _ in decode_lines(Evidence, data)]
        if data and not data.endswith(b"\n"):
            faults.append(Fault(contract.EVIDENCE, "ends with an incomplete line"))
        if records != [item for item in segmented if item]:
            faults.append(Fault(contract.EVIDENCE, "differs from the evidence segments"))
    for number, item in enumerate(records, start=1):
        if item is None:
            faults.append(Fault(f"quote {number}", "is not valid evidence"))
        elif item.n != number:
            faults.append(Fault(f"quote {number}", f"has the number {item.n}"))
    return [item for item in records if item], faults


def _check_quotes(
    folder: JobFolder, request: Request, evidence: Sequence[Evidence]
) -> Iterator[Fault]:
    """Check each quote, its context and its paragraph, and that its question exists."""
    questions = len(folder.questions(request))
    for item in evidence:
        name = f"quote {item.n}"
        yield from _check_quoted(folder, name, item)
        if not -1 <= item.question < questions:
            yield Fault(name, "belongs to no question")


def _results_so_far(folder: JobFolder, request: Request) -> tuple[QuestionResult, ...]:
    """Return the results of the finished questions of a job that has no outcome."""
    questions = folder.questions(request)
    tasks = [folder.task(index) for index in range(len(questions))]
    return tuple(task.result for task in tasks if task and task.result)


def _check_nearest(
    results: Sequence[QuestionResult], by_number: Mapping[int, Evidence]
) -> Iterator[Fault]:
    """Check that no result names evidence as a nearest passage, or a passage as evidence."""
    for number, result in enumerate(results, start=1):
        for n in result.nearest:
            if n not in by_number or not by_number[n].nearest:
                yield Fault(f"question {number}", f"names [{n}], which is no nearest passage")
        for n in result.evidence:
            if n in by_number and by_number[n].nearest:
                yield Fault(f"question {number}", f"names [{n}], which is no evidence")


def _check_quoted(folder: JobFolder, name: str, item: Evidence) -> Iterator[Fault]:
    """Check a quote, each part of its context and its paragraph against the snapshot."""
    try:
        text = read_snapshot(folder.path, item.snapshot)
    except InvalidQuote as error:
        yield Fault(name, str(error))
        return
    if not in_place(item.quote, item.start, item.end, text):
        yield Fault(name, f"is not at {item.start}–{item.end} of its snapshot")
    elif item.paragraph not in text:
        yield Fault(name, "its paragraph is not in its snapshot")
    for span in item.context:
        if not in_place(span.text, span.start, span.end, text):
            place = f"at {span.start}–{span.end} of its snapshot"
            yield Fault(name, f"its context ({one_line(span.kind, most=20)}) is not {place}")


def _check_steps(
    folder: JobFolder, steps: Sequence[Step | None], *, finished: bool
) -> Iterator[Fault]:
    for number, step in enumerate(steps, start=1):
        if step is None:
            yield Fault(f"step {number}", "is not a valid step")
        elif step.step != number:
            yield Fault(f"step {number}", f"has the number {step.step}")
    completed = any(step and step.kind == "completed" for step in steps)
    if completed and not finished and not folder.file(contract.OUTCOME).exists():
        yield Fault(contract.OUTCOME, "is missing, although the step log says the job completed")


def _check_segments(folder: JobFolder, step_segments: Sequence[str]) -> Iterator[Fault]:
    """Yield files in the folders of the journals that do not follow from the segment before."""
    evidence = read_segments(folder.path, contract.EVIDENCE_SEGMENTS, Evidence)
    following = {*step_segments, *evidence.names}
    for name in written_files(folder.path):
        journal = name.split("/", 1)[0]
        if journal in {contract.STEPS, contract.EVIDENCE_SEGMENTS} and name not in following:
            yield Fault(name, "does not follow from the segment before it")


def _check_outcome(
    folder: JobFolder, outcome: Outcome, request: Request, evidence: Mapping[int, Evidence]
) -> Iterator[Fault]:
    """Check the outcome's hash, request and result, and the evidence that its questions name."""
    if not is_sealed(outcome, read_whole(folder.file(contract.OUTCOME)) or b""):
        yield Fault(contract.OUTCOME, "was changed")
    if configuration_hash(request) != outcome.configuration_sha256:
        yield Fault(contract.REQUEST, "is not the request that the job answered")
    if outcome_of(outcome.questions) != outcome.outcome:
        problem = f"says {outcome.outcome}, which does not match the results of its questions"
        yield Fault(contract.OUTCOME, problem)
    for number, result in enumerate(outcome.questions, start=1):
        for n in sorted(set(result.evidence)):
            if n not in evidence:
                yield Fault(f"question {number}", f"names quote {n}, which does not exist")
            elif evidence[n].question != number - 1:
                yield Fault(f"question {number}", f"names quote {n} of another question")


def _check_files(root: Path, outcome: Outcome) -> Iterator[Fault]:
    present = set(written_files(root))
    for name, expected in outcome.files.items():
        if name not in present:
            yield Fault(name, "is missing")
        elif (root / name).is_symlink():
            yield Fault(name, "is a link")
        elif hash_file(root / name) != expected:
            yield Fault(name, "was changed")
    for name in sorted(present - set(outcome.files)):
        yield Fault(name, "is not listed in the outcome")
