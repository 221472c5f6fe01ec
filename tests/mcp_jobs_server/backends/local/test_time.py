"""Time: suspended processes, changed clocks and restarts of the machine."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import anyio
import psutil
import pytest

from mcp_jobs_server.backends.local.options import runner_options
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import RunnerContext
from mcp_jobs_server.backends.local.processes.boot_id import boot_id
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.models import Job, StartOptions
from mcp_jobs_server.core.settings import Settings
from research_contract.files import decode, read_whole
from research_contract.records import STATUS, Limits, Status
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    let_go,
    lines,
    runners,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

HANG_SECONDS = 3.0
"""Time after which a job counts as hanging; the tests suspend processes for longer."""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with local.data_directory(tmp_path, report_seconds=0.0) as settings:
        yield settings


@pytest.fixture
async def runner(settings: Settings) -> AsyncIterator[LocalRunner]:
    async with LocalRunner(
        settings, job_command=local.STAND_IN, hang_seconds=HANG_SECONDS
    ) as runner:
        yield runner


@contextmanager
def suspended(found: list[psutil.Process]) -> Iterator[None]:
    """Suspend the processes inside the block, as closing a laptop does."""
    assert found != []
    for process in found:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in found:
            process.send_signal(signal.SIGCONT)


# --- suspended processes ----------------------------------------------------------------------


async def test_a_suspended_job_does_not_count_as_hanging(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    with suspended(os_processes.job_processes(job.id)):
        await anyio.sleep(HANG_SECONDS + 1)
    let_go(runner, job)
    ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("completed", 1)
    assert lines(runner, job, "starts") == ["1"]


async def test_a_suspended_job_does_not_use_up_its_minutes(
    settings: Settings, runner: LocalRunner
) -> None:
    asked = local.request().model_copy(update={"limits": Limits(minutes=HANG_SECONDS / 60)})
    job = (await local.start_request(runner, asked)).job
    await until_running(runner, job)
    with suspended(os_processes.job_processes(job.id)):
        await anyio.sleep(HANG_SECONDS + 1)
        found = await runner.job(local.OWNER, job.id)
        assert found is not None
        assert found.state == "running"
    let_go(runner, job)
    ended = await until_ended(runner, job)
    assert (ended.state, ended.outcome) == ("completed", "answered")
    assert lines(runner, job, "finishes") == []


async def test_a_suspended_job_can_be_cancelled(settings: Settings, runner: LocalRunner) -> None:
    job = await start(runner)
    await until_running(runner, job)
    found = os_processes.job_processes(job.id)
    for process in found:
        process.send_signal(signal.SIGSTOP)
    await runner.stop(local.OWNER, job.id, "stop")
    assert (await until_ended(runner, job)).state == "cancelled"
    assert os_processes.job_processes(job.id) == []


async def test_no_second_runner_is_launched_beside_a_suspended_one(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    before = runners(settings)
    with suspended(before):
        async with LocalRunner(settings, job_command=local.STAND_IN) as other:
            second = await start(other)
            await other.ensure_runner()
            assert [one.pid for one in runners(settings)] == [one.pid for one in before]
            assert lines(other, second, "starts") == []
    for one in (job, second):
        let_go(runner, one)
        ended = await until_ended(runner, one)
        assert (ended.state, ended.attempt) == ("completed", 1)
        assert lines(runner, one, "starts") == ["1"]


async def test_all_processes_may_be_suspended_together(
    settings: Settings, runner: LocalRunner
) -> None:
    job, other = await start(runner), await start(runner)
    for one in (job, other):
        await until_running(runner, one)
    with suspended(os_processes.data_dir_processes(settings.data_dir)):
        await anyio.sleep(0.5)
    for one in (job, other):
        let_go(runner, one)
        ended = await until_ended(runner, one)
        assert (ended.state, ended.attempt) == ("completed", 1)
        assert (lines(runner, one, "starts"), lines(runner, one, "ends")) == (["1"], ["x"])


# --- clocks and restarts ----------------------------------------------------------------------


async def test_a_changed_clock_neither_ends_nor_repeats_a_job(settings: Settings) -> None:
    wall = cycle([timedelta(days=400), timedelta(days=-400)])

    def clock() -> datetime:
        """Return the time of a clock that is changed forwards and backwards all the time."""
        return datetime.now(UTC) + next(wall)

    async with LocalRunner(settings, job_command=local.STAND_IN, clock=clock) as runner:
        asked = [local.request(at=clock()) for _ in range(2)]
        jobs = [(await local.start_request(runner, one)).job for one in asked]
        for job in jobs:
            await until_running(runner, job)
            let_go(runner, job)
            ended = await until_ended(runner, job)
            assert (ended.state, ended.attempt) == ("completed", 1)
            assert lines(runner, job, "starts") == ["1"]


class Lid:
    """A clock, in seconds, that advances while nothing runs, as when a laptop sleeps."""

    def __init__(self) -> None:
        self.closed = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return time.monotonic() + self.closed


@contextmanager
def runner_here(settings: Settings, clock: Callable[[], float]) -> Iterator[JobStore]:
    """Run a supervisor in a thread of this process; yield the store."""
    paths = DataPaths(settings.data_dir)
    database = Database(paths)
    options = runner_options(settings, local.STAND_IN)
    wall = cycle([timedelta(days=400), timedelta(days=-400)])
    supervisor = Supervisor(
        Queue(database, options.profile),
        RunnerContext(paths, options),
        clock=lambda: datetime.now(UTC) + next(wall),
        monotonic=clock,
    )
    thread = threading.Thread(target=supervisor.serve)
    thread.start()
    try:
        yield JobStore(database)
    finally:
        stop_all(settings, wait_seconds=10)
        thread.join(local.LONGEST)
        database.close()


async def test_a_night_with_the_lid_closed_costs_no_minutes(settings: Settings) -> None:
    lid = Lid()
    asked = local.request().model_copy(update={"limits": Limits(minutes=30)})
    store = JobStore(Database(DataPaths(settings.data_dir)))
    profile = runner_options(settings, local.STAND_IN).profile
    options = StartOptions()
    job = store.start(asked, owner=local.OWNER, options=options, profile=profile).job
    with runner_here(settings, lid):
        place = settings.jobs_dir / job.folder
        while not (place / "starts").exists():
            await local.moment()
        lid.closed = 8 * 3600.0
        looks = lid.looks
        while lid.looks < looks + 3:
            await local.moment()
        (place / "go").touch()
        while not (found := store.job(local.OWNER, job.id)) or not found.ended:
            await local.moment()
        assert (found.state, found.outcome, found.attempt) == ("completed", "answered", 1)
    assert not (place / "finishes").exists()


def cut_the_power(settings: Settings, job: Job, boot: str) -> None:
    """Kill all processes, and set the boot id of the row."""
    found = os_processes.data_dir_processes(settings.data_dir)
    for process in found:
        process.kill()
    psutil.wait_procs(found, timeout=local.LONGEST)
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database, database:
        database.execute("UPDATE jobs SET boot = ? WHERE id = ?", (boot, job.id))


async def until_told(runner: LocalRunner, job: Job, attempt: int) -> None:
    """Wait until this attempt has written its status."""
    path = local.folder(runner, job) / STATUS
    with anyio.fail_after(local.LONGEST):
        while True:
            told = decode(Status, read_whole(path))
            if told and told.attempt == attempt:
                return
            await local.moment()


@pytest.mark.parametrize(
    ("boot", "deaths", "state", "attempts"),
    [("another boot", 4, "completed", 5), (boot_id(), 3, "failed", 3)],
    ids=["with a restart", "without"],
)
async def test_only_deaths_without_a_restart_of_the_machine_are_charged(
    settings: Settings, boot: str, deaths: int, state: str, attempts: int
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN, keep_seconds=600) as runner:
        job = await start(runner)
        for attempt in range(1, deaths + 1):
            await until_told(runner, job, attempt)
            cut_the_power(settings, job, boot)
            await runner.ensure_runner()
        let_go(runner, job)
        ended = await until_ended(runner, job)
        assert (ended.state, ended.attempt) == (state, attempts)


async def test_a_claim_records_the_boot(settings: Settings, runner: LocalRunner) -> None:
    job = await start(runner)
    await until_running(runner, job)
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        [(boot,)] = database.execute("SELECT boot FROM jobs WHERE id = ?", (job.id,)).fetchall()
    assert boot == boot_id() != ""


def test_without_a_boot_id_the_time_of_the_boot_is_used(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert boot_id(linux=nowhere, macos=nowhere) == boot_id(linux=nowhere, macos=nowhere) != ""
    assert boot_id(linux=tmp_path) == ""
