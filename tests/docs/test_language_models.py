"""Holds docs/language-models.md to the code: its step log is that of a job, its tables whole."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import anyio

from research_contract.records import Plan
from researcher_job.models.base import Prompt, Role
from researcher_job.models.settings import ModelSettings, ModelTable, OutputMode, read_model_table
from researcher_job.research.with_model import KEPT_SECONDS, KEPT_SHARE
from researcher_job.strategies.agent.prompts import PURPOSES
from researcher_job.strategies.agent.strategy import MOST_TASKS, REVIEWS
from researcher_job.strategies.agent.worker import ROUNDS
from researcher_job.strategies.agent.writer import CHECK_TOKENS, WRITE_TOKENS
from researcher_job.testing import Answer, FakeSource, Script, ScriptedModel
from researcher_job.verification.verify import verify
from tests.docs.documents import Fence, fences, tables
from tests.repository import ROOT
from tests.researcher_job.jobs import make_folder, make_job, report_of, steps_of
from tests.researcher_job.scripts import passages_in

PAGE = "docs/language-models.md"
QUESTION = "What do guests pay for a lift by crane, and when do the cranes work?"
TEXTS = {
    "prices": "Guests pay 95 euro for a lift by crane.\n\nA berth costs 30 euro a night.",
    "rules": "The cranes work from April to October.\n\nDogs are kept on a lead.",
}


def reads(prompt: Prompt) -> Answer:
    """Quote what the task is about, and once a sentence that no document has."""
    about = "Guests pay" if "What do guests pay" in prompt.messages[0].text else "cranes work"
    quotes = [{"passage": n, "text": text} for n, text in passages_in(prompt) if about in text]
    invented = {"passage": 1, "text": "Members pay nothing for a lift by crane."}
    answers = "yes" if quotes else "no"
    return {"quotes": [*quotes, *[invented][: about == "Guests pay"]], "answers": answers}


def checks(prompt: Prompt) -> Answer:
    """Doubt the sentence about both quotes."""
    doubted = "from April to October" in prompt.messages[0].text.split("Quote 1")[0]
    why = "The quotes do not say that guests may use the cranes." if doubted else ""
    return {"supported": not doubted, "why": why}


PAYS = {"kind": "quote", "text": "Guests pay 95 euro for a lift by crane.", "evidence": ["E1.1"]}
CHEAP = {"kind": "quote", "text": "Guests pay 59 euro for a lift by crane.", "evidence": ["E1.1"]}
BOTH = {
    "kind": "join",
    "text": "Guests pay 95 euro for a lift by crane, and the cranes work from April to October.",
    "evidence": ["E1.1", "E1.2"],
}
SCRIPT: Script = {
    "divide": (
        {
            "tasks": [
                {"ask": "What do guests pay for a lift by crane?"},
                {"ask": "When do the cranes work?", "needs": [1]},
            ]
        },
    ),
    "plan": ({"searches": ["price of a lift by crane"]}, {"searches": ["season of the cranes"]}),
    "read": reads,
    "review": ({"enough": True},),
    "write": ({"summary": [PAYS], "sections": [{"question": 1, "claims": [BOTH, CHEAP]}]},),
    "check": checks,
}


def job_of_the_page(root: Path) -> tuple[str, str]:
    """Return the step log and the report of a job with the script above."""
    folder = make_folder(root, question=QUESTION, plan=Plan(questions=(QUESTION,)))
    model = ScriptedModel(SCRIPT, name="openai:example")
    anyio.run(replace(make_job(folder, FakeSource(TEXTS)), models=model.models()).run)
    assert verify(root).faults == ()
    log = [f"{step.kind:11} {step.worker:18} {step.message}" for step in steps_of(folder)]
    return "\n".join(log), report_of(folder)


def of_page(word: str) -> Fence:
    [found] = [fence for fence in fences(PAGE) if word in fence.info[1:]]
    return found


def test_the_step_log_is_that_of_a_job(tmp_path: Path) -> None:
    log, _ = job_of_the_page(tmp_path)
    assert of_page("steps").text.strip() == log


def test_the_parts_of_the_report_are_those_of_the_job(tmp_path: Path) -> None:
    _, report = job_of_the_page(tmp_path)
    assert f"\n\n{of_page('report').text.strip()}\n\n" in report
    assert f"\n\n{of_page('removed').text.strip()}\n\n" in report


def test_the_steps_are_all_kinds_of_calls() -> None:
    table = next(table for table in tables(PAGE) if table.heading == "What a job does")
    named = {name for name in table.column(1) if name}
    assert named == set(PURPOSES)


def test_each_key_of_the_table_and_of_its_roles_is_described() -> None:
    table = next(table for table in tables(PAGE) if table.heading == "The table `[model]`")
    roles = get_args(Role)
    assert [key for key in table.column(0) if key not in roles] == [
        key for key in ModelTable.model_fields if key not in roles
    ]
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    of_a_role = re.findall(r"^\| `(\w+)` \| yes \|", page, re.MULTILINE)
    assert of_a_role == list(ModelSettings.model_fields)
    for key, field in ModelTable.model_fields.items():
        if isinstance(field.default, int | float):
            assert re.search(rf"^\| `{key}` .*\| {field.default:g} \|", page, re.MULTILINE), key


def test_each_mode_of_output_is_described() -> None:
    table = next(table for table in tables(PAGE) if table.heading == "How JSON is asked for")
    assert table.column(0) == list(get_args(OutputMode))


def test_numbers_are_those_in_force() -> None:
    page = " ".join((ROOT / PAGE).read_text(encoding="utf-8").split())
    for said in (
        f"at most {KEPT_SHARE * 100:g} % of each limit",
        f"at most {KEPT_SECONDS:g} s",
        f"asks for {CHECK_TOKENS} (`check`) to {WRITE_TOKENS:,} tokens (`write`)",
        *(
            f"`{depth}`: {MOST_TASKS[depth]} task{'s' * (MOST_TASKS[depth] > 1)} a question,"
            f" {ROUNDS[depth]} round{'s' * (ROUNDS[depth] > 1)} of searches a task,"
            f" {REVIEWS[depth]} review{'s' * (REVIEWS[depth] != 1)}"
            for depth in MOST_TASKS
        ),
    ):
        assert said in page, said


def test_each_configuration_is_one_that_the_job_takes() -> None:
    told = [tomllib.loads(one.text) for one in fences() if one.language == "toml"]
    with_model = [one["model"] for one in told if "model" in one]
    assert len(with_model) > 4
    for table in with_model:
        assert read_model_table(table)
