"""The report of a job that cannot write it, made from its folder alone."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.files import create_once
from research_contract.records import QuestionResult, Request
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from researcher_job.report.conclusion import configuration_hash, outcome_of
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job import jobs
from tests.researcher_job.jobs import NOW, TEXTS, command, make_folder, report_of, run_job, steps_of


@pytest.fixture
def unfinished(tmp_path: Path) -> JobFolder:
    """Return the folder of a job that was stopped during the second of two questions."""
    folder = make_folder(tmp_path)

    async def stop_at_purchases(question: str) -> None:
        if "purchases" in question:
            create_once(folder.file(records.STOP), b"")
            await anyio.sleep_forever()

    run_job(folder, FakeSource(TEXTS, watcher=stop_at_purchases))
    return folder


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("deadline", "The time limit of the job was reached."),
        ("finish_now", "The report was requested before the work was done."),
    ],
)
def test_a_partial_report_is_written_with_its_reason(
    unfinished: JobFolder, why: str, reason: str
) -> None:
    before = steps_of(unfinished)
    done = command("--folder", unfinished.path, "--finish", why, "--attempt", 3)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.DONE, "", "")
    outcome = jobs.outcome_of(unfinished)
    assert (outcome.outcome, outcome.reason, outcome.attempts) == ("partial", reason, 3)
    assert [result.state for result in outcome.questions] == ["answered", "not_found"]
    assert outcome.questions[1].note == "The search was not finished."
    assert outcome.coverage.read == 2
    assert outcome.spent.tool_calls == 2
    assert "thirty days" in report_of(unfinished)
    steps = steps_of(unfinished)
    assert steps[: len(before)] == before
    assert [step.kind for step in steps[len(before) :]] == ["completed"]
    assert verify(unfinished.path).faults == ()


def test_a_job_that_never_started_has_insufficient_evidence(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert command("--folder", tmp_path, "--finish", "deadline").returncode == ExitCode.DONE
    outcome = jobs.outcome_of(folder)
    assert outcome.outcome == "insufficient_evidence"
    assert [result.note for result in outcome.questions] == ["The search was not started."] * 2
    assert verify(tmp_path).faults == ()


def test_evidence_of_an_unfinished_question_is_not_lost(unfinished: JobFolder) -> None:
    unfinished.file(records.TASKS + "/0.json").unlink()
    command("--folder", unfinished.path, "--finish", "finish_now")
    first = jobs.outcome_of(unfinished).questions[0]
    assert (first.state, first.evidence) == ("evidence", (1, 2))


def test_a_dead_job_gets_a_report_and_no_outcome(unfinished: JobFolder) -> None:
    there = {path for path in unfinished.path.rglob("*") if path.is_file()}
    assert command("--folder", unfinished.path, "--finish", "died").returncode == ExitCode.DONE
    new = {path.name for path in unfinished.path.rglob("*") if path.is_file() and path not in there}
    assert new == {records.REPORT, records.REPORT_HTML, ".lock"}
    assert "This report is unfinished" in report_of(unfinished)
    assert verify(unfinished.path).faults == ()


def test_leftover_temporary_files_are_not_part_of_the_result(unfinished: JobFolder) -> None:
    leftover = unfinished.file(".report.md.1.abcd.tmp")
    leftover.write_bytes(b"half")
    command("--folder", unfinished.path, "--finish", "deadline")
    assert not leftover.exists()
    assert verify(unfinished.path).faults == ()


def test_the_outcome_follows_from_the_results() -> None:
    answered = QuestionResult(question="a", state="answered", evidence=(1,))
    partial = QuestionResult(question="b", state="partial", evidence=(2,))
    missing = QuestionResult(question="c", state="not_found")
    found = QuestionResult(question="d", state="evidence", evidence=(3,))
    assert outcome_of([answered, answered]) == "answered"
    assert outcome_of([answered, missing]) == "partial"
    assert outcome_of([partial]) == "partial"
    assert outcome_of([missing, missing]) == "insufficient_evidence"
    assert outcome_of([found, found]) == "evidence"
    assert outcome_of([found, missing]) == "evidence"
    assert outcome_of([found, answered]) == "partial"
    assert outcome_of([found, partial]) == "partial"


def test_the_configuration_hash_depends_on_what_was_requested() -> None:
    one = Request(job_id="20260301-aaaaaaaaaaaaa", question="Why?", created_at=NOW)
    other_job = one.model_copy(update={"job_id": "20260301-bbbbbbbbbbbbb"})
    deeper = one.model_copy(update={"depth": "deep"})
    assert configuration_hash(one) == configuration_hash(other_job)
    assert configuration_hash(one) != configuration_hash(deeper)
    later = one.model_copy(update={"earlier": "../first", "refresh_of": one.job_id})
    follow_up = later.model_copy(update={"refresh_of": None, "follow_up_of": one.job_id})
    assert configuration_hash(later) != configuration_hash(follow_up)
