"""The data directory is private, shared by several servers, and refused if it is unusable."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions, parse, runner_options
from mcp_jobs_server.backends.local.paths import MAX_LOG_BYTES, DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store import schema
from mcp_jobs_server.core.errors import NewerVersion, Unavailable
from mcp_jobs_server.core.settings import Settings, load_settings
from research_contract.processes import DATA_MARK, JOB_MARK
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    let_go,
    start,
    until_ended,
    until_running,
)
from tests.repository import ROOT

pytestmark = pytest.mark.anyio


def database(settings: Settings) -> Path:
    return settings.data_dir / "jobs.sqlite3"


async def some_job(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        await until_ended(runner, await start(runner, "answer"))
    stop_all(settings, wait_seconds=local.LONGEST)


def of_a_newer_program(settings: Settings) -> None:
    with closing(sqlite3.connect(database(settings))) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


async def test_a_newer_database_is_refused_and_unchanged(settings: Settings) -> None:
    await some_job(settings)
    of_a_newer_program(settings)
    before = contents(settings.data_dir)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        with pytest.raises(NewerVersion, match="Upgrade"):
            await runner.active(local.OWNER, limit=9)
        with pytest.raises(NewerVersion):
            await start(runner)
        with pytest.raises(NewerVersion):
            await runner.ensure_runner()
    assert contents(settings.data_dir) == before
    database(settings).unlink()


async def test_a_runner_process_refuses_a_newer_database(settings: Settings) -> None:
    await some_job(settings)
    of_a_newer_program(settings)
    before = contents(settings.data_dir)
    arguments = runner_options(settings, local.STAND_IN).arguments()
    command = [sys.executable, "-m", "mcp_jobs_server.backends.local", *arguments]
    ended = await anyio.run_process(command, check=False, cwd=ROOT)
    assert ended.returncode == 1
    assert b"Upgrade" in ended.stderr
    assert contents(settings.data_dir) == before
    database(settings).unlink()


async def test_a_server_notices_a_database_changed_by_a_newer_program(
    settings: Settings,
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        await until_ended(runner, await start(runner, "answer"))
        of_a_newer_program(settings)
        with pytest.raises(NewerVersion):
            await start(runner)
        with closing(sqlite3.connect(database(settings))) as connection:
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")


async def test_a_damaged_database_is_reported_with_a_hint(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    database(settings).write_bytes(b"this is no database" * 500)
    before = contents(settings.data_dir)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        with pytest.raises(Unavailable, match=r"damaged.*move jobs\.sqlite3"):
            await start(runner)
    assert before.items() <= contents(settings.data_dir).items()
    database(settings).unlink()


async def test_a_data_directory_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with LocalRunner(Settings(data_dir=tmp_path / "file" / "data")) as runner:
        with pytest.raises(Unavailable, match="data directory"):
            await start(runner)


async def test_no_job_is_started_on_an_almost_full_disk(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN, min_free_bytes=10**18) as runner:
        with pytest.raises(Unavailable, match=r"almost full.*Free at least"):
            await start(runner)
        assert list(await runner.active(local.OWNER, limit=9)) == []


async def test_a_busy_database_is_reported_and_a_retry_works(
    settings: Settings,
) -> None:
    await some_job(settings)
    async with LocalRunner(settings, job_command=local.STAND_IN, busy_seconds=0.1) as runner:
        with closing(sqlite3.connect(database(settings), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="busy"):
                await start(runner)
            assert len(await runner.ended(local.OWNER, limit=5)) == 1
        assert (await until_ended(runner, await start(runner, "answer"))).state == "completed"


async def test_all_data_is_private(settings: Settings) -> None:
    await some_job(settings)
    for path in (settings.data_dir, *settings.data_dir.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_job_that_one_server_started_is_stopped_by_another(settings: Settings) -> None:
    async with (
        LocalRunner(settings, job_command=local.STAND_IN) as one,
        LocalRunner(settings, job_command=local.STAND_IN) as other,
    ):
        job = await start(one)
        await until_running(other, job)
        await other.stop(local.OWNER, job.id, "stop")
        assert (await until_ended(one, job)).state == "cancelled"


async def test_a_missing_request_is_written_by_the_runner(
    settings: Settings,
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        blocker = await start(runner), await start(runner)
        job = await start(runner, "answer")
        (local.folder(runner, job) / "request.json").unlink()
        for one in blocker:
            let_go(runner, one)
        assert (await until_ended(runner, job)).state == "completed"
        assert (local.folder(runner, job) / "request.json").exists()


async def test_errors_propagate_from_the_runner_unwrapped(settings: Settings) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with LocalRunner(settings) as runner:
            await runner.active(local.OWNER, limit=9)
            raise KeyError("mine")


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not locks.is_held(path)
    with locks.try_lock(path) as first, locks.try_lock(path) as second:
        assert (first, second) == (True, False)
        assert locks.is_held(path)
    assert not locks.is_held(path)


def test_a_large_log_is_rotated(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    paths.make()
    paths.rotate_log()
    paths.log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    paths.rotate_log()
    assert not paths.log.exists()
    assert paths.log.with_name("runner.log.1").stat().st_size == MAX_LOG_BYTES + 1


def test_the_command_line_has_all_options(tmp_path: Path) -> None:
    options = RunnerOptions(
        data_dir=tmp_path / "a b",
        profile="p",
        job_command=("/usr/bin/my job", "--x"),
        max_running=7,
        stop_grace_seconds=1.5,
        finish_grace_seconds=2.5,
        report_seconds=3.5,
        hang_seconds=4.5,
        idle_seconds=5.5,
    )
    assert parse(options.arguments()) == options


def test_a_server_that_a_job_starts_ignores_the_marks_of_its_runner(tmp_path: Path) -> None:
    settings = load_settings(
        {"MCP_JOBS_DATA_DIR": str(tmp_path), JOB_MARK: "20261121-abcdefghijklm", DATA_MARK: "/x"}
    )
    assert settings.data_dir == tmp_path


def test_the_servers_side_loads_no_process_library() -> None:
    code = "import sys, mcp_jobs_server.backends.local.runner; print('psutil' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    assert said == "False\n"
