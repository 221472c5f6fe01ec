"""A database of every earlier version is brought up to date with all that stands in it."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_jobs_server.errors import NewerVersion
from mcp_jobs_server.runners.local import schema
from mcp_jobs_server.runners.local.database import Database
from mcp_jobs_server.runners.local.layout import Layout
from mcp_jobs_server.runners.local.migrations import MIGRATIONS
from mcp_jobs_server.runners.local.runner import LocalRunner
from mcp_jobs_server.settings import Settings
from tests.server import local_backend as local
from tests.server.local_backend import start, until_ended

pytestmark = pytest.mark.anyio

STORED = Path(__file__).with_name("data")
"""Databases as each version left them: ``jobs-v1.sqlite3`` with one job in each state."""

EARLIER = range(1, schema.VERSION)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with local.data_directory(tmp_path) as settings:
        yield settings


def stored(settings: Settings, version: int) -> Path:
    """Put a copy of the stored database of a version in its place."""
    settings.data_dir.mkdir(parents=True)
    path = Layout(settings.data_dir).database
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
def test_a_database_that_was_brought_up_to_date_is_like_a_new_one(
    settings: Settings, tmp_path: Path, version: int
) -> None:
    path = stored(settings, version)
    with closing(sqlite3.connect(path)) as connection:
        columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info (jobs)"))
    before = rows(path, columns)
    for directory in (settings.data_dir, tmp_path / "new"):
        database = Database(Layout(directory))
        with database.write():
            pass
        database.close()
    assert tables(path) == tables(Layout(tmp_path / "new").database)
    assert schema.version_on_disk(path) == schema.VERSION
    assert rows(path, columns) == before != []


@pytest.mark.parametrize("version", EARLIER)
async def test_jobs_of_an_earlier_version_are_shown_and_go_on(
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


def test_a_migration_that_fails_half_way_leaves_all_as_it_was(tmp_path: Path) -> None:
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
