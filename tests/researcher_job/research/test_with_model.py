"""A job with a language model, from request to verified report, with a scripted model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.records import Limits, Plan
from research_contract.written_report import WrittenReport
from researcher_job.models.base import ModelFailure
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.tasks import QuestionTasks
from researcher_job.strategies.extractive.strategy import Extractive
from researcher_job.testing import Script, ScriptedModel
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import (
    make_folder,
    make_job,
    outcome_of,
    report_of,
    run_job,
    steps_of,
)
from tests.researcher_job.research.killed_job import run_killed
from tests.researcher_job.scripts import GOOD, reads, writes

PLAN = Plan(questions=("How long is the retention of log files?",))


def with_script(**changes: object) -> Script:
    return {**GOOD, **changes}  # type: ignore[dict-item]


def run_with(folder: JobFolder, model: ScriptedModel, *, attempt: int = 1) -> None:
    job = replace(make_job(folder, attempt=attempt), models=model.models())
    anyio.run(job.run)


def ran(root: Path, script: Script = GOOD, **fields: object) -> tuple[JobFolder, ScriptedModel]:
    """Return the folder of a job that ran with this script, and the model; its report verifies."""
    folder, model = make_folder(root, **{"plan": PLAN, **fields}), ScriptedModel(script)
    run_with(folder, model)
    assert verify(root).faults == ()
    return folder, model


def written_in(folder: JobFolder) -> WrittenReport:
    written = folder.written()
    assert written
    return written


def kinds_asked(model: ScriptedModel) -> list[str]:
    return [prompt.name.partition("@")[0] for prompt in model.prompts]


def test_a_report_is_written_from_located_quotes(tmp_path: Path) -> None:
    folder, model = ran(tmp_path)
    outcome = outcome_of(folder)
    assert outcome.outcome == "answered"
    assert outcome.answer == "In short: Retention of log files lasts thirty days. [1]"
    assert "\n- Retention of log files lasts thirty days. [1]\n" in report_of(folder)
    assert outcome.models == tuple(f"{role}: scripted" for role in model.models().by_role)
    assert outcome.spent.tokens == 120 * len(model.prompts)
    assert kinds_asked(model) == ["divide", "plan", "read", "review", "write"]


def test_calls_that_act_see_no_text_and_calls_that_see_text_cannot_act(tmp_path: Path) -> None:
    _, model = ran(tmp_path, with_script(read=reads("nowhere")))
    for prompt in model.prompts:
        seen = "log files lasts" in prompt.messages[0].text
        assert seen == prompt.name.startswith("read@")
        properties = prompt.schema["properties"]
        assert not (seen and {"searches", "open", "tasks"} & set(properties))


def test_tasks_stand_in_the_folder_and_in_the_step_log(tmp_path: Path) -> None:
    folder, _ = ran(tmp_path)
    path = folder.file(f"{records.PLANS}/0.json")
    [task] = QuestionTasks.model_validate_json(path.read_text(encoding="utf-8")).tasks
    assert (task.ask, task.state) == ("How long is the retention of log files?", "complete")
    said = [(step.worker, step.message) for step in steps_of(folder) if step.kind == "task"]
    assert ("question 1, task 1", "Found 2 quotes.") in said


def test_a_quote_that_no_passage_has_is_dropped_and_its_nearest_text_is_told(
    tmp_path: Path,
) -> None:
    false = {"passage": 1, "text": "The retention of log files lasts two hundred years."}
    folder, _ = ran(tmp_path, with_script(read=({"quotes": [false], "answers": "yes"},)))
    assert outcome_of(folder).outcome == "insufficient_evidence"
    [error] = [step.message for step in steps_of(folder) if step.kind == "error"]
    assert "two hundred years" in error
    assert "The nearest text is “of log files lasts”" in error


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Retention of log files lasts ninety days.", "say otherwise"),
        ("Retention of log files lasts at least thirty days.", "only partly"),
        ("Log files never expire.", "its quotes"),
    ],
)
@pytest.mark.parametrize("checker", [{"supported": True}, {"supported": False, "why": "no"}])
def test_a_false_sentence_is_taken_out_whatever_a_second_reading_says(
    tmp_path: Path, sentence: str, reason: str, checker: Mapping[str, object]
) -> None:
    script = with_script(write=writes(sentence), check=(checker,), rewrite=writes(sentence))
    folder, _ = ran(tmp_path, script)
    written = written_in(folder)
    assert [one.claims for one in written.sections] == [] and written.summary == ()
    assert {one.text for one in written.removed} == {sentence}
    assert all(reason in one.reason for one in written.removed)
    assert f"- A sentence was taken out, because {written.removed[0].reason}" in report_of(folder)
    assert "> Retention of log files lasts thirty days." in report_of(folder)


def test_a_sentence_is_corrected_once(tmp_path: Path) -> None:
    false = "Retention of log files lasts ninety days."
    right = {"kind": "quote", "text": "Retention of log files lasts thirty days.", "replaces": 1}
    right["evidence"] = ["E1.1"]
    folder, model = ran(
        tmp_path, with_script(write=writes(false, summary=False), rewrite=({"claims": [right]},))
    )
    assert [one.text for one in written_in(folder).sections[0].claims] == [right["text"]]
    assert kinds_asked(model).count("rewrite") == 1


def test_a_doubted_sentence_gives_way_to_its_quote(tmp_path: Path) -> None:
    doubted = "Log files retention lasts thirty days."
    said = "The retention of log files lasts thirty days."
    script = with_script(
        write=writes(said, summary=False), check=({"supported": False, "why": doubted},)
    )
    folder, _ = ran(tmp_path, script)
    [claim] = written_in(folder).sections[0].claims
    assert claim.text == "Retention of log files lasts thirty days."
    assert written_in(folder).removed[0].text == said


def test_nothing_is_said_to_be_absent_where_something_was_found(tmp_path: Path) -> None:
    folder, _ = ran(tmp_path, with_script(write=writes("There is no rule.", kind="absence")))
    assert written_in(folder).sections == ()


def test_a_computed_figure_follows_from_quoted_ones(tmp_path: Path) -> None:
    right = writes(
        "The retention of log files lasts 720 hours.", kind="computed", expression="30 * 24"
    )
    folder, _ = ran(tmp_path / "wrong", with_script(write=right))
    assert written_in(folder).sections == ()  # 24 stands in no quote
    doubled = writes("Retention of log files lasts 60 days twice.", kind="computed")
    folder, _ = ran(tmp_path / "none", with_script(write=doubled))
    assert written_in(folder).sections == ()
    once = writes("Log files last 30 days.", kind="computed", expression="30")
    folder, _ = ran(tmp_path / "right", with_script(write=once))
    assert "(computed: 30) [1]" in report_of(folder)


def test_a_model_whose_answers_never_fit_is_done_without(tmp_path: Path) -> None:
    folder, model = ran(tmp_path, {"read": ("I think it is thirty days.",)})
    outcome = outcome_of(folder)
    assert outcome.questions[0].evidence and outcome.questions[0].state == "evidence"
    assert "Searched without a model" in outcome.questions[0].note
    assert kinds_asked(model).count("read") == 3


@pytest.mark.parametrize("kind", ["unavailable", "rejected", "refused", "context"])
def test_a_model_that_is_away_costs_only_what_it_would_have_added(
    tmp_path: Path, kind: str
) -> None:
    gone = ModelFailure(kind, "nobody there", paid=False)  # type: ignore[arg-type]
    script = dict.fromkeys(("divide", "plan", "read", "review", "write"), (gone,))
    folder = make_folder(tmp_path, plan=PLAN)
    models = ScriptedModel(script).models()
    anyio.run(replace(make_job(folder), models=replace(models, wait_seconds=0.0)).run)
    assert outcome_of(folder).questions[0].evidence
    assert "nobody there" in report_of(folder)
    assert verify(tmp_path).faults == ()


def test_without_an_answer_of_a_model_as_much_is_shown_as_without_a_model(tmp_path: Path) -> None:
    away = ScriptedModel({"plan": (ModelFailure("rejected", "nobody there", paid=False),)})
    shown = []
    for name, models in (("away", away.models()), ("none", None)):
        folder = make_folder(tmp_path / name, plan=PLAN, depth="quick")
        job = replace(make_job(folder), strategy=Extractive(), models=models)
        anyio.run(job.run)
        shown.append([(one.quote, one.nearest) for one in folder.quotes()])
    assert shown[0] == shown[1] and any(nearest for _, nearest in shown[0])


def test_a_kill_at_each_call_repeats_no_answered_call(tmp_path: Path) -> None:
    whole, uninterrupted = ran(tmp_path / "whole")
    names = [prompt.name for prompt in uninterrupted.prompts]
    for number in range(1, len(names) + 1):
        folder = make_folder(tmp_path / f"{number}", plan=PLAN)
        killed = run_killed(folder, at_call=number)
        assert killed == names[:number]
        later = ScriptedModel(GOOD)
        run_with(folder, later, attempt=2)
        assert [prompt.name for prompt in later.prompts] == names[number - 1 :]
        assert verify(folder.path).faults == ()
        assert without_run(report_of(folder)) == without_run(report_of(whole))
        assert folder.evidence() == whole.evidence()


def without_run(report: str) -> str:
    """Return a report without its times, attempts and what was spent."""
    return re.sub(r"^- (?:Spent|Requested).*$", "", report, flags=re.MULTILINE)


@pytest.mark.parametrize("unit", ["tokens", "cost_usd"])
def test_a_limit_at_each_call_ends_in_a_report_that_names_it(tmp_path: Path, unit: str) -> None:
    _, whole = ran(tmp_path / "whole")
    prices = whole.models().by_role["lead"][0].prices
    for number, prompt in enumerate(whole.prompts):
        most = prices.most(prompt)
        room = 120 * number + most.tokens - 1 if unit == "tokens" else most.cost_usd * 0.99
        folder, model = ran(tmp_path / f"{unit}{number}", limits=Limits(**{unit: room}))
        outcome = outcome_of(folder)
        assert getattr(outcome.spent, unit) <= room
        assert len(model.prompts) < len(whole.prompts) or outcome.outcome == "answered"
        if len(model.prompts) < len(whole.prompts) - 1:
            assert "The limit of" in outcome.reason
            assert outcome.outcome in {"partial", "insufficient_evidence"}


def test_a_limit_of_searches_ends_in_a_report(tmp_path: Path) -> None:
    folder, _ = ran(tmp_path, limits=Limits(tool_calls=1))
    assert outcome_of(folder).reason == "The limit of 1 tool call was reached."
    assert outcome_of(folder).spent.tool_calls == 1


def test_without_a_model_nothing_changes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, plan=PLAN)
    run_job(folder)
    assert folder.written() is None and not folder.file(records.PLANS).exists()
    assert "No language model was used" in report_of(folder)
