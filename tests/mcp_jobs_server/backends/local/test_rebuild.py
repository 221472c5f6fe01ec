"""A job database that is lost beside job folders: told, and rebuilt from the folders."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.errors import NotFound
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.messages.arguments import FetchReport, ListActiveJobs
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.operations.local_checks import local_checks
from research_contract.files import encode
from research_contract.records import REQUEST, Request
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    OWNER,
    child_of,
    folder,
    let_go,
    lines,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio


def delete_database(settings: Settings) -> None:
    for path in settings.data_dir.glob("jobs.sqlite3*"):
        path.unlink()


def empty_file(settings: Settings) -> None:
    delete_database(settings)
    DataPaths(settings.data_dir).database.touch()


def delete_rows(settings: Settings) -> None:
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        database.execute("DELETE FROM jobs")
        database.commit()


async def listed(runner: LocalRunner) -> list[str]:
    jobs = [*await runner.active(OWNER, limit=99), *await runner.ended(OWNER, limit=99)]
    return [job.id for job in jobs]


async def one_of_each(runner: LocalRunner) -> list[Job]:
    """Make an ended job of each kind, the newest last."""
    completed = await until_ended(runner, await start(runner, "answer"))
    failed = await until_ended(runner, await start(runner, "die"))
    running = await start(runner)
    await until_running(runner, running)
    await runner.stop(OWNER, running.id, "stop")
    return [completed, failed, await until_ended(runner, running)]


@pytest.mark.parametrize("accident", [delete_database, empty_file, delete_rows])
async def test_ended_jobs_are_listed_again_as_they_were(
    settings: Settings, accident: Callable[[Settings], None]
) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        before = await one_of_each(runner)
        assert await runner.notice() == ""
    stop_all(settings, wait_seconds=local.LONGEST)
    accident(settings)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        assert await listed(runner) == []
        assert "mcp-jobs-server jobs rebuild" in await runner.notice()
        rebuilt = await runner.rebuild()
        assert rebuilt.refused == {}
        assert rebuilt.jobs == {job.id: job.state for job in before}
        assert await runner.notice() == ""
        for job in before:
            found = await runner.job(OWNER, job.id)
            assert found is not None
            for name in ("request", "state", "outcome", "summary", "error", "ended_at"):
                assert getattr(found, name) == getattr(job, name), name
        assert [job.id for job in await runner.match(OWNER, "")] == [job.id for job in before][::-1]
        assert (await runner.rebuild()).jobs == {}


async def test_jobs_started_since_the_loss_stay_the_newest(settings: Settings) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        old = [await until_ended(runner, await start(runner, "answer")) for _ in range(2)]
    stop_all(settings, wait_seconds=local.LONGEST)
    delete_database(settings)
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        new = await until_ended(runner, await start(runner, "answer"))
        await runner.rebuild()
        assert [job.id for job in await runner.match(OWNER, "")] == [new.id, old[1].id, old[0].id]


async def test_an_unfinished_job_is_finished_from_its_folder_and_not_queued_again(
    settings: Settings, runner: LocalRunner
) -> None:
    running, queued = await start(runner), await start(runner, "wait")
    await until_running(runner, running)
    stop_all(settings, wait_seconds=local.LONGEST)
    delete_rows(settings)
    before = lines(runner, running, "starts"), lines(runner, queued, "starts")
    rebuilt = await runner.rebuild()
    assert set(rebuilt.jobs.values()) == {"running"}
    for job in (running, queued):
        ended = await until_ended(runner, job)
        assert (ended.state, ended.outcome) == ("completed", "partial")
        assert lines(runner, job, "finishes") == ["finish_now"]
    assert (lines(runner, running, "starts"), lines(runner, queued, "starts")) == before


async def test_a_job_whose_process_lives_is_followed_to_its_end(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner)
    await until_running(runner, job)
    delete_rows(settings)
    await runner.rebuild()
    found = await runner.job(OWNER, job.id)
    assert found is not None
    assert found.requested is None
    let_go(runner, job)
    assert (await until_ended(runner, job)).outcome == "answered"
    assert lines(runner, job, "starts") == ["1"]
    assert lines(runner, job, "finishes") == []


async def test_a_recorded_stop_still_holds(settings: Settings, runner: LocalRunner) -> None:
    job = await start(runner, "orphan")
    await until_running(runner, job)
    child = child_of(runner, job)
    delete_rows(settings)
    stop_file = folder(runner, job) / "control" / "stop"
    stop_file.parent.mkdir(exist_ok=True)
    stop_file.touch()
    await runner.rebuild()
    assert (await until_ended(runner, job)).state == "cancelled"
    assert local.gone(child)


def other_id(path: Path) -> Path:
    return path.rename(path.with_name(local.request().job_id))


def other_month(path: Path) -> Path:
    month = path.parent.with_name("1999-01")
    month.mkdir()
    return path.rename(month / path.name)


def other_owner(path: Path) -> Path:
    month = path.parents[1].with_name("bob-0123456789abcdef") / path.parent.name
    month.mkdir(parents=True)
    return path.rename(month / path.name)


def copied_to_another_owner(path: Path) -> Path:
    month = path.parents[1].with_name("bob-0123456789abcdef") / path.parent.name
    return Path(shutil.copytree(path, month / path.name))


def link(path: Path) -> Path:
    target = path.rename(path.parents[4] / "outside")
    path.symlink_to(target)
    return path


def torn(path: Path) -> Path:
    (path / REQUEST).write_text('{"job_id": ')
    return path


def newer(path: Path) -> Path:
    found = json.loads((path / REQUEST).read_text())
    (path / REQUEST).write_text(json.dumps({**found, "format_version": 99}))
    return path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_id, "another job"),
        (other_month, "another month"),
        (other_owner, "another owner"),
        (copied_to_another_owner, "another owner"),
        (link, "link"),
        (torn, "cannot be read"),
        (newer, "version 99"),
    ],
)
async def test_a_folder_that_does_not_fit_its_request_is_refused(
    settings: Settings, runner: LocalRunner, change: Callable[[Path], Path], reason: str
) -> None:
    request = local.request("answer").model_copy(update={"owner": OWNER.folder})
    job = (await local.start_request(runner, request)).job
    await until_ended(runner, job)
    delete_rows(settings)
    path = change(folder(runner, job))
    rebuilt = await runner.rebuild()
    assert list(rebuilt.refused) == [str(path)]
    assert reason in rebuilt.refused[str(path)]
    assert len(rebuilt.jobs) == (change is copied_to_another_owner)


async def test_a_request_says_its_owner(tmp_path: Path) -> None:
    """So that a folder in the place of another owner is noticed."""
    with local.data_directory(tmp_path) as settings:
        documents = tmp_path / "documents"
        documents.mkdir()
        (documents / "a.md").write_text("Pump 7 moves 21 litres.")
        from mcp_jobs_server.client import connect

        async with connect(settings) as research:
            started = await research.start("How much?", sources=[str(documents)])
            await research.wait(started.job_id, timeout=local.LONGEST)
            path = Path(research.folder(started.job_id))
    assert json.loads((path / REQUEST).read_text())["owner"] == path.parts[-3]


async def test_lists_and_the_doctor_say_that_jobs_are_missing(settings: Settings) -> None:
    request = local.request("answer")
    path = DataPaths(settings.data_dir).jobs / OWNER.folder / f"{request.created_at:%Y-%m}"
    made = path / request.job_id
    made.mkdir(parents=True)
    (made / REQUEST).write_bytes(encode(request))
    async with open_jobs(settings) as jobs:
        shown = await jobs.list(OWNER, parse_arguments(ListActiveJobs, {}))
        assert "jobs rebuild" in (shown.note or "")
        with pytest.raises(NotFound, match="jobs rebuild"):
            await jobs.report(OWNER, parse_arguments(FetchReport, {"job_id": request.job_id}))
    [check] = [check for check in local_checks(settings) if check.name == "job database"]
    assert (check.state, "jobs rebuild" in check.advice) == ("warning", True)


async def test_readiness_says_that_the_directory_is_gone(settings: Settings) -> None:
    async with open_jobs(settings) as jobs:
        assert await jobs.readiness.check() == {"data": ""}
        await jobs.list(OWNER, parse_arguments(ListActiveJobs, {}))
        aside = settings.data_dir.rename(settings.data_dir.with_name("aside"))
        assert "removed or moved" in (await jobs.readiness.check())["data"]
        aside.rename(settings.data_dir)
        assert await jobs.readiness.check() == {"data": ""}


async def test_an_old_folder_without_an_owner_is_listed(
    settings: Settings, runner: LocalRunner
) -> None:
    request = Request.model_validate(local.request("answer").model_dump(exclude={"owner"}))
    request = request.model_copy(update={"created_at": request.created_at - timedelta(days=1)})
    job = (await local.start_request(runner, request)).job
    await until_ended(runner, job)
    delete_rows(settings)
    assert list((await runner.rebuild()).jobs) == [job.id]
