"""Servers with different profiles share a data directory; each job runs in its own profile."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.profiles import Profiles
from mcp_jobs_server.backends.local.takeover import PROFILE_AWAY
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from researcher_job import __version__
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    ended_file,
    let_go,
    lines,
    start,
    until,
    until_ended,
    until_running,
)
from tests.repository import ROOT

pytestmark = pytest.mark.anyio

NOT_NOW = 3600.0
"""Seconds until a takeover, for tests that do not want one."""


@pytest.fixture
async def runner(settings: Settings) -> AsyncIterator[LocalRunner]:
    async with LocalRunner(
        settings, job_command=local.STAND_IN, takeover_seconds=NOT_NOW, keep_seconds=0.1
    ) as runner:
        yield runner


@contextmanager
def server(
    settings: Settings, environ: Mapping[str, str], *, python: str = sys.executable, at: Path = ROOT
) -> Iterator[str]:
    """Run another server process, of the installation ``at``; yield the id of its job."""
    command = [
        python,
        "-m",
        f"{__package__}.starting_process",
        str(settings.data_dir),
        "1",
        "",
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=at,
        env={**os.environ, **environ},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdout.readline()
            process.stdin.write("\n")
            process.stdin.flush()
            [(job_id, _)] = json.loads(process.stdout.readline())
            yield job_id
        finally:
            process.kill()


async def seen(runner: LocalRunner, job_id: str) -> Job:
    found = await runner.job(local.OWNER, job_id)
    assert found is not None
    return found


def end_all(settings: Settings) -> None:
    found = os_processes.data_dir_processes(settings.data_dir)
    for process in found:
        process.kill()
    psutil.wait_procs(found, timeout=local.LONGEST)


def another_python(directory: Path) -> tuple[str, dict[str, str]]:
    """Return an interpreter that can be removed, and the environment for its libraries."""
    directory.mkdir()
    python = directory / "python"
    python.symlink_to(os.path.realpath(sys.executable))
    libraries = os.pathsep.join([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    return str(python), {"PYTHONPATH": libraries}


def take_away(settings: Settings, python: str) -> None:
    """Remove the interpreter, and kill its processes."""
    Path(python).unlink()
    for process in os_processes.data_dir_processes(settings.data_dir):
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
            if process.cmdline()[:1] == [python]:
                process.kill()


def all_bytes(settings: Settings) -> bytes:
    files = (path for path in settings.data_dir.rglob("*") if path.is_file())
    return b"".join(path.read_bytes() for path in files)


def copied(directory: Path) -> Path:
    """Copy the packages, as an installation at another path."""
    for name in ("mcp_jobs_server", "researcher_job", "tests"):
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("*.pyc"))
    return directory


def upgraded(directory: Path) -> Path:
    """Change the version of a copy to 99."""
    for name in ("mcp_jobs_server", "researcher_job"):
        file = directory / name / "__init__.py"
        file.write_text(file.read_text().replace(f'"{__version__}"', '"99.0.0"'))
    return directory


async def test_each_job_runs_under_the_environment_of_its_server(
    settings: Settings, runner: LocalRunner
) -> None:
    with server(settings, {"TEAM": "blue"}) as blue, server(settings, {"TEAM": "red"}) as red:
        for job_id, team in ((blue, "blue"), (red, "red")):
            job = await until_running(runner, await seen(runner, job_id))
            assert lines(runner, job, "environment")[0] == team
    for job_id in (blue, red):
        job = await seen(runner, job_id)
        let_go(runner, job)
        assert (await until_ended(runner, job)).state == "completed"


async def test_each_job_runs_under_the_interpreter_and_version_of_its_server(
    settings: Settings, runner: LocalRunner, tmp_path: Path
) -> None:
    python, environ = another_python(tmp_path / "bin")
    newer = upgraded(copied(tmp_path / "newer"))
    with server(settings, environ, python=python) as one, server(settings, {}, at=newer) as other:
        job = await until_running(runner, await seen(runner, one))
        assert lines(runner, job, "environment") == [python, __version__]
        job = await until_running(runner, await seen(runner, other))
        assert lines(runner, job, "environment") == [sys.executable, "99.0.0"]


def profile_of_job(settings: Settings, job_id: str) -> str:
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        return str(database.execute("SELECT profile FROM jobs WHERE id = ?", (job_id,)).fetchone())


async def test_an_upgrade_in_place_makes_a_new_profile_and_breaks_no_job(
    settings: Settings, runner: LocalRunner, tmp_path: Path
) -> None:
    here = copied(tmp_path / "here")
    with server(settings, {}, at=here) as before, server(settings, {}, at=here) as same:
        for job_id in (before, same):
            job = await until_running(runner, await seen(runner, job_id))
            assert lines(runner, job, "environment") == [sys.executable, __version__]
    assert profile_of_job(settings, before) == profile_of_job(settings, same)
    upgraded(here)
    let_go(runner, await seen(runner, same))
    await until_ended(runner, await seen(runner, same))
    with server(settings, {}, at=here) as after:
        job = await until_running(runner, await seen(runner, after))
        assert lines(runner, job, "environment") == [sys.executable, "99.0.0"]
        assert profile_of_job(settings, after) != profile_of_job(settings, before)
        let_go(runner, await seen(runner, before))
        ended = await until_ended(runner, await seen(runner, before))
        assert (ended.state, ended.attempt) == ("completed", 1)
        assert lines(runner, ended, "ends") == ["x"]


async def test_the_limit_counts_the_jobs_of_all_profiles(settings: Settings) -> None:
    one = replace(settings, max_running=2)
    async with LocalRunner(one, job_command=local.STAND_IN, takeover_seconds=NOT_NOW) as runner:
        with server(settings, {"TEAM": "blue"}) as blue, server(settings, {"TEAM": "red"}) as red:
            for job_id in (blue, red):
                await until_running(runner, await seen(runner, job_id))
            mine = await start(runner)
            for _ in range(100):  # more than its runner needs to come up and look
                await local.moment()
            assert lines(runner, mine, "starts") == []
            let_go(runner, await seen(runner, blue))
            await until_running(runner, mine)
            assert (await seen(runner, blue)).state == "completed"
            assert (await seen(runner, red)).state == "running"


async def test_a_job_without_a_runner_is_taken_over_by_an_equal_profile(
    settings: Settings,
) -> None:
    with server(settings, {"TEAM": "blue"}) as blue:
        async with LocalRunner(settings, takeover_seconds=NOT_NOW) as watcher:
            await until_running(watcher, await seen(watcher, blue))
    end_all(settings)
    async with LocalRunner(
        settings, job_command=local.STAND_IN, takeover_seconds=0, keep_seconds=0.1
    ) as runner:
        job = await seen(runner, blue)
        let_go(runner, job)
        ended = await until_ended(runner, job)
        assert (ended.state, ended.attempt) == ("completed", 2)


async def test_a_job_of_an_absent_server_waits_for_it_and_explains_that(
    settings: Settings, tmp_path: Path
) -> None:
    newer = upgraded(copied(tmp_path / "newer"))
    with server(settings, {}, at=newer) as theirs:
        async with LocalRunner(settings, takeover_seconds=NOT_NOW) as watcher:
            await until_running(watcher, await seen(watcher, theirs))
    end_all(settings)
    async with LocalRunner(
        settings, job_command=local.STAND_IN, takeover_seconds=0, keep_seconds=0.1
    ) as runner:
        await until_ended(runner, await start(runner, "answer"))  # frees the place of the dead one
        job = await until(
            runner, await seen(runner, theirs), lambda job: job.summary == PROFILE_AWAY
        )
        assert (job.state, job.attempt) == ("queued", 1)
        await runner.stop(local.OWNER, theirs, "stop")
        assert (await seen(runner, theirs)).state == "cancelled"


@pytest.mark.parametrize("secret", ["MY_API_KEY", ""])
async def test_a_job_whose_interpreter_is_gone_is_taken_over_or_fails_with_a_hint(
    settings: Settings, runner: LocalRunner, tmp_path: Path, secret: str
) -> None:
    blockers = [await start(runner), await start(runner)]
    for job in blockers:
        await until_running(runner, job)
    python, environ = another_python(tmp_path / "bin")
    more = {secret: "s3cr3t"} if secret else {}
    with server(settings, {**environ, **more}, python=python) as theirs:
        assert (await seen(runner, theirs)).state == "queued"
    take_away(settings, python)
    if not secret:
        for job in blockers:
            let_go(runner, job)
        let_go(runner, await seen(runner, theirs))
        assert (await until_ended(runner, await seen(runner, theirs))).state == "completed"
        return
    ended = await until_ended(runner, await seen(runner, theirs))
    assert ended.state == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("profile_gone", True)
    assert ended_file(runner, ended).error == ended.error
    assert b"s3cr3t" not in all_bytes(settings)


async def test_the_row_of_a_profile_describes_it(
    settings: Settings, runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POND_API_TOKEN", "s3cr3t")
    config = settings.data_dir.parent / "research.toml"
    mine = replace(settings, config=config, max_running=7)
    async with LocalRunner(mine, job_command=local.STAND_IN) as other:
        await until_ended(other, await start(other, "answer"))
        waiting = await start(other)
        database = Database(DataPaths(settings.data_dir))
        [found] = Profiles(database).with_work(excluding="").values()
        database.close()
        let_go(other, waiting)
        await until_ended(other, waiting)
    assert found is not None
    assert (found.interpreter, found.version) == (sys.executable, __version__)
    assert (found.configuration, found.job_command) == (str(config), local.STAND_IN)
    assert json.loads(found.settings)["max_running"] == 7
    assert "POND_API_TOKEN" in found.secrets
    written = all_bytes(settings)
    assert b"POND_API_TOKEN" in written
    assert b"s3cr3t" not in written
