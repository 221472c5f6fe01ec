"""Changed context and nearest passages are found, also by who recomputed all hashes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from research_contract import records
from research_contract.records import Outcome
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.manifest import hash_files, seal
from researcher_job.verification.verify import verify
from tests.researcher_job.found import found_folder
from tests.researcher_job.jobs import nearest_of, outcome_of

Span = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return found_folder(tmp_path_factory.mktemp("verification"))


@pytest.fixture
def copied(original: JobFolder, tmp_path: Path) -> JobFolder:
    shutil.copytree(original.path, tmp_path / "copy")
    return JobFolder(tmp_path / "copy")


def write_outcome(folder: JobFolder, outcome: Outcome) -> None:
    """Write an outcome with the hashes of the files as they are, as an informed attacker would."""
    files = hash_files(folder.path)
    folder.file(records.OUTCOME).write_bytes(seal(outcome.model_copy(update={"files": files}))[1])


def faults(folder: JobFolder) -> set[str]:
    return {f"{fault.name}: {fault.problem}" for fault in verify(folder.path).faults}


def change_spans(folder: JobFolder, kind: str, change: Callable[[Span], None]) -> int:
    """Change the first context span of this kind of the evidence; return the quote's number."""
    changed = 0
    for path in [*folder.file(records.EVIDENCE_SEGMENTS).iterdir(), folder.file(records.EVIDENCE)]:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        evidence = [item for item in lines if not item["nearest"]]
        spans = [(item["n"], one) for item in evidence for one in item["context"]]
        changed, span = next((n, one) for n, one in spans if one["kind"] == kind)
        change(span)
        path.write_text("".join(json.dumps(item) + "\n" for item in lines), encoding="utf-8")
    write_outcome(folder, outcome_of(folder))
    return changed


@pytest.mark.parametrize("kind", ["heading", "lead_in", "column_head"])
@pytest.mark.parametrize(
    "change",
    [
        lambda span: span.update(text=span["text"].upper()),
        lambda span: span.update(start=span["start"] + 1),
        lambda span: span.update(end=span["end"] - 1),
        lambda span: span.update(text="", end=span["start"]),
        lambda span: span.update(start=-1),
    ],
    ids=["text", "start", "end", "empty", "negative"],
)
def test_a_changed_part_of_the_context_is_found(
    copied: JobFolder, kind: str, change: Callable[[Span], None]
) -> None:
    n = change_spans(copied, kind, change)
    assert any(
        one.startswith(f"quote {n}: its context ({kind}) is not at") for one in faults(copied)
    )


def test_a_head_given_to_another_column_is_found(copied: JobFolder) -> None:
    def move(span: Span) -> None:
        span["cell"] += len("Kestrel 40 | ")

    n = change_spans(copied, "column_head", move)
    assert faults(copied) >= {
        f"citation {n}: its context or words are not as in its record in report.md",
        f"citation {n}: its context or words are not as in its record in report.html",
    }


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (records.REPORT, "Context: “The tenant pays:”", "Context: “The landlord pays:”"),
        (records.REPORT, "Context: “The tenant pays:”\n\n", ""),
        (records.REPORT, "- “Price in EUR: 1200”\n", "- “Price in USD: 1200”\n"),
        (records.REPORT, "- “Price in EUR: 1200”\n", "- “Price in EUR: 1300”\n"),
        (
            records.REPORT,
            "- “Valid from: 2023-01-01”\n",
            "- “Valid from: 2023-01-01”\n- “VAT: none”\n",
        ),
        (records.REPORT, "- “Item: Kestrel 40”\n", ""),
        (records.REPORT_HTML, 'dir="auto">The tenant pays:</p><b', 'dir="auto">He pays:</p><b'),
        (records.REPORT_HTML, "<dt>Price in EUR</dt>", "<dt>Price in USD</dt>"),
        (records.REPORT_HTML, "<dd>1200</dd>", "<dd>1300</dd>"),
        (records.REPORT_HTML, "<dt>Item</dt><dd>Kestrel 40</dd>", ""),
    ],
)
def test_context_shown_otherwise_than_recorded_is_found(
    copied: JobFolder, name: str, before: str, after: str
) -> None:
    path = copied.file(name)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    write_outcome(copied, outcome_of(copied))
    assert any(one.endswith(f"its record in {name}") for one in faults(copied))


def test_a_row_shown_otherwise_in_the_short_answer_is_found(copied: JobFolder) -> None:
    outcome = outcome_of(copied)
    answer = outcome.answer.replace("Price in EUR: 1200", "Price in EUR: 1300")
    assert answer != outcome.answer
    write_outcome(copied, outcome.model_copy(update={"answer": answer}))
    assert any(one.startswith("the answer: does not quote [") for one in faults(copied))


def change_nearest(folder: JobFolder, **changes: object) -> int:
    """Change the first nearest passage of the last question; return its number."""
    number = nearest_of(folder, -1)[0].n
    for path in [*folder.file(records.EVIDENCE_SEGMENTS).iterdir(), folder.file(records.EVIDENCE)]:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        next(item for item in lines if item["n"] == number).update(changes)
        path.write_text("".join(json.dumps(item) + "\n" for item in lines), encoding="utf-8")
    write_outcome(folder, outcome_of(folder))
    return number


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"quote": "The garden is open."}, "is not at"),
        ({"start": 0}, "is not at"),
        ({"snapshot": "0" * 64}, "is missing"),
        ({"snapshot": "../outcome"}, "names no snapshot"),
    ],
)
def test_a_changed_nearest_passage_is_found(
    copied: JobFolder, changes: dict[str, object], problem: str
) -> None:
    number = change_nearest(copied, **changes)
    named = [one for one in faults(copied) if one.startswith(f"quote {number}: ")]
    assert any(problem in one for one in named)


def test_nearest_passages_shown_otherwise_than_in_the_results_are_found(copied: JobFolder) -> None:
    change_nearest(copied, title="The rules")
    assert "report.md: does not show the nearest passages as in the results" in faults(copied)


def test_a_nearest_passage_that_is_called_evidence_is_found(copied: JobFolder) -> None:
    number = nearest_of(copied, -1)[0].n
    outcome = outcome_of(copied)
    *others, last = outcome.questions
    found = copied.evidence()[0].n
    called = last.model_copy(update={"evidence": (number,), "nearest": (found,)})
    write_outcome(copied, outcome.model_copy(update={"questions": (*others, called)}))
    assert faults(copied) >= {
        f"question {len(others) + 1}: names [{number}], which is no evidence",
        f"question {len(others) + 1}: names [{found}], which is no nearest passage",
    }


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (records.REPORT, "> The garden is closed", "> The garden is open"),
        (records.REPORT, "### Nearest passages, not judged to answer", "### The answer"),
        (records.REPORT_HTML, ">The garden is closed", ">The garden is open"),
        (records.REPORT_HTML, '<figure class="near">', "<figure>"),
    ],
)
def test_a_changed_nearest_passage_in_a_report_is_found(
    copied: JobFolder, name: str, before: str, after: str
) -> None:
    path = copied.file(name)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    write_outcome(copied, outcome_of(copied))
    assert f"{name}: does not show the nearest passages as in the results" in faults(copied)
