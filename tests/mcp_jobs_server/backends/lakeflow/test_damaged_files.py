"""Any file of a job, and any entry of the index, with bad content fails that job and no other."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.backends.lakeflow.lists import SETTLE_BATCH
from mcp_jobs_server.backends.lakeflow.submit import StartRecord
from mcp_jobs_server.core.models import Job, StartOptions, job_folder_of
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import GetStatus, ListActiveJobs
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.sources.registry import Sources
from research_contract.files import encode
from research_contract.records import ENDED, OUTCOME, REQUEST, RUN, STATUS, month_of, new_job_id
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    OWNER,
    Scene,
    request,
    server,
    started,
    until_ended,
    until_running,
)

pytestmark = pytest.mark.anyio

CONTENTS = (
    b"\xff\xfe",
    b"",
    b"{",
    b"[]\n",
    b'{"format_version": 99}\n',
    b'{"format_version": "x", "at": 1e400, "run_id": -1}\n',
    json.dumps("text").encode() * 1000,
)
FILES = (REQUEST, RUN, STATUS, OUTCOME, ENDED, "made", "ended")


def copied(stage: Scene, job: Job, made_before: timedelta) -> str:
    """Copy a job under a new id, as if it had been made earlier; return the id."""
    at = datetime.now(UTC) - made_before
    new = new_job_id(at)
    place = stage.volume / job_folder_of(OWNER.folder, new)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(stage.folder(job), place)
    request = job.request.model_copy(update={"job_id": new, "created_at": at})
    (place / REQUEST).write_bytes(encode(request))
    index = stage.volume / OWNER.folder / "index"
    (index / month_of(new)).mkdir(exist_ok=True)
    for entry in list((index / month_of(job.id)).glob(f"{job.id}.*")):
        name = entry.name.replace(job.id, new)
        data = entry.read_bytes().replace(job.id.encode(), new.encode())
        if ".made." in name:
            name = f"{new}.made.{int(at.timestamp() * 1000)}"
            data = encode(StartRecord(token=new))
        (index / month_of(new) / name).write_bytes(data)
    return new


def spoil(stage: Scene, job_id: str, name: str, content: bytes | None) -> None:
    """Give a file or an entry this content; ``None``: put a folder in its place."""
    index = stage.volume / OWNER.folder / "index" / month_of(job_id)
    path = stage.volume / job_folder_of(OWNER.folder, job_id) / name
    if name in ("made", "ended"):
        [path] = index.glob(f"{job_id}.{name}.*")
    elif name in (REQUEST, RUN, STATUS):
        # The job has not ended yet, else nobody would look at the file.
        (path.parent / OUTCOME).unlink()
        [entry] = index.glob(f"{job_id}.ended.*")
        entry.unlink()
    elif name == ENDED:
        (path.parent / OUTCOME).unlink()
        [entry] = index.glob(f"{job_id}.ended.*")
        entry.write_bytes(b"")
    else:
        [entry] = index.glob(f"{job_id}.ended.*")
        entry.unlink()
    if content is None:
        path.unlink(missing_ok=True)
        path.mkdir()
    else:
        path.write_bytes(content)


async def everything_goes_on(
    stage: Scene, healthy: set[str], newest: Job, damaged: list[str]
) -> None:
    """Look at all jobs through a server that has read nothing before."""
    async with server(stage) as (runner, folders):
        settings = Settings(data_dir=Path("/nowhere"))
        jobs = Jobs(runner=runner, folders=folders, sources=Sources(settings), settings=settings)
        shown: set[str] = set()
        for _ in range(6):  # a list reads a few jobs without a known end, later lists the others
            cursor: str | None = ""
            while cursor is not None:
                asked = parse_arguments(ListActiveJobs, {"include_recent": True, "cursor": cursor})
                page = await jobs.list(OWNER, asked)
                shown |= {job.job_id for job in page.jobs}
                cursor = page.next_cursor
        assert healthy <= shown
        status = await jobs.status(OWNER, GetStatus(wait_seconds=0))
        assert status.job_id == newest.id
        since = datetime.now(UTC) - timedelta(days=300)
        usage = await runner.usage(OWNER, since)
        assert usage.active <= 1 + len(damaged)
        assert len(await runner.unfetched(OWNER, since=since, limit=99)) >= len(healthy) - 1
        assert await runner.typical_seconds(OWNER, newest.request) is not None
        again = await runner.start(request("answer"), owner=OWNER, options=StartOptions(key="k"))
        assert again.job.id not in damaged


@pytest.mark.parametrize("name", FILES)
async def test_a_damaged_file_fails_its_job_and_no_other(stage: Scene, name: str) -> None:
    async with server(stage) as (runner, _):
        ended = await until_ended(runner, await started(runner, "answer"))
        contents = (*CONTENTS, None)
        damaged = [
            copied(stage, ended, timedelta(days=40, minutes=n)) for n in range(len(contents))
        ]
        assert len(damaged) > SETTLE_BATCH
        for job_id, content in zip(damaged, contents, strict=True):
            spoil(stage, job_id, name, content)
        old = copied(stage, ended, timedelta(days=80))
        for entry in (stage.volume / OWNER.folder / "index" / month_of(old)).glob(f"{old}.ended.*"):
            entry.unlink()  # its end is to be found by the list
        running = await until_running(runner, await started(runner))
    await everything_goes_on(stage, {ended.id, old, running.id}, running, damaged)
    stage.let_go(running)


async def test_a_job_whose_request_cannot_be_read_is_shown_as_failed(stage: Scene) -> None:
    async with server(stage) as (runner, _):
        ended = await until_ended(runner, await started(runner, "answer"))
        damaged = [copied(stage, ended, timedelta(minutes=5 + n)) for n in range(4)]
        for job_id, content in zip(damaged, (b"\xff\xfe", b"", b"{", b"[]\n"), strict=True):
            spoil(stage, job_id, REQUEST, content)
        becoming_visible = copied(stage, ended, timedelta(0))
        spoil(stage, becoming_visible, REQUEST, b"{")
    async with server(stage) as (runner, _):
        shown = {job.id: job for job in await runner.ended(OWNER, limit=99)}
        assert set(shown) == {ended.id, *damaged}
        errors = [shown[job_id].error for job_id in damaged]
        assert {error.code for error in errors if error} == {"unreadable_request"}
        assert None not in errors
        assert (await runner.counts(OWNER))["failed"] == len(damaged)
        for job_id in damaged:
            found = await runner.job(OWNER, job_id)
            assert found is not None
            assert found.state == "failed"
            assert await runner.remove(OWNER, job_id)


NAMES = (
    "{job}.ended.9999999999999.completed.answered.00000000.0.0",
    "{job}.ended.0.completed.nonsense.00000000.0.0",
    "{job}.ended.1.nonsense.answered.00000000.0.0",
    "{job}.ended.1",
    "{job}.made.",
    "{job}.fetched.9999999999999",
    "{job}.made.0",
    "{other}.made.1",
    "{other}.ended.1.completed.answered.00000000.999999999999.999999999999",
    "nonsense",
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_damaged_name_in_the_index_fails_its_job_and_no_other(
    stage: Scene, name: str
) -> None:
    async with server(stage) as (runner, _):
        ended = await until_ended(runner, await started(runner, "answer"))
        victim = copied(stage, ended, timedelta(hours=1))
        index = stage.volume / OWNER.folder / "index" / month_of(victim)
        for entry in index.glob(f"{victim}.ended.*"):
            entry.unlink()
        other = new_job_id(datetime.now(UTC))
        (index / name.format(job=victim, other=other)).write_bytes(b"")
        running = await until_running(runner, await started(runner))
    await everything_goes_on(stage, {ended.id, running.id}, running, [victim, other])
    stage.let_go(running)
