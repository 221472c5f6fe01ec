"""Jobs survive the kill of the runner, the server and the server's whole process tree."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import FetchReport
from mcp_jobs_server.sources.registry import Sources
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    OWNER,
    kill,
    let_go,
    lines,
    runners,
    start,
    until,
    until_ended,
    until_running,
)
from tests.repository import ROOT

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with local.data_directory(tmp_path, max_running=1) as settings:
        yield settings


@contextmanager
def server(settings: Settings, *, count: int = 1, key: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a server process that is about to start jobs."""
    command = [sys.executable, "-m", f"{__package__}.starting_process"]
    with subprocess.Popen(
        [*command, str(settings.data_dir), str(count), key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def test_a_job_survives_its_runner_and_the_queue_continues(
    settings: Settings, runner: LocalRunner
) -> None:
    first, second = await start(runner), await start(runner)
    await until_running(runner, first)
    kill(runners(settings))
    await runner.ensure_runner()
    let_go(runner, first)
    ended = await until_ended(runner, first)
    assert (ended.state, ended.attempt) == ("completed", 1)
    assert (lines(runner, first, "starts"), lines(runner, first, "ends")) == (["1"], ["x"])
    let_go(runner, second)
    assert (await until_ended(runner, second)).state == "completed"


async def test_a_job_that_dies_with_its_runner_is_resumed(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    kill(os_processes.data_dir_processes(settings.data_dir))
    await runner.ensure_runner()
    resumed = await until(runner, job, lambda _: lines(runner, job, "starts") == ["1", "2"])
    assert resumed.attempt == 2
    let_go(runner, job)
    assert (await until_ended(runner, job)).state == "completed"
    assert lines(runner, job, "ends") == ["x"]


async def test_a_stop_is_obeyed_although_the_runner_was_killed(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner, "stubborn")
    await until_running(runner, job)
    kill(runners(settings))
    await runner.stop(local.OWNER, job.id, "stop")
    assert (await until_ended(runner, job)).state == "cancelled"
    assert os_processes.job_processes(job.id) == []


async def test_waiting_relaunches_a_killed_runner(settings: Settings, runner: LocalRunner) -> None:
    first, second = await start(runner), await start(runner)
    await until_running(runner, first)
    kill(runners(settings))
    let_go(runner, first)
    let_go(runner, second)
    assert (await until_ended(runner, second)).state == "completed"


@pytest.mark.parametrize("what", ["the server", "the server's whole tree"])
async def test_a_job_survives_the_kill_of(
    settings: Settings, runner: LocalRunner, what: str
) -> None:
    with server(settings) as process:
        said(process)
        tell(process)
        [(job_id, created)] = json.loads(said(process))
        job = await runner.job(local.OWNER, job_id)
        assert created
        assert job is not None
        await until_running(runner, job)
        working = os_processes.data_dir_processes(settings.data_dir)
        killed = psutil.Process(process.pid)
        tree = killed.children(recursive=True) if what == "the server's whole tree" else []
        kill([*tree, killed])
        assert os_processes.data_dir_processes(settings.data_dir) == working != []
    let_go(runner, job)
    ended = await until_ended(runner, job)
    assert (ended.state, ended.attempt) == ("completed", 1)


async def test_fifty_simultaneous_starts_with_one_key_from_two_servers_make_one_job(
    settings: Settings, runner: LocalRunner
) -> None:
    with server(settings, count=25, key="k") as one, server(settings, count=25, key="k") as other:
        for process in (one, other):
            said(process)
        for process in (one, other):
            tell(process)
        answers = json.loads(said(one)) + json.loads(said(other))
    assert len(answers) == 50
    assert len({job_id for job_id, _ in answers}) == 1
    assert [created for _, created in answers].count(True) == 1
    [job] = await runner.active(local.OWNER, limit=9)
    await until_running(runner, job)
    let_go(runner, job)
    assert (await until_ended(runner, job)).attempt == 1


async def test_a_runner_exits_when_idle_and_is_launched_for_the_next_job(
    settings: Settings, runner: LocalRunner
) -> None:
    await until_ended(runner, await start(runner, "answer"))
    psutil.wait_procs(os_processes.data_dir_processes(settings.data_dir), timeout=local.LONGEST)
    assert os_processes.data_dir_processes(settings.data_dir) == []
    assert (await until_ended(runner, await start(runner, "answer"))).state == "completed"


async def test_stopping_all_runners_loses_and_charges_nothing(
    settings: Settings, runner: LocalRunner
) -> None:
    running, queued = await start(runner), await start(runner)
    await until_running(runner, running)
    assert stop_all(settings, wait_seconds=local.LONGEST) == 1
    assert os_processes.data_dir_processes(settings.data_dir) == []
    found = await runner.job(local.OWNER, running.id)
    assert found is not None
    assert (found.state, found.queue_position) == ("queued", 1)
    assert stop_all(settings, wait_seconds=1) == 0
    await runner.ensure_runner()
    for job in (running, queued):
        let_go(runner, job)
        assert (await until_ended(runner, job)).state == "completed"


async def test_the_dead_job_of_another_profile_takes_no_slot(
    settings: Settings, runner: LocalRunner
) -> None:
    dead = await start(runner)
    await until_running(runner, dead)
    kill(os_processes.data_dir_processes(settings.data_dir))
    async with LocalRunner(
        settings, job_command=[*local.STAND_IN[:1], "-B", local.STAND_IN[1]]
    ) as other:
        assert (await until_ended(other, await start(other, "answer"))).state == "completed"
        freed = await other.job(local.OWNER, dead.id)
        assert freed is not None
        assert freed.state == "queued"


def test_connections_of_one_process_lose_nothing_when_another_process_exits(
    settings: Settings,
) -> None:
    """The process that exits last deletes SQLite's log, while the first one still writes it."""
    first, second = Database(DataPaths(settings.data_dir)), Database(DataPaths(settings.data_dir))
    for database in (first, second):
        commit_a_start(database)
    with closing(first), closing(second):
        assert jobs_seen_by_another_process(settings) == 2
        commit_a_start(first)
        assert jobs_seen_by_another_process(settings) == 3


def commit_a_start(database: Database) -> None:
    asked = local.request()
    JobStore(database).start(asked, owner=local.OWNER, options=StartOptions(), profile="p")


def jobs_seen_by_another_process(settings: Settings) -> int:
    """Count the jobs in a process that also writes, and then closes the database."""
    code = f"""
from pathlib import Path
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.paths import DataPaths
database = Database(DataPaths(Path({str(settings.data_dir)!r})))
with database.write() as db:
    db.execute("UPDATE jobs SET summary = ''")
    print(db.execute("SELECT count(*) FROM jobs").fetchone()[0])
database.close()
"""  # noqa: S608 - the path of this test
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


async def test_a_report_is_given_although_it_cannot_be_marked_as_read(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN, busy_seconds=0.1) as runner:
        job = await until_ended(runner, await start(runner, "answer"))
        jobs = Jobs(
            runner=runner,
            folders=DirectoryFolders(settings.jobs_dir),
            sources=Sources(settings),
            settings=settings,
        )
        path = DataPaths(settings.data_dir).database
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            report = await jobs.report(OWNER, FetchReport(job_id=job.id, part="report"))
        assert "# Report" in report.content
        found = await runner.job(OWNER, job.id)
        assert found is not None
        assert found.fetched_at is None
