"""A follow-up carries over evidence of its base job after verifying every quote."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from research_contract import records
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import LOCK, JobFolder
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import (
    QUESTIONS,
    TEXTS,
    WAIT,
    command,
    make_folder,
    outcome_of,
    report_of,
    run_job,
    steps_of,
)

FIRST, SECOND = "20260301-aaaaaaaaaaaaa", "20260302-bbbbbbbbbbbbb"
OTHER = {"canteen": "Lunch costs four euro."}


@pytest.fixture
def first(tmp_path: Path) -> JobFolder:
    folder = make_folder(tmp_path / "first")
    run_job(folder)
    return folder


def follow(
    tmp_path: Path,
    question: str,
    texts: Mapping[str, str],
    *,
    earlier: str = "../first",
    withheld: tuple[str, ...] = (),
) -> JobFolder:
    folder = make_folder(
        tmp_path / "second",
        job_id=SECOND,
        question=question,
        follow_up_of=FIRST,
        earlier=earlier,
        withheld=withheld,
    )
    assert run_job(folder, FakeSource(texts)) == ExitCode.DONE
    assert verify(folder.path).faults == ()
    return folder


def messages(folder: JobFolder) -> str:
    return "\n".join(step.message for step in steps_of(folder))


def test_evidence_of_the_base_job_answers_a_new_question(first: JobFolder, tmp_path: Path) -> None:
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    [item, *_] = second.evidence()
    assert item.quote == "Backup files are kept for ninety days."
    assert item.carried_from == FIRST
    assert outcome_of(second).outcome == "answered"
    assert f"(texts; from job {FIRST}) [1]:" in report_of(second)
    assert "verified again against their stored copies" in report_of(second)


def test_carried_evidence_does_not_need_the_base_folder(first: JobFolder, tmp_path: Path) -> None:
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    shutil.rmtree(first.path)
    assert verify(second.path).faults == ()


def test_a_quote_still_in_the_sources_is_cited_from_them(first: JobFolder, tmp_path: Path) -> None:
    second = follow(tmp_path, "How long are backup files kept?", TEXTS)
    assert second.evidence()
    assert {item.carried_from for item in second.evidence()} == {""}


def test_a_quote_that_was_found_again_costs_no_search(first: JobFolder, tmp_path: Path) -> None:
    source = FakeSource(TEXTS)
    second = make_folder(
        tmp_path / "second",
        job_id=SECOND,
        question=QUESTIONS[0],
        follow_up_of=FIRST,
        earlier="../first",
    )
    run_job(second, source)
    known = "Retention of log files lasts thirty days."
    assert known in {item.quote for item in second.evidence()}
    assert known not in source.searched


def test_a_quote_only_the_base_job_found_is_cited_from_the_current_sources(
    first: JobFolder, tmp_path: Path
) -> None:
    louder = {f"note {n}": f"Which backup files are kept where, note {n}." for n in range(3)}
    second = follow(tmp_path, "Which backup files are kept where?", {**louder, **TEXTS})
    origins = {item.quote: item.carried_from for item in second.evidence()}
    assert origins["Backup files are kept for ninety days."] == ""


def test_a_quote_that_does_not_fit_is_not_carried_over(first: JobFolder, tmp_path: Path) -> None:
    second = follow(tmp_path, "Which lunch costs what?", OTHER)
    assert [item.quote for item in second.evidence()] == ["Lunch costs four euro."]


def test_an_outdated_quote_is_left_out(first: JobFolder, tmp_path: Path) -> None:
    now = {"logs": "Nothing is kept. Backup files are shredded at once, all of them."}
    second = follow(tmp_path, "Where are ninety backup files kept?", now)
    assert "left out 2 outdated quotes" in messages(second)
    assert not [item for item in second.evidence() if item.carried_from]


def test_a_quote_that_was_tampered_with_is_not_carried_over(
    first: JobFolder, tmp_path: Path
) -> None:
    part = first.file(records.segment_name(records.EVIDENCE_SEGMENTS, 1))
    part.write_text(part.read_text().replace("ninety days", "twenty days"))
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    assert "did not match their stored snapshots and were left out" in messages(second)
    assert "twenty" not in report_of(second)


def test_quotes_of_a_linked_snapshot_are_not_carried_over(first: JobFolder, tmp_path: Path) -> None:
    for path in first.file(records.SNAPSHOTS).iterdir():
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    assert second.evidence() == ()


def test_evidence_of_an_unfinished_job_is_carried_over(first: JobFolder, tmp_path: Path) -> None:
    for name in (records.OUTCOME, records.EVIDENCE, records.REPORT):
        first.file(name).unlink()
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    assert second.evidence()[0].carried_from == FIRST


@pytest.mark.parametrize("gone", [records.EVIDENCE_SEGMENTS, records.SNAPSHOTS])
def test_a_base_job_that_is_half_removed_is_told(
    first: JobFolder, tmp_path: Path, gone: str
) -> None:
    for path in first.file(gone).iterdir():
        path.unlink()
    second = follow(tmp_path, "How long are backup files kept?", OTHER)
    assert "Its folder is incomplete, as if it were being removed." in messages(second)


def test_a_whole_base_job_is_not_called_incomplete(first: JobFolder, tmp_path: Path) -> None:
    assert first.evidence() != ()
    assert "incomplete" not in messages(follow(tmp_path, "How long are backup files kept?", OTHER))


def test_the_base_job_may_still_be_running(tmp_path: Path) -> None:
    running = make_folder(tmp_path / "first")
    program = [
        sys.executable,
        "-m",
        "tests.researcher_job.research.held_job",
        str(running.path),
        "purchases",
    ]
    process = subprocess.Popen([*program, "1", str(running.file(LOCK))])
    try:
        until = time.monotonic() + WAIT
        while not running.evidence():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        second = follow(tmp_path, "How long is the retention of log files?", OTHER)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert running.outcome() is None
    assert second.evidence()[0].quote == "Retention of log files lasts thirty days."
    assert {item.carried_from for item in second.evidence()} == {FIRST}


@pytest.mark.parametrize("earlier", ["../nowhere", "../second"])
def test_a_folder_of_another_job_is_not_used(
    first: JobFolder, tmp_path: Path, earlier: str
) -> None:
    second = follow(tmp_path, "How long are backup files kept?", OTHER, earlier=earlier)
    assert "No evidence is carried over from it." in messages(second)
    assert second.evidence() == ()


@pytest.mark.parametrize(("withheld", "kept"), [(("Texts",), False), (("others",), True)])
def test_evidence_of_a_withheld_source_is_left_out_and_counted(
    first: JobFolder, tmp_path: Path, withheld: tuple[str, ...], *, kept: bool
) -> None:
    second = follow(tmp_path, "How long are backup files kept?", OTHER, withheld=withheld)
    assert bool(second.evidence()) == kept
    assert ("3 from sources that this job may not use were left out." in messages(second)) != kept
    text = "\n".join(path.read_text() for path in second.path.rglob("*.txt"))
    assert ("ninety days" in text) == kept


def test_carried_evidence_answers_without_readable_sources(
    first: JobFolder, tmp_path: Path
) -> None:
    second = follow(tmp_path, "How long are backup files kept?", {})
    assert outcome_of(second).outcome == "answered"


def test_a_carried_quote_keeps_the_job_that_found_it(first: JobFolder, tmp_path: Path) -> None:
    follow(tmp_path, "How long are backup files kept?", OTHER)
    third = make_folder(
        tmp_path / "third",
        job_id="20260303-ccccccccccccc",
        question="Which backup files are kept?",
        follow_up_of=SECOND,
        earlier=str(tmp_path / "second"),
    )
    run_job(third, FakeSource(OTHER))
    assert third.evidence()[0].carried_from == FIRST


def test_it_works_with_real_folders_and_documents(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "rules.md").write_text("# Rules\n\nThe harbour master grants berths to ships.\n")
    source = {"name": "docs", "uri": documents.as_uri()}
    one = make_folder(tmp_path / "one", question="Who grants berths to ships?", sources=(source,))
    assert command("--folder", one.path, "--cache", tmp_path / "cache").returncode == 0
    (documents / "rules.md").write_text("# Lunch\n\nSoup is served at noon.\n")
    (documents / "rules.md").rename(documents / "lunch.md")
    two = make_folder(
        tmp_path / "two",
        job_id=SECOND,
        question="Who grants berths to ships in the harbour?",
        sources=(source,),
        follow_up_of=FIRST,
        earlier="../one",
    )
    assert command("--folder", two.path, "--cache", tmp_path / "cache").returncode == 0
    assert "The harbour master grants berths to ships." in report_of(two)
    assert two.evidence()[0].carried_from == FIRST
    assert command("verify", two.path).returncode == 0
