"""Stop and finish-now end a job correctly, with all its processes, at every point of its life."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import psutil
import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.models import Job, StartOptions, StopMode
from mcp_jobs_server.core.settings import Settings
from research_contract.records import ENDED, FINISH_NOW, OUTCOME, REPORT, STOP, Ended, Failure
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    child_of,
    ended_file,
    folder,
    gone,
    let_go,
    lines,
    runners,
    start,
    until,
    until_ended,
    until_running,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot suspend by a signal"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with local.data_directory(
        tmp_path, max_running=1, stop_grace_seconds=0.3, finish_grace_seconds=0.3
    ) as settings:
        yield settings


@pytest.fixture
async def runner(settings: Settings) -> AsyncIterator[LocalRunner]:
    async with LocalRunner(settings, job_command=local.STAND_IN, keep_seconds=0.5) as runner:
        yield runner


async def ask(runner: LocalRunner, job: Job, mode: StopMode) -> Job:
    found = await runner.stop(local.OWNER, job.id, mode)
    assert found is not None
    return found


async def ended_as(runner: LocalRunner, job: Job, state: str) -> Job:
    """Wait for the end; by then no process or lock of the job may be left."""
    ended = await until_ended(runner, job)
    assert ended.state == state
    assert os_processes.job_processes(job.id) == []
    assert not locks.is_held(DataPaths(runner.data_dir).job_lock(job.id))
    assert (folder(runner, job) / OUTCOME).exists() == (state == "completed")
    return ended


def send(found: list[psutil.Process], number: signal.Signals) -> None:
    assert found != []
    for process in found:
        process.send_signal(number)


async def test_a_stopped_queued_job_never_begins(runner: LocalRunner) -> None:
    first, queued = await start(runner), await start(runner)
    await until_running(runner, first)
    stopped = await ask(runner, queued, "stop")
    assert (stopped.state, stopped.attempt) == ("cancelled", 0)
    let_go(runner, first)
    await ended_as(runner, first, "completed")
    assert (await ended_as(runner, queued, "cancelled")).attempt == 0
    assert lines(runner, queued, "starts") == []


async def test_a_queued_job_asked_to_finish_writes_its_report_in_its_turn(
    settings: Settings, runner: LocalRunner
) -> None:
    first, queued = await start(runner), await start(runner)
    await until_running(runner, first)
    assert (await ask(runner, queued, "finish_now")).state == "queued"
    # The server may have died before it wrote the control file.
    (folder(runner, queued) / FINISH_NOW).unlink()
    let_go(runner, first)
    ended = await ended_as(runner, queued, "completed")
    assert (ended.outcome, ended.attempt) == ("partial", 1)


@pytest.mark.parametrize(("mode", "state"), [("stop", "cancelled"), ("finish_now", "completed")])
async def test_a_request_to_a_starting_job(
    settings: Settings, runner: LocalRunner, mode: StopMode, state: str
) -> None:
    job = await start(runner)
    await until(runner, job, lambda found: found.state == "running")
    await ask(runner, job, mode)
    assert (await ended_as(runner, job, state)).attempt == 1


@pytest.mark.parametrize(("mode", "state"), [("stop", "cancelled"), ("finish_now", "completed")])
async def test_a_request_to_a_running_job(runner: LocalRunner, mode: StopMode, state: str) -> None:
    job = await start(runner)
    await until_running(runner, job)
    await ask(runner, job, mode)
    assert (await ended_as(runner, job, state)).attempt == 1
    assert lines(runner, job, "finishes") == [], "it obeyed and needed no help"


async def test_a_stop_overrides_a_finish_now(runner: LocalRunner) -> None:
    job = await start(runner, "stubborn")
    await until_running(runner, job)
    await ask(runner, job, "finish_now")
    assert (await ask(runner, job, "stop")).state == "cancelling"
    assert (await ask(runner, job, "finish_now")).requested == "stop"
    await ended_as(runner, job, "cancelled")


@pytest.mark.parametrize("mode", ["stop", "finish_now"])
async def test_a_request_to_a_job_with_an_outcome_completes_it(
    settings: Settings, runner: LocalRunner, mode: StopMode
) -> None:
    """The outcome exists, the process has not ended, and the runner has not seen the outcome."""
    job = await start(runner, "lingering")
    await until_running(runner, job)
    send(runners(settings), signal.SIGSTOP)
    let_go(runner, job)
    while not (folder(runner, job) / OUTCOME).exists():
        await local.moment()
    await ask(runner, job, mode)
    send(runners(settings), signal.SIGCONT)
    ended = await ended_as(runner, job, "completed")
    assert ended.outcome == "answered"
    assert not (folder(runner, job) / ENDED).exists()


@pytest.mark.parametrize("mode", ["stop", "finish_now"])
@pytest.mark.parametrize("died", ["with its runner", "alone"])
async def test_a_request_to_a_dead_job(
    settings: Settings, runner: LocalRunner, mode: StopMode, died: str
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    send(runners(settings), signal.SIGSTOP)
    send(os_processes.job_processes(job.id), signal.SIGKILL)
    await ask(runner, job, mode)
    send(runners(settings), signal.SIGKILL if died == "with its runner" else signal.SIGCONT)
    ended = await ended_as(runner, job, "cancelled" if mode == "stop" else "completed")
    assert ended.attempt == 1, "a job that is to end is not begun again"
    assert lines(runner, job, "finishes") == ([] if mode == "stop" else ["finish_now"])
    assert (folder(runner, job) / REPORT).exists() == (mode == "finish_now")


@pytest.mark.parametrize("mode", ["stop", "finish_now"])
async def test_a_request_to_a_suspended_job(runner: LocalRunner, mode: StopMode) -> None:
    job = await start(runner)
    await until_running(runner, job)
    send(os_processes.job_processes(job.id), signal.SIGSTOP)
    await ask(runner, job, mode)
    ended = await ended_as(runner, job, "cancelled" if mode == "stop" else "completed")
    assert ended.attempt == 1
    assert lines(runner, job, "finishes") == ([] if mode == "stop" else ["finish_now"])


async def test_a_stop_while_the_report_of_a_dead_job_is_written(runner: LocalRunner) -> None:
    job = await start(runner, "slow to report")
    while not lines(runner, job, "finishes"):
        await local.moment()
    await ask(runner, job, "stop")
    await ended_as(runner, job, "cancelled")


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_a_request_to_an_ended_job_changes_nothing(runner: LocalRunner, end: str) -> None:
    job = await start(runner, "die" if end == "failed" else "wait")
    if end != "failed":
        await until_running(runner, job)
    if end == "completed":
        let_go(runner, job)
    if end == "cancelled":
        await ask(runner, job, "stop")
    before = await until_ended(runner, job)
    assert before.state == end
    assert await ask(runner, job, "finish_now") == before
    assert await ask(runner, job, "stop") == before
    assert (folder(runner, job) / FINISH_NOW).exists() is False


async def test_cancelling_is_shown_until_the_last_process_is_gone(
    settings: Settings, runner: LocalRunner
) -> None:
    """The job obeys at once, but a child process in a session of its own survives."""
    job = await start(runner, "parent")
    await until_running(runner, job)
    child = child_of(runner, job)
    send(runners(settings), signal.SIGSTOP)
    await ask(runner, job, "stop")
    while [process for process in os_processes.job_processes(job.id) if process != child]:
        await local.moment()
    assert os_processes.job_processes(job.id) == [child]
    found = await runner.job(local.OWNER, job.id)
    assert found is not None
    assert found.state == "cancelling", "its own process is gone, its child is not"
    send(runners(settings), signal.SIGCONT)
    await ended_as(runner, job, "cancelled")
    assert gone(child)


async def test_a_stop_recorded_only_in_the_row_is_obeyed(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    send(runners(settings), signal.SIGSTOP)
    await ask(runner, job, "stop")
    (folder(runner, job) / STOP).unlink()
    send(runners(settings), signal.SIGCONT)
    await ended_as(runner, job, "cancelled")


def test_a_stop_between_settling_and_recording_is_not_lost(
    settings: Settings,
) -> None:
    paths = DataPaths(settings.data_dir)
    paths.make()
    with closing(Database(paths)) as database:
        store, queue = JobStore(database), Queue(database, "p")
        asked, now = local.request(), datetime.now(UTC)
        store.start(asked, owner=local.OWNER, options=StartOptions(), profile="p")
        waiting = queue.next(max_running=1)
        assert waiting is not None
        claim = queue.claim(waiting, max_running=1, progress=0, at=now)
        assert claim is not None
        store.stop(local.OWNER, asked.job_id, "stop", at=now)
        assert not queue.requeue(claim, charge=True)
        failed = Ended(state="failed", error=Failure(code="died", message="It died."), ended_at=now)
        assert not queue.end(claim, failed)
        assert queue.claimed()[claim.id].charged == 0
        assert queue.end(claim, failed.model_copy(update={"state": "cancelled", "error": None}))
        assert queue.claimed() == {}


def test_a_failure_recorded_in_the_folder_holds_after_a_stop(settings: Settings) -> None:
    paths = DataPaths(settings.data_dir)
    paths.make()
    with closing(Database(paths)) as database:
        store, queue = JobStore(database), Queue(database, "p")
        asked, now = local.request(), datetime.now(UTC)
        store.start(asked, owner=local.OWNER, options=StartOptions(), profile="p")
        waiting = queue.next(max_running=1)
        assert waiting is not None
        claim = queue.claim(waiting, max_running=1, progress=0, at=now)
        assert claim is not None
        store.stop(local.OWNER, asked.job_id, "stop", at=now)
        failed = Ended(state="failed", error=Failure(code="died", message="It died."), ended_at=now)
        assert queue.end(claim, failed, recorded=True)
        job = store.job(local.OWNER, asked.job_id)
        assert job is not None
        assert (job.state, job.error) == ("failed", failed.error)


async def test_stops_at_random_moments_of_short_jobs_end_each_job_once(
    settings: Settings,
) -> None:
    """While a job writes its outcome, either end is correct, and must not change."""
    settings = replace(settings, max_running=3)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        ended: list[Job] = []

        async def race(number: int) -> None:
            job = await start(runner, "short")
            await until_running(runner, job)
            await anyio.sleep(0.3 + number * 0.03)
            await ask(runner, job, "stop")
            ended.append(await until_ended(runner, job))

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(race, number)
        for job in ended:
            done = (folder(runner, job) / OUTCOME).exists()
            assert job.state == ("completed" if done else "cancelled")
            if not done:
                assert ended_file(runner, job).state == "cancelled"
            assert (folder(runner, job) / ENDED).exists() == (not done)
