"""A real job is steered while it runs, and again by its next process after a kill."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport, SteerResearch
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import Plan
from research_contract.steering import steering_name
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import verify
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import folder, until_ended
from tests.researcher_job.jobs import QUESTIONS, outcome_of, steps_of

pytestmark = pytest.mark.anyio

ADDED = "How long are backup files kept?"
PROGRAM = (sys.executable, str(Path(__file__).with_name("dying_job.py")))


async def test_a_steered_job_obeys_once_although_it_is_killed(settings: Settings) -> None:
    command = [*PROGRAM, "--dies-at", ADDED, "--until", "2", "--waits-for", steering_name(2)]
    async with LocalRunner(settings, job_command=command) as runner:
        jobs = Jobs(
            runner=runner,
            folders=DirectoryFolders(runner.data_dir / "jobs"),
            sources=Sources(settings),
            settings=settings,
        )
        asked = local.request("All of it", sources=("texts",))
        asked = asked.model_copy(update={"plan": Plan(questions=QUESTIONS)})
        job = (await local.start_request(runner, asked)).job
        found = JobFolder(folder(runner, job))
        searches = found.path.parent / f"{found.path.name}.searches"
        with anyio.fail_after(local.LONGEST):
            # The first search waits for the second instruction.
            while not searches.exists():  # noqa: ASYNC110 - another process makes it
                await anyio.sleep(0.01)
        for text in (f"add: {ADDED}", "drop: 2"):
            steering = SteerResearch(job_id=job.id, text=text)
            assert (await jobs.steer(job.owner, steering)).accepted
        ended = await until_ended(runner, job)
        report = await jobs.report(job.owner, FetchReport(job_id=job.id, part="report"))
    assert (ended.state, ended.outcome, ended.attempt) == ("completed", "answered", 2)
    first, second = QUESTIONS
    assert searches.read_text().splitlines() == [f"1 {first}", f"1 {ADDED}", f"2 {ADDED}"]
    results = outcome_of(found).questions
    assert [one.question for one in results] == [first, second, ADDED]
    assert [bool(one.evidence) for one in results] == [True, False, True]
    assert sum("Steered: " in step.message for step in steps_of(found)) == 2
    assert "Steered: added question 3" in report.content
    assert verify(found.path).faults == ()
