"""A full or read-only disk corrupts nothing, restarts nothing, and is reported."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.messages.wording import summary
from research_contract.records import OUTCOME, REPORT, RESERVE
from researcher_job.limits.disk_reserve import DISK_FULL
from researcher_job.verification.verify import verify
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    ended_file,
    folder,
    kill,
    let_go,
    lines,
    runners,
    start,
    until_ended,
    until_running,
)
from tests.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 10) as disk:
        yield disk


@pytest.fixture
def settings(disk: SmallDisk) -> Iterator[Settings]:
    with local.data_directory(disk.path) as settings:
        yield settings


def stand_in(settings: Settings) -> LocalRunner:
    return LocalRunner(settings, job_command=local.STAND_IN, min_free_bytes=0, keep_seconds=0.5)


def sound(settings: Settings) -> bool:
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def until_nothing_works_on(settings: Settings, job: Job) -> None:
    while locks.is_held(DataPaths(settings.data_dir).job_lock(job.id)):
        await local.moment()


async def test_a_job_that_fills_the_disk_ends_with_a_report(
    disk: SmallDisk, settings: Settings, tmp_path: Path
) -> None:
    pond = tmp_path / "pond"
    pond.mkdir()
    text = "\n\n".join(f"Newt number {n} lays {n} eggs a season." for n in range(100_000))
    (pond / "newts.md").write_text(text)
    asked = local.request("How many eggs does newt number 7 lay?", sources=("pond",))
    [source] = asked.sources
    source = source.model_copy(update={"uri": pond.as_uri()})
    asked = asked.model_copy(update={"sources": (source,)})
    async with LocalRunner(settings, min_free_bytes=0) as runner:
        job = (await local.start_request(runner, asked)).job
        ended = await until_ended(runner, job)
        assert (ended.state, ended.outcome) == ("completed", "insufficient_evidence")
        assert (ended.summary, ended.attempt) == (DISK_FULL, 1)
        assert "The disk is full" in (folder(runner, job) / REPORT).read_text()
        assert verify(folder(runner, job)).faults == ()
    assert sound(settings)


async def test_a_job_without_space_for_a_report_fails_with_a_hint(
    settings: Settings,
) -> None:
    async with stand_in(settings) as runner:
        job = await start(runner, "no room")
        ended = await until_ended(runner, job)
        assert (ended.state, ended.attempt) == ("failed", 1)
        assert ended.error is not None
        assert (ended.error.code, ended.error.retryable) == ("no_room", True)
        assert "Free some space" in ended.error.hint
        assert ended_file(runner, job).error == ended.error
        assert not (folder(runner, job) / RESERVE).exists()


async def test_no_job_is_resumed_while_the_disk_is_full(
    disk: SmallDisk, settings: Settings
) -> None:
    async with stand_in(settings) as runner:
        job = await start(runner, "wait")
        await until_running(runner, job)
        disk.fill()
        await until_nothing_works_on(settings, job)
        with pytest.raises(Unavailable, match="full"):
            for _ in range(200):  # the database has some room left in its own files
                await start(runner, "wait")
        for _ in range(100):
            await local.moment()
        found = await runner.job(local.OWNER, job.id)
        assert found is not None
        assert found.attempt == 1
        assert lines(runner, job, "starts") == ["1"]
        disk.empty()
        ended = await until_ended(runner, job)
        assert (ended.state, ended.attempt) == ("failed", 1)
        assert ended.error is not None
        assert ended.error.code == "no_room"
        assert ended_file(runner, job).state == "failed"
        for one in await runner.active(local.OWNER, limit=300):
            await runner.stop(local.OWNER, one.id, "stop")
    assert sound(settings)


async def test_a_queued_job_waits_for_disk_space_and_is_not_charged(
    disk: SmallDisk, settings: Settings
) -> None:
    async with stand_in(replace(settings, max_running=1)) as runner:
        first = await start(runner)
        await until_running(runner, first)
        waiting = await start(runner, "answer")
        disk.fill(but=3_000_000)
        let_go(runner, first)
        assert (await until_ended(runner, first)).state == "completed"
        while "almost full" not in DataPaths(settings.data_dir).log.read_text():
            await local.moment()
        [found] = await runner.active(local.OWNER, limit=9)
        assert (found.id, found.state, found.attempt) == (waiting.id, "queued", 0)
        for one in (found, await seen(runner, waiting), *await runner.match(local.OWNER, "")):
            if one.id == waiting.id:
                assert "Waits for disk space" in summary(one, None)
        disk.empty()
        assert "room" not in (await seen(runner, waiting)).summary
        ended = await until_ended(runner, waiting)
        assert (ended.state, ended.attempt) == ("completed", 1)


async def test_a_read_only_disk_is_reported_and_jobs_continue_later(
    disk: SmallDisk, settings: Settings
) -> None:
    async with stand_in(settings) as runner:
        job = await start(runner)
        await until_running(runner, job)
        stop_all(settings, wait_seconds=local.LONGEST)
        runner_left = folder(runner, job)
    disk.make("ro")
    async with stand_in(settings) as runner:
        with pytest.raises(Unavailable, match=r"[Rr]ead-only|may not be written"):
            await start(runner)
    disk.make("rw")
    async with stand_in(settings) as runner:
        let_go(runner, job)
        ended = await until_ended(runner, job)
        assert (ended.state, ended.attempt) == ("completed", 2)
        assert lines(runner, job, "ends") == ["x"]
    assert (runner_left / OUTCOME).exists()
    assert sound(settings)


async def seen(runner: LocalRunner, job: Job) -> Job:
    found = await runner.job(local.OWNER, job.id)
    assert found is not None
    return found


async def test_no_runner_is_launched_while_the_disk_is_read_only(
    disk: SmallDisk, settings: Settings
) -> None:
    async with stand_in(settings) as runner:
        job = await start(runner)
        await until_running(runner, job)
        stop_all(settings, wait_seconds=local.LONGEST)
    before = DataPaths(settings.data_dir).log.read_bytes()
    disk.make("ro")
    async with LocalRunner(settings, job_command=local.STAND_IN, keep_seconds=0.02) as runner:
        for _ in range(50):
            await local.moment()
            assert runners(settings) == []
        with pytest.raises(Unavailable, match=r"Check .* the data directory"):
            await seen(runner, job)
    assert DataPaths(settings.data_dir).log.read_bytes() == before
    disk.make("rw")


async def test_a_database_that_cannot_be_written_is_reported_and_no_runner_is_launched(
    disk: SmallDisk, settings: Settings
) -> None:
    async with LocalRunner(
        settings, job_command=local.STAND_IN, min_free_bytes=0, keep_seconds=0.02
    ) as runner:
        job = await start(runner)
        await until_running(runner, job)
        disk.fill()
        with pytest.raises(Unavailable, match="full"):
            for _ in range(200):  # the database has some room left in its own files
                await start(runner, "answer")
        await until_nothing_works_on(settings, job)
        queued = [one for one in await runner.active(local.OWNER, limit=300) if one.id != job.id]
        kill(runners(settings))
        before = DataPaths(settings.data_dir).log.stat().st_size
        for _ in range(100):
            await local.moment()
            assert runners(settings) == []
        assert DataPaths(settings.data_dir).log.stat().st_size == before
        for one in queued[:3]:
            assert "Waits for disk space" in summary(await seen(runner, one), None)
        disk.empty()
        let_go(runner, job)
        for one in (job, *queued):
            assert (await until_ended(runner, one)).state == "completed"
    assert sound(settings)
