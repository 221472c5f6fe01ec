"""Any column of any row with bad bytes or a bad value fails the job of that row and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import GetStatus, ListActiveJobs
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import JOB_ID
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.damaged_rows import JOBS, PROFILES, damage, database
from tests.mcp_jobs_server.backends.local.data_directory import (
    OWNER,
    let_go,
    lines,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio


def test_every_column_is_damaged(settings: Settings) -> None:
    LocalRunner(settings)._database.check_writable()
    with database(settings) as db:
        for table, columns in (("jobs", ("seq", *JOBS)), ("profiles", PROFILES)):
            found = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            assert sorted(found) == sorted(columns)


@pytest.mark.parametrize("column", JOBS)
async def test_lists_and_default_status_go_on(settings: Settings, column: str) -> None:
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        ended = await until_ended(runner, await start(runner, "answer"))
        running = await start(runner)
        await until_running(runner, running)
    local.kill(local.processes(settings))
    damaged = [damage(settings, "jobs", column, "id", job.id) for job in (ended, running)]
    assert sum(damaged) > 1
    store = JobStore(Database(DataPaths(settings.data_dir)))
    options = StartOptions()
    newest = store.start(local.request(), owner=OWNER, options=options, profile="other").job
    # Without its context it launches nothing, so the rows stay as they are.
    reader = LocalRunner(settings, job_command=local.STAND_IN)
    jobs = Jobs(
        runner=reader,
        folders=DirectoryFolders(settings.jobs_dir),
        sources=Sources(settings),
        settings=settings,
    )
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = parse_arguments(ListActiveJobs, {"include_recent": True, "cursor": cursor})
        page = await jobs.list(OWNER, asked)
        shown += [job.job_id for job in page.jobs]
        cursor = page.next_cursor
    assert {ended.id, running.id, newest.id} <= set(shown), (ended.id, running.id, newest.id)
    status = await jobs.status(OWNER, GetStatus(wait_seconds=0))
    assert status.job_id == newest.id
    for found in filter(JOB_ID.fullmatch, shown):
        await jobs.status(OWNER, GetStatus(job_id=found, wait_seconds=0))
    usage = await reader.usage(OWNER, datetime.now(UTC) - timedelta(days=1))
    assert usage.cost_usd < 1e9
    await reader.typical_seconds(OWNER, ended.request)
    await reader.unfetched(OWNER, since=datetime.now(UTC) - timedelta(days=1), limit=99)
    assert await jobs.ended_before(OWNER, datetime.now(UTC) + timedelta(days=1)) != []
    stop_all(settings, wait_seconds=local.LONGEST)


@pytest.mark.parametrize("column", JOBS)
async def test_the_queue_goes_on(settings: Settings, runner: LocalRunner, column: str) -> None:
    first = await start(runner)
    await until_running(runner, first)
    damage(settings, "jobs", column, "id", first.id)
    behind = await start(runner, "answer")
    assert (await until_ended(runner, behind)).state == "completed"
    assert lines(runner, behind, "starts") == ["1"]
    let_go(runner, first)
    assert (await until_ended(runner, first)).state == "completed"


async def test_a_running_job_with_a_damaged_row_is_ended(
    settings: Settings, runner: LocalRunner
) -> None:
    job = await start(runner, "orphan")
    await until_running(runner, job)
    child = local.child_of(runner, job)
    with database(settings) as db:
        db.execute("UPDATE jobs SET attempt = ? WHERE id = ?", (b"\xff", job.id))
    ended = await until_ended(runner, job)
    assert (ended.state, ended.error.code if ended.error else "") == ("failed", "damaged_record")
    assert local.ended_file(runner, job).error == ended.error
    with anyio.fail_after(local.LONGEST):
        while not local.gone(child):
            await local.moment()


@pytest.mark.parametrize("column", PROFILES)
async def test_damaged_profiles_stop_no_job(
    settings: Settings, runner: LocalRunner, column: str
) -> None:
    job = await start(runner, "answer")
    await until_ended(runner, job)
    with database(settings) as db:
        [profile] = db.execute("SELECT id FROM profiles").fetchone()
        assert damage(settings, "profiles", column, "id", profile) > 1
        sql = "SELECT rowid FROM profiles WHERE id != ?"
        numbers = [row[0] for row in db.execute(sql, (profile,))]
    for number in numbers:
        other = await start(runner, "answer")
        with database(settings) as db:
            named = "(SELECT id FROM profiles WHERE rowid = ?)"
            change = f"UPDATE jobs SET profile = {named} WHERE id = ?"  # noqa: S608
            db.execute(change, (number, other.id))
    await runner.ensure_runner()
    assert (await until_ended(runner, await start(runner, "answer"))).state == "completed"
