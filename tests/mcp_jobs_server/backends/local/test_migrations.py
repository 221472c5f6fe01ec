"""A database of every earlier version is migrated with all its content."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store import schema
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.migrations import MIGRATIONS
from mcp_jobs_server.core.errors import NewerVersion
from mcp_jobs_server.core.settings import Settings
from research_contract.files import create_once, encode
from research_contract.records import FORMAT_VERSION
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import start, until_ended

pytestmark = pytest.mark.anyio

STORED = Path(__file__).with_name("data")
"""One database per version, such as ``jobs-v1.sqlite3``, with one job in each state."""

EARLIER = range(1, schema.VERSION)


def stored(settings: Settings, version: int) -> Path:
    """Copy the stored database of a version into the data directory."""
    settings.data_dir.mkdir(parents=True)
    path = DataPaths(settings.data_dir).database
    shutil.copyfile(STORED / f"jobs-v{version}.sqlite3", path)
    return path


def tables(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {(name, "".join(re.sub("--.*", "", sql).split())) for name, sql in found}


def rows(path: Path, columns: str = "*") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM jobs ORDER BY seq").fetchall()  # noqa: S608 - a test's own words


@pytest.mark.parametrize("version", EARLIER)
def test_there_is_a_stored_database_of_each_earlier_version(version: int) -> None:
    assert schema.version_on_disk(STORED / f"jobs-v{version}.sqlite3") == version


@pytest.mark.parametrize("version", EARLIER)
def test_a_migrated_database_equals_a_new_one(
    settings: Settings, tmp_path: Path, version: int
) -> None:
    path = stored(settings, version)
    with closing(sqlite3.connect(path)) as connection:
        columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info (jobs)"))
    before = rows(path, columns)
    for directory in (settings.data_dir, tmp_path / "new"):
        database = Database(DataPaths(directory))
        with database.write():
            pass
        database.close()
    assert tables(path) == tables(DataPaths(tmp_path / "new").database)
    assert schema.version_on_disk(path) == schema.VERSION
    assert rows(path, columns) == before != []


@pytest.mark.parametrize("version", EARLIER)
async def test_jobs_of_an_earlier_version_are_shown_and_continue(
    settings: Settings, version: int
) -> None:
    stored(settings, version)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        counts = {state: n for state, n in (await runner.counts(local.OWNER)).items() if n}
        assert counts == dict.fromkeys(
            ("completed", "failed", "cancelled", "running", "cancelling", "queued"), 1
        )
        done = await runner.job(local.OWNER, "20260301-completedaaaa")
        assert done is not None
        assert (done.state, done.outcome, done.summary) == ("completed", "answered", "Forty-two.")
        assert len(await runner.active(local.OWNER, limit=9)) == 3
        assert (await until_ended(runner, await start(runner, "answer"))).state == "completed"


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    shutil.copyfile(STORED / "jobs-v1.sqlite3", path)
    with closing(sqlite3.connect(path)) as connection:  # the last thing that version 2 makes
        connection.execute("CREATE TABLE profiles (other)")
    before = tables(path), rows(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="profiles"):
            schema.migrate(connection)
        connection.execute("ROLLBACK")
    assert (tables(path), rows(path)) == before
    assert schema.version_on_disk(path) == 1


def test_a_newer_database_is_not_migrated(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite3")) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        with pytest.raises(NewerVersion):
            schema.migrate(connection)


def test_migrations_only_add() -> None:
    words = {statement.split()[0] for statements in MIGRATIONS for statement in statements}
    assert words <= {"CREATE", "ALTER", "INSERT", "DROP"}
    for statement in (one for statements in MIGRATIONS for one in statements):
        assert not statement.startswith("DROP") or statement.startswith("DROP INDEX")
        assert not statement.startswith("ALTER") or " ADD COLUMN " in statement


# --- job folders of a newer format ------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def of_a_newer_format(folder: Path, name: str) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    said = {"format_version": FORMAT_VERSION + 1, "unknown": "shape"}
    (folder / name).write_text(json.dumps(said))
    return contents(folder)


@pytest.mark.parametrize("name", ["request.json", "status.json", "outcome.json"])
async def test_a_folder_of_a_newer_format_is_refused_and_unchanged(
    settings: Settings, name: str
) -> None:
    async with LocalRunner(replace(settings, max_running=1)) as runner:
        blocker = await start(runner)
        stop_all(settings, wait_seconds=local.LONGEST)
        job = await start(runner, "answer")
        before = of_a_newer_format(local.folder(runner, job), name)
        await runner.stop(local.OWNER, blocker.id, "stop")
        ended = await until_ended(runner, job)
        assert ended.error is not None
        assert ended.error.code == "unreadable_request"
        assert "upgrade mcp-jobs-server" in ended.error.hint
        assert contents(local.folder(runner, job)) == before


@pytest.mark.parametrize("name", ["request.json", "status.json", "outcome.json"])
def test_the_job_itself_refuses_a_newer_format(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "job"
    create_once(folder / "request.json", encode(local.request()))
    before = of_a_newer_format(folder, name)
    for more in ([], ["--finish", "died"]):
        command = [sys.executable, "-m", "researcher_job", "--folder", str(folder), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 5
        assert "Upgrade" in done.stderr
        assert contents(folder) == before


async def test_the_dead_job_of_a_newer_program_is_left_to_it(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        job = await start(runner)
        await local.until_running(runner, job)
        found = os_processes.data_dir_processes(settings.data_dir)
        for process in found:
            process.kill()
        psutil.wait_procs(found, timeout=local.LONGEST)
        before = of_a_newer_format(local.folder(runner, job), "outcome.json")
        stop_all(settings, wait_seconds=local.LONGEST)  # settles what is dead, of any profile
        again = await runner.job(local.OWNER, job.id)
        assert again is not None
        assert (again.state, again.attempt) == ("queued", 1)
        assert contents(local.folder(runner, job)) == before
        await runner.stop(local.OWNER, job.id, "stop")
