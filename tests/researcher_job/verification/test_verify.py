"""Verification finds and reports every kind of tampering."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from research_contract import records
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import Verification, verify
from tests.researcher_job.jobs import command, make_folder, outcome_of, run_job


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    folder = make_folder(tmp_path_factory.mktemp("original") / "job")
    run_job(folder)
    return folder


@pytest.fixture
def copied(original: JobFolder, tmp_path: Path) -> JobFolder:
    shutil.copytree(original.path, tmp_path / "copy")
    return JobFolder(tmp_path / "copy")


def faults(folder: JobFolder) -> set[str]:
    return {f"{fault.name}: {fault.problem}" for fault in verify(folder.path).faults}


def edit(folder: JobFolder, name: str, change: Callable[[str], str]) -> None:
    path = folder.file(name)
    before = path.read_bytes().decode()
    after = change(before)
    assert before != after
    path.write_bytes(after.encode())


def snapshot_of(folder: JobFolder) -> str:
    return records.snapshot_name(folder.evidence()[0].snapshot)


def test_an_unchanged_copy_is_verified(copied: JobFolder) -> None:
    found = verify(copied.path)
    assert found.sentence() == f"3 quotes, {len(outcome_of(copied).files)} files: all verified"


def test_a_file_of_the_desktop_is_no_fault(copied: JobFolder) -> None:
    (copied.path / ".DS_Store").write_bytes(b"x")
    assert faults(copied) == set()


def test_a_changed_report_is_reported(copied: JobFolder) -> None:
    edit(copied, records.REPORT, lambda text: text.replace("thirty days", "sixty days"))
    assert faults(copied) == {
        "report.md: was changed",
        "citation 1: its quote is not in report.md",
        "citation 1: its context or words are not as in its record in report.md",
        "report.md: has a quote without evidence: > Retention of log files lasts sixty days.",
    }


def test_an_invented_citation_is_reported(copied: JobFolder) -> None:
    edit(copied, records.REPORT, lambda text: text + "\nInvented. [99]\n")
    assert "citation 99: has no evidence" in faults(copied)


def test_a_changed_page_is_reported(copied: JobFolder) -> None:
    edit(copied, records.REPORT_HTML, lambda text: text + " ")
    assert faults(copied) == {"report.html: was changed"}


def test_a_changed_snapshot_is_reported(copied: JobFolder) -> None:
    name = snapshot_of(copied)
    edit(copied, name, lambda text: text.replace("thirty", "sixty!"))
    assert f"{name}: was changed" in faults(copied)
    assert f"quote 1: its snapshot {name} was changed" in faults(copied)


def test_a_missing_snapshot_is_reported(copied: JobFolder) -> None:
    name = snapshot_of(copied)
    copied.file(name).unlink()
    assert f"{name}: is missing" in faults(copied)
    assert f"quote 1: its snapshot {name} is missing" in faults(copied)


def test_a_moved_quote_is_reported(copied: JobFolder) -> None:
    item = copied.evidence()[0]
    edit(
        copied,
        records.EVIDENCE,
        lambda text: text.replace(f'"start":{item.start},', f'"start":{item.start + 1},', 1),
    )
    assert f"quote 1: is not at {item.start + 1}–{item.end} of its snapshot" in (faults(copied))


def test_a_snapshot_outside_of_the_folder_is_refused(copied: JobFolder) -> None:
    item = copied.evidence()[0]
    edit(copied, records.EVIDENCE, lambda text: text.replace(item.snapshot, "../" * 21 + "x"))
    assert "quote 1: names no snapshot" in faults(copied)


def test_a_snapshot_that_is_a_link_is_refused(copied: JobFolder, tmp_path: Path) -> None:
    path = copied.file(snapshot_of(copied))
    path.rename(tmp_path / "outside.txt")
    path.symlink_to(tmp_path / "outside.txt")
    assert f"{snapshot_of(copied)}: is a link" in faults(copied)
    assert f"quote 1: its snapshot {snapshot_of(copied)} is missing" in faults(copied)


def test_evidence_with_a_wrong_number_or_form_is_reported(copied: JobFolder) -> None:
    edit(copied, records.EVIDENCE, lambda text: text.replace('"n":2,', '"n":7,'))
    assert "quote 2: has the number 7" in faults(copied)
    edit(copied, records.EVIDENCE, lambda text: text.replace('"n":7,', "7,"))
    assert "quote 2: is not valid evidence" in faults(copied)


def test_evidence_with_an_incomplete_line_is_reported(copied: JobFolder) -> None:
    edit(copied, records.EVIDENCE, lambda text: text[:-5])
    assert "evidence.jsonl: ends with an incomplete line" in faults(copied)
    assert "question 2: names quote 3, which does not exist" in faults(copied)


def test_a_missing_step_is_reported(copied: JobFolder) -> None:
    part = records.segment_name(records.STEPS, 1)
    edit(copied, part, lambda text: text.split("\n", 1)[1])
    assert {f"{part}: was changed", "step 1: has the number 2"} <= faults(copied)


def test_a_segment_that_does_not_follow_is_reported(copied: JobFolder) -> None:
    stray = records.segment_name(records.STEPS, 900)
    copied.file(stray).write_bytes(b"")
    assert faults(copied) == {
        f"{stray}: is not listed in the outcome",
        f"{stray}: does not follow from the segment before it",
    }


def test_an_additional_file_is_reported(copied: JobFolder) -> None:
    copied.file("work/tasks/note.txt").write_bytes(b"x")
    assert faults(copied) == {"work/tasks/note.txt: is not listed in the outcome"}


def test_a_changed_request_is_reported(copied: JobFolder) -> None:
    edit(copied, records.REQUEST, lambda text: text.replace("standard", "deep"))
    assert faults(copied) == {
        "request.json: is not the request that the job answered",
        "request.json: was changed",
    }


def test_an_invalid_outcome_is_reported(copied: JobFolder) -> None:
    edit(copied, records.OUTCOME, lambda text: text[:40])
    assert faults(copied) == {"outcome.json: is not a valid outcome"}


def test_files_outside_the_folder_are_not_read(copied: JobFolder) -> None:
    edit(copied, records.OUTCOME, lambda text: text.replace('"report.md"', '"../../secret"'))
    assert faults(copied) == {
        "../../secret: is missing",
        "outcome.json: was changed",
        "report.md: is not listed in the outcome",
    }


def test_an_unfinished_folder_is_verified_as_far_as_possible(copied: JobFolder) -> None:
    for name in (records.OUTCOME, records.EVIDENCE, records.REPORT, records.REPORT_HTML):
        copied.file(name).unlink()
    edit(copied, records.segment_name(records.STEPS, 1), lambda text: text[: text.rfind("{")])
    found: Verification = verify(copied.path)
    assert (found.finished, found.quotes, found.faults) == (False, 3, ())
    assert "the job has no outcome" in found.sentence()


def test_a_missing_outcome_is_reported(copied: JobFolder) -> None:
    copied.file(records.OUTCOME).unlink()
    assert faults(copied) == {
        "outcome.json: is missing, although the step log says the job completed"
    }


def test_the_command_prints_each_fault_and_exits_with_one(copied: JobFolder) -> None:
    edit(copied, records.REPORT_HTML, lambda text: text + " ")
    (copied.path / "\x1b[2Jevil\n").write_bytes(b"")
    checked = command("verify", copied.path)
    assert checked.returncode == ExitCode.FAILED
    assert checked.stdout.splitlines() == [
        "report.html: was changed",
        "<U+001B>[2Jevil: is not listed in the outcome",
        f"3 quotes, {len(outcome_of(copied).files)} files: 2 faults found",
    ]
    said = json.loads(command("verify", copied.path, "--json").stdout)
    assert said["verified"] is False
    assert said["faults"][0] == {"name": "report.html", "problem": "was changed"}


@pytest.mark.parametrize("newer", [records.REQUEST, records.OUTCOME])
def test_a_newer_folder_is_refused_with_a_message(copied: JobFolder, newer: str) -> None:
    edit(copied, newer, lambda text: text.replace('"format_version":2', '"format_version":3'))
    checked = command("verify", copied.path)
    assert checked.returncode == ExitCode.NO_REQUEST
    assert "format version 3" in checked.stderr


def test_a_folder_without_a_request_is_refused(tmp_path: Path) -> None:
    checked = command("verify", tmp_path / "nowhere")
    assert checked.returncode == ExitCode.NO_REQUEST
    assert checked.stderr == "There is no such folder.\n"
