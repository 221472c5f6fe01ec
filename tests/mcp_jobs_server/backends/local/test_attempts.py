"""A job that dies is resumed: finished work is not repeated, and its costs add up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from research_contract.records import OUTCOME, Limits, Plan
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import verify
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import folder, until_ended
from tests.researcher_job.jobs import QUESTIONS, outcome_of, report_of, steps_of

pytestmark = pytest.mark.anyio

FIRST, SECOND = QUESTIONS


def dying(settings: Settings, *, at: str, until: int) -> LocalRunner:
    program = (sys.executable, str(Path(__file__).with_name("dying_job.py")))
    return LocalRunner(settings, job_command=[*program, "--dies-at", at, "--until", str(until)])


async def ended(runner: LocalRunner, **limits: int) -> tuple[Job, JobFolder]:
    asked = local.request("All of it", sources=("texts",)).model_copy(
        update={"plan": Plan(questions=QUESTIONS), "limits": Limits(**limits)}
    )
    job = await until_ended(runner, (await local.start_request(runner, asked)).job)
    return job, JobFolder(folder(runner, job))


def searches(job: JobFolder) -> list[str]:
    return (job.path.parent / f"{job.path.name}.searches").read_text().splitlines()


async def test_a_finished_question_is_not_repeated_and_its_cost_counts(
    settings: Settings,
) -> None:
    async with dying(settings, at=SECOND, until=3) as runner:
        job, found = await ended(runner)
    assert (job.state, job.outcome, job.attempt) == ("completed", "answered", 3)
    assert searches(found) == [f"1 {FIRST}", f"1 {SECOND}", f"2 {SECOND}", f"3 {SECOND}"]
    spent = outcome_of(found).spent
    assert spent.tool_calls == 4
    assert spent.active_seconds >= 0.15  # two attempts were 0.1 s old when they died
    steps = steps_of(found)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert verify(found.path).faults == ()


async def test_a_limit_holds_over_all_attempts(settings: Settings) -> None:
    async with dying(settings, at=SECOND, until=3) as runner:
        job, found = await ended(runner, tool_calls=3)
    assert (job.state, job.outcome, job.attempt) == ("completed", "partial", 3)
    assert len(searches(found)) == 3
    assert "3 tool calls" in job.summary or "3 tool calls" in outcome_of(found).reason


async def test_the_third_charged_death_ends_in_a_failure_with_a_report(
    settings: Settings,
) -> None:
    async with dying(settings, at=SECOND, until=99) as runner:
        job, found = await ended(runner)
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.code == "died"
    assert job.attempt == 4, "the first one got further than any before, so it is not charged"
    assert "thirty days" in report_of(found)
    assert not (found.path / OUTCOME).exists()
    assert searches(found).count(f"1 {FIRST}") == 1
    assert len(searches(found)) == 5
