"""A finished job with a model runs again from its folder alone, and the same comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from research_contract import records
from research_contract.records import Limits
from researcher_job.__main__ import main
from researcher_job.models.base import Prompt
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.ledger import PaidCall
from researcher_job.testing import Answer, FakeSource, ScriptedModel
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import QUESTIONS, TEXTS, make_folder, make_job, outcome_of
from tests.researcher_job.scripts import GOOD


def ran(root: Path, script: ScriptedModel, **fields: object) -> None:
    """Run a job of two questions, the second of which is done first."""
    late = anyio.Event()

    async def watch(question: str) -> None:
        if question == QUESTIONS[1]:
            late.set()
        elif question == QUESTIONS[0]:
            with anyio.move_on_after(5):
                await late.wait()

    folder = make_folder(root, **fields)
    source = FakeSource(TEXTS, watcher=watch)
    anyio.run(replace(make_job(folder, source), models=script.models()).run)


def two_tasks(prompt: Prompt) -> Answer:
    asked = prompt.messages[0].text
    question = next(one for one in QUESTIONS if one in asked)
    return {"tasks": [{"ask": question}, {"ask": f"Anything else about: {question}"}]}


MODEL = ScriptedModel({**GOOD, "divide": two_tasks})


def test_report_and_evidence_are_the_same_byte_for_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path / "done", MODEL)
    assert main(["replay", str(tmp_path / "done"), "--into", str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out == "report.md: the same\nevidence.jsonl: the same\n"
    for name in (records.REPORT, records.EVIDENCE):
        done, again = (tmp_path / one / name for one in ("done", "again"))
        assert done.read_bytes() == again.read_bytes()
    assert verify(tmp_path / "again").faults == ()


def test_a_job_that_a_limit_ended_is_replayed_to_the_same_end(tmp_path: Path) -> None:
    ran(tmp_path / "done", MODEL, limits=Limits(tool_calls=2))
    assert "The limit of 2 tool calls" in outcome_of(JobFolder(tmp_path / "done")).reason
    assert main(["replay", str(tmp_path / "done"), "--into", str(tmp_path / "again")]) == 0


def test_another_answer_gives_another_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path / "done", MODEL)
    for path in (tmp_path / "done" / records.RESULTS).glob("*.json"):
        paid = PaidCall.model_validate_json(path.read_bytes())
        if str(paid.arguments.get("name", "")).startswith("read@"):
            paid = paid.model_copy(update={"answer": {"text": "{}"}})
            path.write_text(paid.model_dump_json(), encoding="utf-8")
    assert main(["replay", str(tmp_path / "done"), "--into", str(tmp_path / "again")]) == 1
    said = capsys.readouterr()
    assert "report.md: differs" in said.out or "does not find the quotes" in said.err


def test_what_cannot_be_replayed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder(tmp_path / "plain")
    anyio.run(make_job(folder).run)
    assert main(["replay", str(folder.path), "--into", str(tmp_path / "again")]) == 5
    assert "Only a finished job with a language model" in capsys.readouterr().err
    ran(tmp_path / "done", MODEL)
    assert main(["replay", str(tmp_path / "done"), "--into", str(tmp_path)]) == 5
    assert "not empty" in capsys.readouterr().err
