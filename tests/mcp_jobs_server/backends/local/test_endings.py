"""However the process of a job ends, the job ends correctly and leaves no process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from research_contract.records import OUTCOME, REPORT, Limits
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    child_of,
    ended_file,
    folder,
    gone,
    let_go,
    lines,
    start,
    until,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with local.data_directory(
        tmp_path, stop_grace_seconds=0.3, finish_grace_seconds=0.3, report_seconds=5.0
    ) as settings:
        yield settings


async def test_a_stop_leaves_no_process_in_any_session(
    runner: LocalRunner,
) -> None:
    job = await start(runner, "orphan")
    await until_running(runner, job)
    child = child_of(runner, job)
    await runner.stop(local.OWNER, job.id, "stop")
    ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("cancelled", 1)
    assert gone(child)
    assert os_processes.job_processes(job.id) == []
    assert ended_file(runner, job).state == "cancelled"


async def test_processes_that_a_job_leaves_running_are_killed(runner: LocalRunner) -> None:
    job = await start(runner, "orphan")
    await until_running(runner, job)
    child = child_of(runner, job)
    let_go(runner, job)
    assert (await until_ended(runner, job)).state == "completed"
    assert gone(child)


async def test_a_job_that_obeys_is_cancelled_without_being_killed(runner: LocalRunner) -> None:
    job = await start(runner)
    await until_running(runner, job)
    await runner.stop(local.OWNER, job.id, "stop")
    assert (await until_ended(runner, job)).state == "cancelled"
    assert not (folder(runner, job) / OUTCOME).exists()


async def test_a_stop_file_alone_cancels_a_job(runner: LocalRunner) -> None:
    job = await start(runner)
    await until_running(runner, job)
    (folder(runner, job) / "control").mkdir(exist_ok=True)
    (folder(runner, job) / "control" / "stop").touch()
    assert (await until_ended(runner, job)).state == "cancelled"


async def test_an_existing_outcome_wins_over_a_stop(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    for process in os_processes.data_dir_processes(settings.data_dir):
        process.suspend()
    let_go(runner, job)
    await runner.stop(local.OWNER, job.id, "stop")
    (folder(runner, job) / "control" / "stop").unlink()
    for process in os_processes.job_processes(job.id):
        process.resume()
    while not (folder(runner, job) / OUTCOME).exists():
        await local.moment()
    for process in os_processes.data_dir_processes(settings.data_dir):
        process.resume()
    assert (await until_ended(runner, job)).state == "completed"


async def test_the_report_is_written_if_finish_now_is_not_obeyed(runner: LocalRunner) -> None:
    job = await start(runner, "stubborn")
    await until_running(runner, job)
    await runner.stop(local.OWNER, job.id, "finish_now")
    ended = await until_ended(runner, job)
    assert (ended.state, ended.outcome, ended.summary) == ("completed", "partial", "finish_now")
    assert lines(runner, job, "finishes") == ["finish_now"]


async def test_the_report_is_written_if_a_job_exceeds_its_minutes(runner: LocalRunner) -> None:
    asked = local.request("stubborn").model_copy(update={"limits": Limits(minutes=0.001)})
    job = (await local.start_request(runner, asked)).job
    ended = await until_ended(runner, job)
    assert (ended.state, ended.outcome) == ("completed", "partial")
    assert lines(runner, job, "finishes") == ["deadline"]
    assert lines(runner, job, "starts") == ["1"]


async def test_a_job_that_dies_is_resumed_twice_and_fails_with_a_report(
    runner: LocalRunner,
) -> None:
    job = await start(runner, "die")
    ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("failed", 3)
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("died", True)
    assert lines(runner, job, "starts") == ["1", "2", "3"]
    assert lines(runner, job, "finishes") == ["died"]
    assert (folder(runner, job) / REPORT).exists()
    assert not (folder(runner, job) / OUTCOME).exists()
    assert ended_file(runner, job).attempts == 3


async def test_the_report_is_begun_again_if_its_writer_dies(runner: LocalRunner) -> None:
    job = await start(runner, "reluctant")
    ended = await until_ended(runner, job)
    assert ended.error is not None
    assert ended.error.code == "died"
    assert lines(runner, job, "finishes") == ["died", "died"]
    assert (folder(runner, job) / REPORT).exists()


async def test_deaths_after_progress_are_not_charged(runner: LocalRunner) -> None:
    job = await start(runner, "progress")
    ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("completed", 5)


async def test_deaths_after_repeated_work_are_charged(
    runner: LocalRunner,
) -> None:
    job = await start(runner, "repeat")
    ended = await until_ended(runner, job)
    # The first death came after progress; the three charged ones after repeated work.
    assert (ended.state, ended.attempt) == ("failed", 4)
    assert lines(runner, job, "finishes") == ["died"]


async def test_the_log_names_each_death_and_the_failure_names_the_log(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner, "die")
    ended = await until_ended(runner, job)
    log = (settings.data_dir / "log" / "runner.log").read_text()
    deaths = [line for line in log.splitlines() if job.id in line]
    assert [line.partition(f"job {job.id}: ")[2] for line in deaths] == [
        "attempt 1 ended with exit code 1: it is queued again; this death counts",
        "attempt 2 ended with exit code 1: it is queued again; this death counts",
        "attempt 3 ended with exit code 1: its report is written from the folder (died)",
        "attempt 3 ended with exit code 0: it has failed (died)",
    ]
    assert all(datetime.fromisoformat(line[:19]) for line in deaths)
    assert ended.error is not None
    assert "log/runner.log" in ended.error.hint
    assert str(settings.data_dir) not in ended.error.hint


async def test_the_log_names_the_signal_that_killed_a_job(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    for process in os_processes.job_processes(job.id):
        process.kill()
    await until(runner, job, lambda job: job.attempt == 2)
    log = (settings.data_dir / "log" / "runner.log").read_text()
    assert f"job {job.id}: attempt 1 was killed by signal 9 (SIGKILL): it is queued again" in log


async def test_a_job_that_hangs_is_killed_and_charged(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN, hang_seconds=0.8) as runner:
        job = await start(runner, "hang")
        ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("failed", 3)
    assert os_processes.job_processes(job.id) == []


async def test_a_request_that_the_job_cannot_read_fails_at_once(runner: LocalRunner) -> None:
    ended = await until_ended(runner, await start(runner, "unreadable"))
    assert (ended.state, ended.attempt) == ("failed", 1)
    assert ended.error is not None
    assert ended.error.code == "unreadable_request"


async def test_a_missing_program_is_a_failure_with_a_hint(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=["/no/such/program"]) as runner:
        ended = await until_ended(runner, await start(runner))
        assert ended.state == "failed"
        assert ended.error is not None
        assert ended.error.hint != ""


async def test_jobs_beyond_the_limit_wait_in_order(settings: Settings, tmp_path: Path) -> None:
    async with LocalRunner(replace(settings, max_running=2), job_command=local.STAND_IN) as runner:
        jobs = [await start(runner) for _ in range(4)]
        for job in jobs[:2]:
            await until_running(runner, job)
        waiting = [await runner.job(local.OWNER, job.id) for job in jobs[2:]]
        assert [job and (job.state, job.queue_position) for job in waiting] == [
            ("queued", 1),
            ("queued", 2),
        ]
        let_go(runner, jobs[0])
        await until_running(runner, jobs[2])
        last = await runner.job(local.OWNER, jobs[3].id)
        assert last is not None
        assert (last.state, last.queue_position) == ("queued", 1)
        for job in jobs[1:]:
            let_go(runner, job)
            assert (await until_ended(runner, job)).state == "completed"


async def test_the_researcher_of_this_project_runs_to_its_report(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "pond").mkdir()
    (tmp_path / "pond" / "newts.md").write_text(
        "# Newts\n\nThe great crested newt lays between 200 and 300 eggs a season.\n"
    )
    asked = local.request("How many eggs does the great crested newt lay?", sources=("pond",))
    [source] = asked.sources
    source = source.model_copy(update={"uri": (tmp_path / "pond").as_uri()})
    async with LocalRunner(settings) as runner:
        started = await runner.start(
            asked.model_copy(update={"sources": (source,)}),
            owner=local.OWNER,
            options=StartOptions(),
        )
        ended = await until_ended(runner, started.job)
        assert ended.error is None
        assert ended.state == "completed"
        assert "200 and 300 eggs" in (folder(runner, ended) / REPORT).read_text()
