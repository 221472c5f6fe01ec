"""A data directory that is deleted, moved or replaced under a running server."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    OWNER,
    folder,
    gone,
    runners,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio


def elsewhere(settings: Settings) -> Path:
    return settings.data_dir.with_name("elsewhere")


def delete(settings: Settings) -> None:
    shutil.rmtree(settings.data_dir)


def move(settings: Settings) -> None:
    settings.data_dir.rename(elsewhere(settings))


def move_back(settings: Settings) -> None:
    elsewhere(settings).rename(settings.data_dir)


async def listed(runner: LocalRunner) -> list[str]:
    jobs = [*await runner.active(OWNER, limit=99), *await runner.ended(OWNER, limit=99)]
    return [job.id for job in jobs]


async def completes(runner: LocalRunner) -> Job:
    job = await until_ended(runner, await start(runner, "answer"))
    assert job.state == "completed"
    return job


@pytest.mark.parametrize("accident", [delete, move])
async def test_without_its_directory_a_server_starts_nothing_and_says_so(
    settings: Settings, runner: LocalRunner, accident: Callable[[Settings], None]
) -> None:
    job = await completes(runner)
    accident(settings)
    calls: tuple[Callable[[], object], ...] = (
        lambda: start(runner),
        lambda: runner.active(OWNER, limit=9),
        lambda: runner.job(OWNER, job.id),
        lambda: runner.stop(OWNER, job.id, "stop"),
        runner.ensure_runner,
    )
    for call in calls:
        with pytest.raises(Unavailable, match=r"data directory was removed or moved.*[Mm]ove it"):
            await call()  # type: ignore[misc]  # each is a coroutine
    assert not settings.data_dir.exists()  # nothing stands in the way of the one that is moved back


async def test_a_server_works_again_once_its_directory_is_back(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await completes(runner)
    move(settings)
    with pytest.raises(Unavailable):
        await start(runner)
    move_back(settings)
    assert await listed(runner) == [job.id]
    other = await completes(runner)
    assert set(await listed(runner)) == {job.id, other.id}


async def test_a_server_works_again_in_a_directory_that_was_made_anew(
    settings: Settings, runner: LocalRunner
) -> None:
    await completes(runner)
    delete(settings)
    settings.data_dir.mkdir(mode=0o700)
    assert await listed(runner) == []
    job = await completes(runner)
    assert await listed(runner) == [job.id]
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        assert database.execute("SELECT count(*) FROM profiles").fetchone() == (1,)


async def test_a_server_shows_the_jobs_of_a_directory_put_in_place_of_its_own(
    settings: Settings, runner: LocalRunner, tmp_path: Path
) -> None:
    with local.data_directory(tmp_path / "backup") as backup:
        async with LocalRunner(backup, job_command=local.STAND_IN) as other:
            kept = await completes(other)
    await completes(runner)
    move(settings)
    backup.data_dir.rename(settings.data_dir)
    assert await listed(runner) == [kept.id]
    job = await completes(runner)
    assert set(await listed(runner)) == {kept.id, job.id}


async def test_a_start_that_meets_the_move_is_not_answered_as_started(
    settings: Settings, runner: LocalRunner
) -> None:
    """The start waits for another writer; its row goes into the file that was moved meanwhile."""
    await completes(runner)
    asked = local.request("answer")
    errors: list[Exception] = []

    async def ask() -> None:
        try:
            await local.start_request(runner, asked)
        except Unavailable as error:
            errors.append(error)

    path = DataPaths(settings.data_dir).database
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.sleep(0.3)
            move(settings)
            writer.execute("ROLLBACK")
    assert [str(error).startswith("The data directory was") for error in errors] == [True]
    move_back(settings)
    again = await local.start_request(runner, asked)  # the row may be there; it is not doubled
    assert (await until_ended(runner, again.job)).state == "completed"


async def test_no_answered_start_is_missing_whenever_the_directory_is_replaced(
    settings: Settings, runner: LocalRunner
) -> None:
    """Directories come and go while jobs are started; each start is in the one that it met."""
    await completes(runner)
    over = threading.Event()
    kept: list[Path] = []

    def replace() -> None:
        while not over.wait(0.05):
            aside = settings.data_dir.with_name(f"aside-{len(kept)}")
            settings.data_dir.rename(aside)
            kept.append(aside)
            settings.data_dir.mkdir(mode=0o700)

    answered: list[str] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(to_thread.run_sync, replace)
        while len(kept) <= 5 or len(answered) < 5:
            try:
                answered.append((await start(runner, "answer")).id)
            except Unavailable:
                await anyio.sleep(0.01)
        over.set()
    rows: set[str] = set()
    for directory in (*kept, settings.data_dir):
        path = DataPaths(directory).database
        if path.exists():
            with closing(sqlite3.connect(path)) as database:
                tables = database.execute("SELECT name FROM sqlite_master").fetchall()
                # Without tables, the directory was replaced while the file was being made.
                if ("jobs",) in tables:
                    rows |= {row[0] for row in database.execute("SELECT id FROM jobs")}
    assert len(kept) > 5
    assert answered != []
    assert set(answered) <= rows


async def test_a_caller_that_waits_is_told(settings: Settings, runner: LocalRunner) -> None:
    job = await start(runner)
    await until_running(runner, job)
    with anyio.fail_after(local.LONGEST), pytest.raises(Unavailable, match="removed or moved"):
        async with runner.changes(job) as changes:
            move(settings)
            while True:
                await changes.wait()
                await runner.job(OWNER, job.id)
    move_back(settings)


async def test_a_job_goes_on_from_its_folder_when_the_directory_is_back(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    [process] = [one for one in local.processes(settings) if os_processes.is_job(one)]
    move(settings)
    with anyio.fail_after(local.LONGEST):
        while not gone(process):  # it cannot write any more
            await local.moment()
    assert not settings.data_dir.exists()
    move_back(settings)
    local.let_go(runner, job)
    assert (await until_ended(runner, job)).state == "completed"


async def test_the_processes_of_a_deleted_directory_end_and_do_not_make_it_anew(
    settings: Settings, runner: LocalRunner
) -> None:
    await until_running(runner, await start(runner))
    delete(settings)
    with anyio.fail_after(local.LONGEST):
        while any(os_processes.is_job(one) for one in local.processes(settings)):
            await local.moment()
    assert not settings.data_dir.exists()


async def test_the_runner_of_a_replaced_directory_takes_no_jobs_of_the_new_one(
    settings: Settings, runner: LocalRunner
) -> None:
    """Its lock is in the old directory, so it would be a second runner of its profile."""
    await until_running(runner, await start(runner))
    [old] = runners(settings)
    move(settings)
    settings.data_dir.mkdir(mode=0o700)
    jobs = [await start(runner, "answer") for _ in range(5)]
    for job in jobs:
        await until_ended(runner, job)
        assert local.lines(runner, job, "starts") == ["1"]
        assert folder(runner, job).exists()
    with anyio.fail_after(60):  # its own job may still be ending
        while old.pid in {process.ppid() for process in local.processes(settings)}:
            await local.moment()
