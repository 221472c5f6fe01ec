"""No job stays queued without a runner, whichever process exits, dies or looks meanwhile."""

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import anyio
import psutil
import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import RunnerContext
from mcp_jobs_server.backends.local.processes.launch import RunnerLauncher
from mcp_jobs_server.backends.local.processes.supervisor import Supervisor
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import lines, start, until_running
from tests.mcp_jobs_server.backends.local.leaving_runner import LEAVE_SECONDS

LEAVING = (sys.executable, "-m", f"{__package__}.leaving_runner")
PROFILE = "p"


@pytest.fixture
def context(settings: Settings) -> RunnerContext:
    paths = DataPaths(settings.data_dir)
    paths.make()
    options = RunnerOptions(
        settings.data_dir, PROFILE, local.STAND_IN, max_running=4, idle_seconds=0.02
    )
    return RunnerContext(paths, options)


@pytest.fixture
def database(context: RunnerContext) -> Iterator[Database]:
    with closing(Database(context.paths)) as database:
        yield database


def begin(database: Database) -> str:
    """Insert the row of a job, which commits its start."""
    asked = local.request("answer")
    store = JobStore(database)
    store.start(asked, owner=local.OWNER, options=StartOptions(), profile=PROFILE)
    return asked.job_id


def states(database: Database) -> set[str]:
    with database.read() as db:
        return {row["state"] for row in db.execute("SELECT state FROM jobs")}


def wait_until_no_runner_lives(settings: Settings) -> None:
    _, living = psutil.wait_procs(
        [
            one
            for one in os_processes.data_dir_processes(settings.data_dir)
            if not os_processes.is_job(one)
        ],
        timeout=local.LONGEST,
    )
    assert living == []


def test_a_start_between_the_last_look_and_the_exit_is_seen(
    context: RunnerContext, database: Database
) -> None:
    launched: list[object] = []

    def start_meanwhile() -> None:
        if not launched:
            begin(database)
            launched.append(RunnerLauncher(context.options, context.paths).launch_if_missing())

    Supervisor(Queue(database, PROFILE), context, before_exit=start_meanwhile).serve()
    assert launched == [None], "a start meanwhile leaves the job to the running runner"
    assert states(database) == {"completed"}


def test_starts_at_any_moment_around_the_exit_of_a_runner_complete(
    settings: Settings, context: RunnerContext, database: Database
) -> None:
    """No caller waits and no server looks again: each server only starts a job."""
    chance = random.Random(1)  # noqa: S311 - no secret

    def server(pause_seconds: float) -> None:
        threading.Event().wait(pause_seconds)
        begin(database)
        launcher = RunnerLauncher(
            context.options, context.paths, command=LEAVING
        ).launch_if_missing()
        if launcher is not None:
            assert launcher.wait(timeout=local.LONGEST) == 0

    for _ in range(4):
        server(0)
        while states(database) != {"completed"}:
            threading.Event().wait(0.01)
        with ThreadPoolExecutor() as servers:
            list(servers.map(server, [chance.uniform(0, LEAVE_SECONDS) for _ in range(2)]))
        while os_processes.data_dir_processes(settings.data_dir):
            wait_until_no_runner_lives(settings)
        assert states(database) == {"completed"}


def test_concurrent_looks_at_a_free_lock_see_no_holder(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    with locks.try_lock(path) as mine:
        assert mine
        assert locks.is_held(path)

    def look(_: int) -> bool:
        return any(locks.is_held(path) for _ in range(200))

    with ThreadPoolExecutor(max_workers=4) as lookers:
        assert list(lookers.map(look, range(4))) == [False] * 4


def test_a_process_that_settles_the_jobs_of_a_dead_runner_is_no_runner(
    context: RunnerContext, database: Database
) -> None:
    lock = context.paths.runner_lock(PROFILE)
    with locks.reserve(lock) as free:
        assert free
        assert not locks.is_held(lock), "a start meanwhile must launch a runner"
        with locks.try_lock(lock) as taken:
            assert not taken, "a runner must wait until the jobs are settled"
    with locks.try_lock(lock), locks.reserve(lock) as free:
        assert not free


@pytest.mark.anyio
async def test_a_killed_runner_is_relaunched_for_queued_jobs_without_callers(
    settings: Settings,
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN, keep_seconds=0.2) as runner:
        first = await start(runner)
        await until_running(runner, first)
        last = await start(runner, "answer")
        await start(runner)
        for process in os_processes.data_dir_processes(settings.data_dir):
            process.kill()
        with anyio.fail_after(local.LONGEST):
            while not lines(runner, last, "starts"):
                await local.moment()


def test_relaunches_of_a_runner_that_always_exits_become_rare(context: RunnerContext) -> None:
    seconds = [0.0]
    none = (sys.executable, "-c", "raise SystemExit(1)")
    runner_launcher = RunnerLauncher(
        context.options, context.paths, command=none, monotonic=lambda: seconds[-1]
    )
    launched = []
    for _ in range(300):
        launcher = runner_launcher.relaunch(check=lambda: None)
        if launcher is not None:
            launcher.wait(timeout=local.LONGEST)
            launched.append(seconds[-1])
        seconds.append(seconds[-1] + 1)
    pauses = [later - before for before, later in itertools.pairwise(launched)]
    assert pauses == [5, 5, 5, 5, 5, 8, 16, 32, 60, 60, 60]
    with locks.try_lock(context.paths.runner_lock(PROFILE)):
        assert runner_launcher.relaunch(check=lambda: None) is None
    launcher = runner_launcher.relaunch(check=lambda: None)
    assert launcher is not None, "a live runner was seen since, so this relaunch is immediate"
    launcher.wait(timeout=local.LONGEST)


def test_no_runner_is_relaunched_if_the_check_fails(context: RunnerContext) -> None:
    runner_launcher = RunnerLauncher(context.options, context.paths)

    def not_now() -> None:
        raise Unavailable("The disk is full.")

    with pytest.raises(Unavailable):
        runner_launcher.relaunch(check=not_now)
    assert os_processes.data_dir_processes(context.paths.root) == []


@pytest.mark.anyio
async def test_a_launcher_that_failed_is_replaced_at_once(settings: Settings) -> None:
    paths = DataPaths(settings.data_dir)
    paths.make()
    # Ends like a launcher that is killed before it has started the command.
    none = (sys.executable, "-c", "raise SystemExit(0)")
    options = RunnerOptions(settings.data_dir, PROFILE, local.STAND_IN)
    runner_launcher = RunnerLauncher(options, paths, command=none)
    first = runner_launcher.launch_if_missing()
    assert first is not None
    first.wait()
    assert runner_launcher.launch_if_missing() is None, "it may still start"
    runner_launcher.failed()
    second = runner_launcher.launch_if_missing()
    assert second is not None
    second.wait()
