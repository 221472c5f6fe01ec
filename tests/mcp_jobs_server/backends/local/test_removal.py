"""A removal removes nothing that is in use, and is finished after any interruption."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from research_contract.records import REPORT
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    folder,
    start,
    until_ended,
    until_running,
)
from tests.mcp_jobs_server.cli.command_line import CommandLine
from tests.repository import ROOT

pytestmark = pytest.mark.anyio


async def done(runner: LocalRunner) -> Job:
    return await until_ended(runner, await start(runner, "answer"))


def trash(runner: LocalRunner) -> list[Path]:
    path = DataPaths(runner.data_dir).trash
    return list(path.iterdir()) if path.is_dir() else []


async def test_a_removed_job_leaves_nothing(runner: LocalRunner) -> None:
    job = await done(runner)
    assert await runner.remove(local.OWNER, job.id)
    assert await runner.job(local.OWNER, job.id) is None
    assert not folder(runner, job).exists()
    assert trash(runner) == []
    assert not DataPaths(runner.data_dir).job_lock(job.id).exists()


@pytest.mark.parametrize("state", ["running", "queued"])
async def test_a_job_with_an_unended_follow_up_is_not_removed(
    runner: LocalRunner, state: str
) -> None:
    job = await done(runner)
    if state == "queued":
        for _ in range(2):
            await until_running(runner, await start(runner))
    asked = local.request().model_copy(update={"follow_up_of": job.id})
    following = (await local.start_request(runner, asked)).job
    with pytest.raises(Conflict, match=f"{following.id}.*builds on this one"):
        await runner.remove(local.OWNER, job.id)
    assert (folder(runner, job) / REPORT).exists()
    await runner.stop(local.OWNER, following.id, "stop")
    await until_ended(runner, following)
    assert await runner.remove(local.OWNER, job.id)


async def test_a_job_that_is_being_read_is_not_removed(runner: LocalRunner) -> None:
    job = await done(runner)
    with locks.reserve(DataPaths(runner.data_dir).job_lock(job.id)):
        with pytest.raises(Conflict, match="Something reads or writes"):
            await runner.remove(local.OWNER, job.id)
        assert (folder(runner, job) / REPORT).exists()
        assert await runner.job(local.OWNER, job.id) is not None
    assert await runner.remove(local.OWNER, job.id)


async def test_an_open_file_can_be_read_to_its_end(runner: LocalRunner) -> None:
    job = await done(runner)
    with (folder(runner, job) / REPORT).open("rb") as file:
        assert await runner.remove(local.OWNER, job.id)
        assert file.read() == b"# Report\n"


async def test_no_job_can_build_on_one_that_is_being_removed(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await done(runner)
    store = JobStore(Database(DataPaths(settings.data_dir), busy_seconds=0.1))
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database, timeout=0.1)) as other:

        def taken(_job: Job) -> None:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")

        assert store.remove(local.OWNER, job.id, remove_folder=taken)
    assert await runner.job(local.OWNER, job.id) is None


KILLED = """
import os, sys
from pathlib import Path
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.removal import Removal
from mcp_jobs_server.backends.local.store.jobs import JobStore

class Dying(Removal):
    def _move_to_trash(self, job):
        super()._move_to_trash(job)
        if sys.argv[3] == "before the row went":
            os._exit(9)
    def _delete(self, job_id):
        os._exit(9)

paths = DataPaths(Path(sys.argv[1]))
Dying(JobStore(Database(paths)), paths).remove(Owner("test", "ada"), sys.argv[2])
"""


@pytest.mark.parametrize("when", ["before the row went", "after the row went"])
async def test_an_interrupted_removal_is_finished_by_the_next_start(
    settings: Settings, when: str
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        job, other = await done(runner), await done(runner)
    command = [sys.executable, "-c", KILLED, str(settings.data_dir), job.id, when]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = await anyio.run_process(command, env=environ, check=False)
    assert killed.returncode == 9
    assert [path.name for path in trash(runner)] == [job.id]
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        while trash(runner):
            await local.moment()
        assert await runner.job(local.OWNER, job.id) is None
        assert await runner.job(local.OWNER, other.id) is not None
        assert not folder(runner, job).exists()
        assert folder(runner, other).exists()


# --- the command --------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    (tmp_path / "pond").mkdir()
    (tmp_path / "pond" / "newts.md").write_text("A newt lays 200 eggs a season.\n")
    shell = CommandLine(tmp_path / "data", tmp_path)
    yield shell
    shell.run("stop")


def research(shell: CommandLine) -> str:
    done = shell.run("research", "How many eggs?", "--source", "pond", "--again", "--json")
    assert done.code == 0, done.err
    return str(done.json["job_id"])


def change(shell: CommandLine, job_id: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(DataPaths(shell.data_dir).database)) as database, database:
        database.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, job_id))  # noqa: S608 - a test's own words


def ended(shell: CommandLine, job_id: str, *, days_ago: float) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    change(shell, job_id, "ended_at", int(at.timestamp() * 1_000_000))


def ids(shell: CommandLine) -> set[str]:
    return {job["job_id"] for job in shell.run("jobs", "list", "--all", "--json").json}


def test_old_jobs_are_removed_by_their_age(shell: CommandLine) -> None:
    old, young = research(shell), research(shell)
    ended(shell, old, days_ago=30.1)
    ended(shell, young, days_ago=29.9)
    assert shell.run("jobs", "remove", "--older-than", "30d").out == "Removed 1 job.\n"
    assert ids(shell) == {young}
    again = shell.run("jobs", "remove", "--older-than", "30d", "--json")
    assert again.json == {"removed": [], "kept": {}}


def test_old_jobs_in_use_are_kept_and_named(shell: CommandLine) -> None:
    old, following = research(shell), research(shell)
    ended(shell, old, days_ago=90)
    lock = DataPaths(shell.data_dir).job_lock(old)
    with locks.reserve(lock):
        done = shell.run("jobs", "remove", "--older-than", "8w", "--json")
    assert done.json == {
        "removed": [],
        "kept": {old: "Something reads or writes the job's folder."},
    }
    with closing(sqlite3.connect(DataPaths(shell.data_dir).database)) as database:
        [(request,)] = database.execute("SELECT request FROM jobs WHERE id = ?", (following,))
    change(shell, following, "request", json.dumps({**json.loads(request), "refresh_of": old}))
    change(shell, following, "state", "running")
    change(shell, following, "ended_at", None)
    with locks.reserve(DataPaths(shell.data_dir).job_lock(following)):  # as if it still worked
        done = shell.run("jobs", "remove", "--older-than", "12h")
    assert f"Kept {old}. The job {following}, which is still active" in done.out
    assert ids(shell) == {old, following}


def test_no_job_is_removed_where_there_is_none(shell: CommandLine) -> None:
    done = shell.run("jobs", "remove")
    assert done.code != 0
    assert "There is no ended job" in done.err


@pytest.mark.parametrize("words", [("--older-than", "30"), ("--older-than", "0d")])
def test_the_jobs_to_remove_must_be_given(shell: CommandLine, words: tuple[str, ...]) -> None:
    done = shell.run("jobs", "remove", *words)
    assert done.code != 0
    assert "Traceback" not in done.err
    assert "30d" in done.err


def test_ids_and_an_age_cannot_be_combined(shell: CommandLine) -> None:
    done = shell.run("jobs", "remove", "20260301-aaaaaaaaaaaaa", "--older-than", "30d")
    assert done.code != 0
    assert "Give one of them" in done.err
