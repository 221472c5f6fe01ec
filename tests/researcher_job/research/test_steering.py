"""A running job is steered: each instruction is obeyed or refused once, and has its receipt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.files import create_once, encode
from research_contract.records import Plan
from research_contract.steering import Steering, SteeringKind, steering_name
from researcher_job.models.base import Prompt
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import Answer, FakeSource, Script, ScriptedModel
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import (
    NOW,
    QUESTIONS,
    TEXTS,
    make_folder,
    make_job,
    outcome_of,
    report_of,
    run_job,
    steps_of,
)
from tests.researcher_job.scripts import reads_all, writes_quotes

FIRST, SECOND = QUESTIONS
ADDED = "How long are backup files kept?"
WITH_PLAN = {"plan": Plan(questions=QUESTIONS)}


def ask(folder: JobFolder, number: int, kind: SteeringKind, text: str) -> None:
    """Write an instruction as the server does."""
    steering = Steering(kind=kind, text=text, at=NOW)
    assert create_once(folder.file(steering_name(number)), encode(steering))


def steered(folder: JobFolder) -> list[str]:
    """Return the steps that say what became of instructions."""
    return [one.message for one in steps_of(folder) if one.message.startswith("Steered: ")]


def run_one_by_one(folder: JobFolder, watcher: Callable[[str], Awaitable[None]]) -> list[str]:
    """Run the job with one question at a time; return what was searched for."""
    source = FakeSource(TEXTS, watcher=watcher)
    job = make_job(folder, source)
    anyio.run(replace(job, settings=replace(job.settings, concurrency=1)).run)
    return source.searched


def test_a_question_is_added_and_another_dropped_while_the_job_runs(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)

    async def steer(question: str) -> None:
        if question == FIRST:
            ask(folder, 1, "add", ADDED)
            ask(folder, 2, "drop", "2")

    assert run_one_by_one(folder, steer) == [FIRST, ADDED]
    outcome = outcome_of(folder)
    assert [one.question for one in outcome.questions] == [FIRST, SECOND, ADDED]
    assert [one.dropped for one in outcome.questions] == [False, True, False]
    assert outcome.questions[1].note == "Dropped on request."
    assert outcome.outcome == "answered"
    assert {item.question for item in folder.evidence()} == {0, 2}
    said = ["Steered: added question 3, “How long are backup files kept?”: obeyed."]
    said += ["Steered: dropped question 2: obeyed."]
    assert steered(folder) == said
    method = report_of(folder).partition("## How this report was made")[2]
    assert all(one.partition("“")[0] in method for one in said)
    assert "*Dropped on request.*" in report_of(folder)
    assert "Nothing" not in report_of(folder)
    assert f"{SECOND} (dropped on request)" in folder.file(records.PROGRESS).read_text()
    assert verify(tmp_path).faults == ()


def test_dropping_the_question_that_is_searched_ends_its_search(tmp_path: Path) -> None:
    folder, asked = make_folder(tmp_path, **WITH_PLAN), anyio.Event()
    late: list[str] = []

    async def steer(question: str) -> None:
        if question == SECOND:
            ask(folder, 1, "drop", SECOND.upper())
            asked.set()
            await anyio.sleep(20)
            late.append(question)
        await asked.wait()

    run_job(folder, FakeSource(TEXTS, watcher=steer))
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.questions[1].dropped) == ("answered", True)
    assert late == []
    assert verify(tmp_path).faults == ()


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("add", "  HOW long is the retention of log files", "it is question 1 already"),
        ("drop", "7", "there is no such question; they have the numbers 1 to 2"),
        ("drop", "0", "there is no such question"),
        ("drop", "What?", "there is no such question"),
        ("drop", "Question 1.", "the search for question 1 was done before"),
        ("instruction", "Prefer newer papers", "no language model takes part"),
    ],
)
def test_a_refused_instruction_has_its_reason(
    tmp_path: Path, kind: SteeringKind, text: str, reason: str
) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)

    async def steer(question: str) -> None:
        if question == SECOND:
            ask(folder, 1, kind, text)

    assert run_one_by_one(folder, steer) == [FIRST, SECOND]
    [step] = steered(folder)
    assert f"refused, because {reason}" in step
    assert "refused, because" in report_of(folder)
    assert verify(tmp_path).faults == ()


def test_a_job_has_at_most_twenty_questions_and_skips_a_damaged_instruction(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)
    create_once(folder.file(steering_name(1)), b"{\n")
    for number in range(2, 22):
        ask(folder, number, "add", f"What is said of case {number}?")
    run_job(folder)
    assert len(outcome_of(folder).questions) == 20
    assert "its file is damaged" in steered(folder)[0]
    assert [("at most 20" in one) for one in steered(folder)[1:]] == [False] * 18 + [True] * 2


def test_an_instruction_behind_the_end_of_the_research_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)
    ask(folder, 1, "add", ADDED)
    create_once(folder.file(records.FINISH_NOW), b"")
    run_job(folder)
    [step] = steered(folder)
    assert step.endswith("refused, because the research was over.")
    assert len(outcome_of(folder).questions) == 2
    assert verify(tmp_path).faults == ()


def test_an_instruction_that_comes_after_the_outcome_damages_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)
    run_job(folder)
    ask(folder, 1, "add", ADDED)
    assert verify(tmp_path).faults == ()


def test_a_refresh_keeps_the_questions_of_its_base_job(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base", **WITH_PLAN)
    run_job(base)
    folder = make_folder(
        tmp_path / "again",
        **WITH_PLAN,
        job_id="20260301-bbbbbbbbbbbbb",
        refresh_of="20260301-aaaaaaaaaaaaa",
        earlier=str(base.path),
    )
    ask(folder, 1, "drop", "1")
    run_job(folder)
    assert "a refresh repeats the questions" in steered(folder)[0]


def test_a_kill_neither_loses_nor_repeats_an_instruction(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job", **WITH_PLAN)
    ask(folder, 1, "add", ADDED)
    ask(folder, 2, "drop", "1")
    program = [sys.executable, "-m", "tests.researcher_job.research.held_job"]
    with subprocess.Popen(
        [*program, str(folder.path), SECOND, "1", str(tmp_path / "lock")]
    ) as held:
        for _ in range(6_000):
            if (task := folder.task(2)) and task.state == "done":
                break
            anyio.run(anyio.sleep, 0.01)
        held.kill()
    assert len(steered(folder)) == 2
    ask(folder, 3, "add", "Who grants approval?")
    source = FakeSource(TEXTS)
    run_job(folder, source, attempt=2)
    assert sorted(source.searched) == sorted([SECOND, "Who grants approval?"])
    assert len(steered(folder)) == len(set(steered(folder))) == 3
    asked = [one.question for one in outcome_of(folder).questions]
    assert asked == [FIRST, SECOND, ADDED, "Who grants approval?"]
    assert verify(folder.path).faults == ()


def test_a_receipt_whose_step_was_lost_gets_it_again(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, **WITH_PLAN)
    ask(folder, 1, "add", ADDED)
    create_once(folder.file(records.STOP), b"")
    run_job(folder)
    receipt = {"kind": "add", "text": ADDED, "state": "obeyed", "question": 2}
    folder.write(records.STEERING, json.dumps({"receipts": [receipt]}).encode())
    folder.file(records.STOP).unlink()
    run_job(folder, attempt=2)
    assert len(steered(folder)) == 1
    assert len(outcome_of(folder).questions) == 3


def plans(prompt: Prompt) -> Answer:
    """Plan one search, for what the task asks."""
    second = "Who grants" in prompt.messages[0].text
    return {"searches": ["approval of purchases" if second else "retention of log files"]}


GOOD: Script = {
    "divide": ({"tasks": [{"ask": "How long are log files kept?"}]},),
    "plan": plans,
    "read": reads_all,
    "review": ({"enough": False, "tasks": [{"ask": "Who grants approval?"}]},),
    "write": writes_quotes,
    "check": ({"supported": True},),
}
WORDS = "Prefer the newer papers"


def asked_of(model: ScriptedModel, kind: str) -> list[str]:
    return [one.messages[0].text for one in model.prompts if one.name.startswith(f"{kind}@")]


def test_the_lead_is_told_at_its_next_review_and_after_a_restart_in_the_same_place(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path, plan=Plan(questions=(FIRST,)))

    async def steer(question: str) -> None:
        if "retention" in question:
            ask(folder, 1, "instruction", WORDS)
        elif "approval" in question:
            create_once(folder.file(records.STOP), b"")
            await anyio.sleep_forever()

    model = ScriptedModel(GOOD)
    source = FakeSource(TEXTS, watcher=steer)
    anyio.run(replace(make_job(folder, source), models=model.models()).run)
    assert [WORDS in one for one in asked_of(model, "divide")] == [False]
    [review] = asked_of(model, "review")
    assert review.endswith(f"The user of this job says while it runs (follow it):\n- {WORDS}")
    folder.file(records.STOP).unlink()
    ask(folder, 2, "instruction", "Ignore drafts")
    resumed = ScriptedModel(GOOD)
    anyio.run(replace(make_job(folder, attempt=2), models=resumed.models()).run)
    assert asked_of(resumed, "divide") + asked_of(resumed, "review") == []
    assert steered(folder)[-1].startswith("Steered: “Ignore drafts”: refused, because no plan")
    assert f"“{WORDS}”: obeyed, the model that leads was told." in " ".join(steered(folder))
    assert verify(tmp_path).faults == ()
