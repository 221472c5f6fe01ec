"""A job from request to outcome, over texts in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.files import create_once
from research_contract.records import Coverage, Depth, Limits, NotRead, Plan
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode, JobError, error_message
from researcher_job.sources.base import Quote, Source
from researcher_job.strategies.base import Finding
from researcher_job.testing import FakeSource, FakeStrategy
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import (
    NOW,
    QUESTIONS,
    TEXTS,
    WAIT,
    make_folder,
    make_job,
    outcome_of,
    report_of,
    run_job,
    status_of,
    steps_of,
)


def test_answered_questions_give_an_answered_outcome(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert run_job(folder) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "answered"
    assert [result.state for result in outcome.questions] == ["answered", "answered"]
    assert "“Retention of log files lasts thirty days.” [1]" in outcome.answer
    assert outcome.spent.tool_calls == 2
    assert verify(tmp_path).faults == ()


def test_steps_are_numbered_from_one_and_end_with_completed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    steps = steps_of(folder)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].kind == "completed"
    assert {"plan", "task", "tool_call", "tool_result", "finding", "status"} <= {
        step.kind for step in steps
    }


def test_the_last_status_has_the_answer_and_the_counts(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    status = status_of(folder)
    assert (status.state, status.done, status.total) == ("ended", 2, 2)
    assert status.last_step == len(steps_of(folder))
    assert status.last_evidence == len(folder.evidence())
    assert "thirty days" in status.summary


def test_progress_lists_the_questions_for_people(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    progress = folder.file(records.PROGRESS).read_text(encoding="utf-8")
    assert f"- [x] {QUESTIONS[0]} (answered, 2 quotes)" in progress
    assert "**Ended.**" in progress


def test_steps_name_files_as_they_are_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    said = [step.message for step in steps_of(folder)]
    assert "Read logs (1 of 2 files)." in said
    assert "Read buying (2 of 2 files)." in said


def test_many_files_produce_few_steps(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder, FakeSource({f"file {n}": "Some text." for n in range(1_000)}))
    named = [step.message for step in steps_of(folder) if step.message.startswith("Read “file")]
    assert named[0] == "Read “file 0” (1 of 1000 files)."
    assert named[-1] == "Read “file 999” (1000 of 1000 files)."
    assert len(named) < 100


def test_a_question_without_evidence_makes_the_answer_partial(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, plan=Plan(questions=(QUESTIONS[0], "Where do dragons nest?")))
    run_job(folder)
    outcome = outcome_of(folder)
    assert outcome.outcome == "partial"
    assert outcome.reason == "1 of 2 questions answered in full."
    assert "Question 2, Where do dragons nest?: nothing was found." in report_of(folder)


@pytest.mark.parametrize(
    ("coverage", "reason"),
    [
        (Coverage(found=2, read=2), "Not found in the sources."),
        (
            Coverage(found=3, read=2, not_read=(NotRead(reason="scanned PDF", count=1),)),
            "Not found in the files that could be read.",
        ),
    ],
)
def test_nothing_found_is_insufficient_evidence(
    tmp_path: Path, coverage: Coverage, reason: str
) -> None:
    folder = make_folder(tmp_path, question="Where do dragons nest?")
    run_job(folder, FakeSource(TEXTS, coverage_said=coverage))
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.reason) == ("insufficient_evidence", reason)
    assert outcome.coverage == coverage


def test_unreadable_sources_are_not_searched(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    unread = Coverage(found=1, read=0, not_read=(NotRead(reason="broken PDF", count=1),))
    source = FakeSource(TEXTS, coverage_said=unread)
    assert run_job(folder, source) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "insufficient_evidence"
    assert "1 broken PDF" in outcome.reason
    assert source.searched == []


def test_a_job_without_sources_gives_the_reason(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, sources=())
    run_job(folder, FakeSource({}))
    assert outcome_of(folder).reason == "No source was named, so nothing could be read."


def test_a_quote_that_is_not_in_its_snapshot_is_dropped(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, question=QUESTIONS[0])

    class Misquoting(FakeStrategy):
        async def find(
            self,
            question: str,
            source: Source,
            *,
            terms: Sequence[str] = (),
            depth: Depth = "standard",
        ) -> Finding:
            found = await super().find(question, source, terms=terms, depth=depth)
            first, *others = found.quotes
            wrong = Quote(first.passage, first.start, first.end, first.text.upper(), first.score)
            return Finding((wrong, *others), "answered")

    anyio.run(replace(make_job(folder), strategy=Misquoting()).run)
    assert [item.quote for item in folder.evidence()] == ["Backup files are kept for ninety days."]
    assert outcome_of(folder).questions[0].state == "partial"
    errors = [step.message for step in steps_of(folder) if step.kind == "error"]
    assert errors == [
        "A quote from “logs” was dropped: the snapshot has different words at this position."
    ]
    assert verify(tmp_path).faults == ()


def test_a_question_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    async def fail_for_purchases(question: str) -> None:
        if "purchases" in question:
            raise ValueError("index broken")

    folder = make_folder(tmp_path)
    run_job(folder, FakeSource(TEXTS, watcher=fail_for_purchases))
    outcome = outcome_of(folder)
    assert outcome.outcome == "partial"
    assert outcome.questions[0].state == "answered"
    assert outcome.questions[1].note == "An error ended the search for this question."


def test_a_job_in_which_every_question_fails_has_no_outcome(tmp_path: Path) -> None:
    async def fail(_question: str) -> None:
        raise ValueError("index broken")

    folder = make_folder(tmp_path)
    with pytest.raises(ExceptionGroup) as raised:
        run_job(folder, FakeSource(TEXTS, watcher=fail))
    assert raised.group_contains(JobError)
    assert "index broken" in error_message(raised.value)
    assert folder.outcome() is None
    assert steps_of(folder)[-1].kind == "error"


def test_a_completed_job_is_left_unchanged(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    source = FakeSource(TEXTS)
    assert run_job(folder, source, attempt=2) is ExitCode.DONE
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert source.opened == []


def test_the_tool_call_limit_ends_in_a_partial_report(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, limits=Limits(tool_calls=1))
    assert run_job(folder) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.spent.tool_calls) == ("partial", 1)
    assert outcome.reason == "The limit of 1 tool call was reached."
    assert "The limit of 1 tool call was reached." in report_of(folder)


def test_the_time_limit_ends_a_hanging_search(tmp_path: Path) -> None:
    async def hold_purchases(question: str) -> None:
        if "purchases" in question:
            await anyio.sleep_forever()

    folder = make_folder(tmp_path, limits=Limits(minutes=1))
    ticks = count(step=1)
    job = make_job(folder, FakeSource(TEXTS, watcher=hold_purchases))
    clock = Clock(now=lambda: NOW, monotonic=lambda: float(next(ticks)))
    assert anyio.run(replace(job, clock=clock).run) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "partial"
    assert outcome.reason == "The limit of 1 active minute was reached."
    assert outcome.questions[1].note == "The search was not finished."
    assert outcome.spent.active_seconds >= 60


def test_finish_now_reports_what_is_known(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)

    async def ask_and_hold(question: str) -> None:
        if "purchases" in question:
            create_once(folder.file(records.FINISH_NOW), b"")
            await anyio.sleep_forever()

    assert run_job(folder, FakeSource(TEXTS, watcher=ask_and_hold)) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "partial"
    assert outcome.reason == "The report was requested before the work was done."
    assert verify(tmp_path).faults == ()


def test_stop_ends_without_an_outcome_and_overrides_finish_now(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)

    async def stop_and_hold(_question: str) -> None:
        create_once(folder.file(records.FINISH_NOW), b"")
        create_once(folder.file(records.STOP), b"")
        await anyio.sleep_forever()

    stops: list[str] = []
    job = make_job(folder, FakeSource(TEXTS, watcher=stop_and_hold))
    code = anyio.run(replace(job, on_stop=lambda: stops.append("stop")).run)
    assert code is ExitCode.STOPPED
    assert folder.outcome() is None
    assert not folder.file(records.REPORT).exists()
    assert stops == ["stop"]
    assert steps_of(folder)[-1].message == "The job was stopped on request."


def test_a_job_stopped_before_its_start_reads_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    create_once(folder.file(records.STOP), b"")
    source = FakeSource(TEXTS)
    assert run_job(folder, source) is ExitCode.STOPPED
    assert source.opened == []


def test_questions_run_at_the_same_time(tmp_path: Path) -> None:
    begun: list[str] = []
    both = anyio.Event()

    async def meet(question: str) -> None:
        begun.append(question)
        if len(begun) == 2:
            both.set()
        with anyio.fail_after(WAIT):
            await both.wait()

    folder = make_folder(tmp_path)
    run_job(folder, FakeSource(TEXTS, watcher=meet))
    assert sorted(begun) == sorted(QUESTIONS)
    assert outcome_of(folder).outcome == "answered"


def test_a_resumed_job_keeps_numbers_and_repeats_no_finished_question(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)

    async def stop_at_purchases(question: str) -> None:
        if "purchases" in question:
            create_once(folder.file(records.STOP), b"")
            await anyio.sleep_forever()

    run_job(folder, FakeSource(TEXTS, watcher=stop_at_purchases))
    first = steps_of(folder)
    folder.file(records.STOP).unlink()
    source = FakeSource(TEXTS)
    assert run_job(folder, source, attempt=2) is ExitCode.DONE
    assert source.searched == [QUESTIONS[1]]
    steps = steps_of(folder)
    assert steps[: len(first)] == first
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert status_of(folder).step_part == len(first) + 1
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.attempts, outcome.spent.tool_calls) == ("answered", 2, 3)
    assert verify(tmp_path).faults == ()


def test_evidence_found_again_keeps_its_number(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    evidence = folder.evidence()
    for path in (folder.file(records.OUTCOME), folder.file(records.TASKS + "/0.json")):
        path.unlink()
    run_job(folder, attempt=2)
    assert folder.evidence() == evidence
    assert verify(tmp_path).faults == ()


def test_a_source_that_cannot_be_opened_fails_the_job_with_a_message(tmp_path: Path) -> None:
    async def refuse(*_sources: object, **_options: object) -> Source:
        raise PermissionError(13, "Permission denied")

    folder = make_folder(tmp_path)
    with pytest.raises(ExceptionGroup) as raised:
        anyio.run(replace(make_job(folder), open_source=refuse).run)
    assert error_message(raised.value) == "PermissionError: [Errno 13] Permission denied"
    assert "Permission denied" in steps_of(folder)[-1].message
