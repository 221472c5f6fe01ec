"""A job with a language model, from request to verified report, with a scripted model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio

from research_contract import records
from research_contract.records import Plan
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import Script, ScriptedModel
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import make_folder, make_job, outcome_of, report_of, steps_of
from tests.researcher_job.scripts import reads_all, writes_quotes

GOOD: Script = {
    "divide": ({"tasks": [{"ask": "How long are log files kept?"}]},),
    "plan": ({"searches": ["retention of log files"]},),
    "read": reads_all,
    "review": ({"enough": True},),
    "write": writes_quotes,
    "check": ({"supported": True},),
}


def run_with(folder: JobFolder, model: ScriptedModel) -> None:
    job = replace(make_job(folder), models=model.models())
    anyio.run(job.run)


def test_a_job_with_a_model_ends_with_a_verified_report(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path, plan=Plan(questions=("How long is the retention of log files?",))
    )
    model = ScriptedModel(GOOD)
    run_with(folder, model)
    outcome = outcome_of(folder)
    print(report_of(folder))
    print(folder.file(records.PROGRESS).read_text())
    for step in steps_of(folder):
        print(step.kind, step.worker, step.message)
    assert outcome.outcome == "answered"
    assert verify(tmp_path).faults == ()
