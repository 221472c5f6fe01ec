"""A damaged row fails its own job and no other."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.local.store.rows import UNREADABLE
from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.core.settings import Settings
from research_contract.records import FORMAT_VERSION
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.backends.local.data_directory import (
    ended_file,
    let_go,
    lines,
    start,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

NEWER = json.dumps({"format_version": FORMAT_VERSION + 1, "question": ["another", "shape"]})
OF_ANOTHER = local.request().model_dump_json()


def damage(settings: Settings, job: Job, request: str) -> None:
    with closing(sqlite3.connect(DataPaths(settings.data_dir).database)) as database:
        database.execute("UPDATE jobs SET request = ? WHERE id = ?", (request, job.id))
        database.commit()


@pytest.mark.parametrize("request_text", ["", '{"question": "to', "[]", NEWER, OF_ANOTHER])
@pytest.mark.parametrize("state", ["queued", "running"])
async def test_an_unreadable_request_fails_its_job_and_no_other(
    settings: Settings, runner: LocalRunner, state: str, request_text: str
) -> None:
    blockers = [await start(runner), await start(runner)]
    broken = blockers[0]
    for job in blockers:
        await until_running(runner, job)
    if state == "queued":
        broken = await start(runner)
    else:
        stop_all(settings, wait_seconds=local.LONGEST)
    behind = await start(runner, "answer")
    damage(settings, broken, request_text)
    listed = await runner.active(local.OWNER, limit=9)
    assert [job.title for job in listed if job.id == broken.id] == [UNREADABLE]
    for job in blockers:
        let_go(runner, job)
    ended = await until_ended(runner, broken)
    assert ended.state == "failed"
    assert ended.error is not None
    assert ended.error.code == "unreadable_request"
    assert "Start the research again" in ended.error.hint
    assert ended_file(runner, broken).error == ended.error
    for job in (blockers[1], behind):
        assert (await until_ended(runner, job)).state == "completed"
    assert lines(runner, behind, "starts") == ["1"]


async def test_a_damaged_row_does_not_block_removals(
    settings: Settings, runner: LocalRunner
) -> None:
    done = await until_ended(runner, await start(runner, "answer"))
    broken = await start(runner)
    await until_running(runner, broken)
    damage(settings, broken, '{"follow_up_of": ')
    with pytest.raises(Conflict, match="not ended"):
        await runner.remove(local.OWNER, broken.id)
    assert await runner.remove(local.OWNER, done.id)
