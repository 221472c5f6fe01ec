"""A paid call is charged before it is made, stored afterwards, and never repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from research_contract.records import RESULTS, Cost, Limits, Plan, Spent, Status
from researcher_job.core.clock import Clock
from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import Budget
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Call, Ledger, total_paid
from researcher_job.records.status import StatusWriter
from researcher_job.report.conclusion import finish
from researcher_job.research.metered_source import MeteredSource
from researcher_job.sources.base import Query
from researcher_job.testing import FakeSource
from researcher_job.tracing.base import NoTracing
from researcher_job.verification.verify import verify
from tests.repository import ROOT
from tests.researcher_job.jobs import (
    NOW,
    QUESTIONS,
    TEXTS,
    WAIT,
    make_folder,
    outcome_of,
    run_job,
    steps_of,
)
from tests.researcher_job.records.paying_job import SEARCHES

ANSWER = Call("model", {"prompt": "How much?"}, max_cost=Cost(tokens=1_000, cost_usd=0.02))


def budget(root: Path, **limits: float) -> Budget:
    return Budget(Limits.model_validate(limits), JobFolder(root).spent(), lambda: 0.0)


def attempt(root: Path, **limits: float) -> tuple[Ledger, Budget]:
    """Start an attempt, which reads its state from the folder."""
    of_this_attempt = budget(root, **limits)
    return Ledger(root, of_this_attempt), of_this_attempt


def test_a_stored_answer_costs_nothing_more(tmp_path: Path) -> None:
    ledger, _ = attempt(tmp_path)
    assert ledger.stored_answer(ANSWER) is None
    ledger.begin(ANSWER)
    ledger.store_answer(ANSWER, {"text": "Forty-two."}, cost=Cost(tokens=700, cost_usd=0.013))
    later, budget = attempt(tmp_path)
    assert later.stored_answer(ANSWER) == {"text": "Forty-two."}
    assert budget.spent == Spent(tokens=700, cost_usd=0.013)


def test_a_call_interrupted_by_death_and_its_repetition_are_both_paid(tmp_path: Path) -> None:
    ledger, _ = attempt(tmp_path)
    ledger.begin(ANSWER)
    later, budget = attempt(tmp_path)
    assert later.stored_answer(ANSWER) is None
    assert budget.spent.tokens == 1_000
    later.begin(ANSWER)
    later.store_answer(ANSWER, "Forty-two.", cost=Cost(tokens=100, cost_usd=0.001))
    assert budget.spent == Spent(tokens=1_100, cost_usd=0.021)
    assert total_paid(tmp_path) == Cost(tokens=1_100, cost_usd=0.021)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"tokens": 999}, "The limit of 999 tokens was reached."),
        ({"cost_usd": 0.01}, r"The limit of \$0\.01 was reached\."),
    ],
)
def test_a_call_that_may_exceed_a_limit_is_not_made(
    tmp_path: Path, limits: dict[str, float], said: str
) -> None:
    ledger, budget = attempt(tmp_path, **limits)
    with pytest.raises(LimitReached, match=said):
        ledger.begin(ANSWER)
    assert budget.spent == Spent()
    assert not (tmp_path / ANSWER.name).exists()


def test_a_used_up_limit_does_not_prevent_calls_of_another_kind(tmp_path: Path) -> None:
    ledger, _ = attempt(tmp_path, tokens=1_000)
    ledger.begin(ANSWER)
    ledger.begin(Call("search", {}, max_cost=Cost(tool_calls=1)))
    assert total_paid(tmp_path) == Cost(tool_calls=1, tokens=1_000, cost_usd=0.02)


def test_calls_are_identified_by_kind_and_arguments() -> None:
    calls = [
        Call(kind, {"prompt": prompt, "draft": draft}, max_cost=Cost())
        for kind in ("model", "genie")
        for prompt in ("a", "b")
        for draft in (1, 2)
    ]
    assert len({call.name for call in calls}) == len(calls)
    turned = Call("model", {"draft": 1, "prompt": "a"}, max_cost=Cost(tokens=9))
    assert turned.name == calls[0].name


def test_a_report_written_without_the_job_includes_its_cost(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    Ledger(tmp_path, budget(tmp_path)).begin(ANSWER)
    finish(folder, "deadline", clock=Clock())
    assert outcome_of(folder).spent.tokens == 1_000
    assert verify(tmp_path).faults == ()


# --- searches ---------------------------------------------------------------------------------


def search(root: Path, source: FakeSource, question: str = QUESTIONS[0]) -> list[str]:
    """Search like one attempt and return the texts found."""
    spent = budget(root)
    writer = StatusWriter(root, Status(updated_at=NOW), clock=Clock(), spent=lambda: spent.spent)
    journal = Journal(root, writer, clock=Clock(), segment_records=100)
    ledger = Ledger(root, spent)
    metered = MeteredSource(source, worker="w", journal=journal, ledger=ledger, tracer=NoTracing())
    found = anyio.run(lambda: metered.search(Query(question, ("files",)), limit=5))
    journal.close()
    for passage in found:
        text = source.texts[passage.title]
        assert passage.text == text[passage.start : passage.end]
    return [passage.text for passage in found]


def test_a_search_is_made_once_for_all_attempts(tmp_path: Path) -> None:
    source = FakeSource(TEXTS)
    first = search(tmp_path, source)
    assert search(tmp_path, source) == first != []
    assert source.searched == [QUESTIONS[0]]
    assert JobFolder(tmp_path).spent().tool_calls == 1
    kinds = [step.kind for step in steps_of(JobFolder(tmp_path))]
    assert kinds == ["tool_call", "tool_result", "tool_result"]


def test_a_stored_search_contains_no_text_of_the_sources(tmp_path: Path) -> None:
    search(tmp_path, FakeSource(TEXTS))
    [file] = (tmp_path / RESULTS).iterdir()
    assert "thirty days" not in file.read_text()


def test_a_search_is_repeated_if_the_sources_changed(tmp_path: Path) -> None:
    search(tmp_path, FakeSource(TEXTS))
    changed = FakeSource({**TEXTS, "new": "Retention of files is not limited any more."})
    assert any("not limited" in text for text in search(tmp_path, changed))
    assert JobFolder(tmp_path).spent().tool_calls == 2


class SameEdition(FakeSource):
    """A source whose content changes without a new edition."""

    @property
    def edition(self) -> str:
        return "the same"


def test_a_search_is_repeated_if_a_text_is_missing(tmp_path: Path) -> None:
    search(tmp_path, SameEdition(TEXTS))
    other = SameEdition({"logs": "Retention of log files lasts sixty days."})
    assert search(tmp_path, other) == ["Retention of log files lasts sixty days."]
    assert JobFolder(tmp_path).spent().tool_calls == 2


@pytest.mark.parametrize("left", [b"", b"{", b'{"kind": "search", "answer": [{"start": "?"}]}'])
def test_an_incomplete_or_invalid_answer_is_ignored(tmp_path: Path, left: bytes) -> None:
    source = FakeSource(TEXTS)
    found = search(tmp_path, source)
    [file] = (tmp_path / RESULTS).iterdir()
    file.write_bytes(left)
    assert search(tmp_path, source) == found
    assert len(source.searched) == 2
    assert JobFolder(tmp_path).spent().tool_calls == 2


def test_a_resumed_question_pays_only_new_searches(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    run_job(folder)
    (tmp_path / "outcome.json").unlink()
    for task in (tmp_path / "work/tasks").iterdir():
        task.unlink()
    source = FakeSource(TEXTS)
    run_job(folder, source, attempt=2)
    assert source.searched == []
    assert outcome_of(folder).spent.tool_calls == len(QUESTIONS)
    assert outcome_of(folder).outcome == "answered"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("seed", [1, 2])
def test_a_repeatedly_killed_job_repeats_no_stored_call_and_pays_for_all(
    tmp_path: Path, seed: int
) -> None:
    questions = tuple(f"{question} ({n})" for n in range(3) for question in QUESTIONS)
    folder = make_folder(tmp_path / "job", plan=Plan(questions=questions))
    calls = tmp_path / "calls"
    program = [sys.executable, "-m", "tests.researcher_job.records.paying_job"]
    done = subprocess.run(
        [*program, str(folder.path), str(seed), str(calls)],
        capture_output=True,
        check=True,
        text=True,
        timeout=WAIT,
        cwd=ROOT,
    )
    result = json.loads(done.stdout)
    assert result["exit_code"] == 0
    deaths = len(result["seen"]) - 1
    stored: dict[str, int] = {}
    for calls_made in result["seen"]:
        for name, (begun, answered) in calls_made.items():
            if answered:
                assert stored.setdefault(name, begun) == begun, (
                    "it was started after its answer was stored"
                )
    assert len(stored) == len(questions) * SEARCHES
    assert deaths >= 2
    made = calls.read_text().splitlines()
    spent = outcome_of(folder).spent
    assert (
        len(made) <= sum(stored.values()) == spent.tool_calls == total_paid(folder.path).tool_calls
    )
    assert len(set(made)) == len(stored)
    assert spent.tool_calls <= len(stored) + 3 * deaths, "three are made at the same time"
    assert verify(folder.path).faults == ()
