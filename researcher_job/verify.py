"""Checks a job folder again, wherever it was copied: every quote, hash, step and citation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from researcher_job import contract
from researcher_job.contract import Evidence, Outcome, Step
from researcher_job.errors import Misquoted
from researcher_job.evidence import sha256_of
from researcher_job.finish import configuration_hash
from researcher_job.folder import JobFolder
from researcher_job.inventory import hash_file, written_files
from researcher_job.parts import read_parts
from researcher_job.writer import quoted

_CITED = re.compile(r"(?<!\\)\[(\d{1,9})\]")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: what (a file, ``quote 3``, ``step 7``) and why."""

    name: str
    problem: str


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
    faults += _quotes(folder, evidence)
    faults += _steps(folder)
    faults += _citations(folder, {item.n: item for item in evidence})
    if outcome:
        faults += _files(root, outcome)
        faults += _results(outcome, {item.n for item in evidence})
        if configuration_hash(request) != outcome.configuration_sha256:
            faults.append(Fault(contract.REQUEST, "is not the request that the job answered"))
    elif contract.read_whole(folder.file(contract.OUTCOME)) is not None:
        faults.append(Fault(contract.OUTCOME, "does not hold a valid outcome"))
    return Verification(
        quotes=len(evidence),
        files=len(outcome.files) if outcome else 0,
        finished=outcome is not None,
        faults=tuple(faults),
    )


def _evidence(folder: JobFolder) -> tuple[list[Evidence], list[Fault]]:
    """Read ``evidence.jsonl``, or the parts of a job that has not composed it yet."""
    data = contract.read_whole(folder.file(contract.EVIDENCE))
    if data is None:
        return _numbered(list(read_parts(folder.path, contract.EVIDENCE_PARTS, Evidence).records))
    items, faults = _numbered([item for item, _ in contract.decode_lines(Evidence, data)])
    if data and not data.endswith(b"\n"):
        faults.append(Fault(contract.EVIDENCE, "ends in a torn line"))
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


def _misquote(folder: JobFolder, item: Evidence) -> str:
    if not _SHA256.fullmatch(item.snapshot):
        return "names no snapshot"
    name = contract.snapshot_name(item.snapshot)
    path = folder.file(name)
    data = None if path.is_symlink() else contract.read_whole(path)
    if data is None:
        return f"its snapshot {name} is missing"
    try:
        text = data.decode()
        if sha256_of(text) != item.snapshot:
            return f"its snapshot {name} was changed"
    except (UnicodeDecodeError, Misquoted):
        return f"its snapshot {name} is not valid text"
    if not item.quote or item.start < 0 or text[item.start : item.end] != item.quote:
        return f"does not stand at {item.start}–{item.end} of its snapshot"
    return ""


def _steps(folder: JobFolder) -> Iterator[Fault]:
    read = read_parts(folder.path, contract.STEPS, Step)
    for number, step in enumerate(read.records, start=1):
        if step is None:
            yield Fault(f"step {number}", "is no valid step")
        elif step.step != number:
            yield Fault(f"step {number}", f"carries the number {step.step}")
    followed = {*read.names, *read_parts(folder.path, contract.EVIDENCE_PARTS, Evidence).names}
    for name in written_files(folder.path):
        top = name.split("/", 1)[0]
        if top in {contract.STEPS, contract.EVIDENCE_PARTS} and name not in followed:
            yield Fault(name, "does not follow from the part before it")


def _citations(folder: JobFolder, evidence: dict[int, Evidence]) -> Iterator[Fault]:
    data = contract.read_whole(folder.file(contract.REPORT))
    if data is None:
        return
    text = data.decode(errors="replace")
    for number in sorted({int(found) for found in _CITED.findall(text)}):
        item = evidence.get(number)
        if item is None:
            yield Fault(f"citation {number}", "has no evidence")
        elif quoted(item) not in text:
            yield Fault(f"citation {number}", "its quote does not stand in report.md")


def _results(outcome: Outcome, known: set[int]) -> Iterator[Fault]:
    for number, result in enumerate(outcome.questions, start=1):
        for n in sorted(set(result.evidence) - known):
            yield Fault(f"question {number}", f"names the quote {n}, which is not there")


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
