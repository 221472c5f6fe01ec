"""A start that is interrupted anywhere, or whose answer is lost, leaves at most one run."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.core.errors import Conflict, NotPermitted, Refused, Unavailable
from mcp_jobs_server.core.models import Job, StartOptions
from research_contract.records import REQUEST, RUN, new_job_id
from tests.mcp_jobs_server.backends.lakeflow import backend
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    LONGEST,
    OWNER,
    Scene,
    request,
    scene,
    server,
    slow,
)

pytestmark = pytest.mark.anyio

FILES = f"fs/files.*{OWNER.folder}"
KEY, ENTRY, FOLDER = f"{FILES}/keys/", f"{FILES}/index/", f"{FILES}/2.*{REQUEST}"
RUN_NOW = "jobs/run-now"
PARTS = [("PUT", KEY), ("PUT", ENTRY), ("PUT", FOLDER), ("POST", RUN_NOW), ("GET", "runs/get")]
MOMENTS = [(*part, kind) for part in PARTS for kind in ("hang", "lost answer")]
"""The requests of a start, in order; each is delayed before and after it takes effect."""

KEYED = StartOptions(key="k", fingerprint="f")
OPEN = StartOptions(fingerprint="f", reuse_after=datetime.now(UTC) - timedelta(minutes=10))


async def started(runner: LakeflowRunner, options: StartOptions = KEYED) -> Job:
    return await backend.started(runner, options=options)


async def killed_while(stage: Scene, method: str, path: str, kind: str) -> str:
    """Kill a server process while this request is delayed; return the id of its job."""
    job_id = new_job_id(datetime.now(UTC))
    fault = stage.workspace.fail(method, path, kind, times=99, seconds=LONGEST)
    told = [stage.workspace.url, str(stage.job.job_id), job_id, "k"]
    command = [
        sys.executable,
        "-m",
        f"{__package__}.starting_process",
        *told,
    ]
    async with await anyio.open_process(command, stderr=None) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await process.stdin.send(f"{stage.workspace.app.token}\n".encode())
            with anyio.fail_after(LONGEST):
                while fault.times == 99:  # noqa: ASYNC110 - another thread counts it
                    await anyio.sleep(0.02)
            await anyio.sleep(0.1)  # for what is done although its answer is lost
        finally:
            process.kill()
        assert [piece async for piece in process.stdout] == []
    stage.workspace.faults.clear()
    return job_id


def works_on(stage: Scene) -> list[str]:
    """Return the job ids of all runs."""
    return [run.parameters["job_id"] for run in stage.workspace.runs()]


@pytest.mark.parametrize(("method", "path", "kind"), MOMENTS)
async def test_repeating_a_start_continues_after_a_killed_server(
    stage: Scene, runner: LakeflowRunner, method: str, path: str, kind: str
) -> None:
    await killed_while(stage, method, path, kind)
    job = await started(runner)
    again = await started(runner)
    assert again.id == job.id
    assert works_on(stage) == [job.id]
    assert [found.id for found in await runner.active(OWNER, limit=9)] == [job.id]


@pytest.mark.parametrize(("method", "path", "kind"), MOMENTS)
async def test_reading_a_job_completes_the_start_of_a_killed_server(
    stage: Scene, method: str, path: str, kind: str
) -> None:
    job_id = await killed_while(stage, method, path, kind)
    async with server(stage, times=slow(orphan=0)) as (runner, folders):
        job = await runner.job(OWNER, job_id)
        again = await runner.job(OWNER, job_id)
        assert (job and job.id) == (again and again.id)
        assert works_on(stage) == ([] if job is None else [job_id])
        if job is not None:
            assert await folders.read(job.folder, RUN) is not None
            assert [found.id for found in await runner.active(OWNER, limit=9)] == [job_id]


async def test_a_request_without_a_run_is_left_to_its_start_at_first(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job_id = await killed_while(stage, "POST", RUN_NOW, "hang")
    job = await runner.job(OWNER, job_id)
    assert job is not None
    assert job.state == "queued"
    assert stage.workspace.runs() == []


async def test_the_lost_answer_of_a_start_makes_no_second_run(
    stage: Scene, runner: LakeflowRunner
) -> None:
    fault = stage.workspace.fail("POST", RUN_NOW, "lost answer")
    job = await started(runner)
    assert fault.times == 0  # it was met, so that the same was asked for again
    assert works_on(stage) == [job.id]


@pytest.mark.parametrize("options", [KEYED, OPEN])
async def test_a_claim_whose_answer_was_lost_is_not_taken_for_another_start(
    stage: Scene, runner: LakeflowRunner, options: StartOptions
) -> None:
    stage.workspace.fail("PUT", KEY, "lost answer")
    asked = request()
    begun = await runner.start(asked, owner=OWNER, options=options)
    assert (begun.job.id, begun.created) == (asked.job_id, True)


@pytest.mark.parametrize("options", [KEYED, OPEN])
async def test_one_of_many_simultaneous_starts_on_two_servers_makes_the_job(
    stage: Scene, runner: LakeflowRunner, options: StartOptions
) -> None:
    jobs: list[str] = []

    async def start(on: LakeflowRunner) -> None:
        jobs.append((await started(on, options)).id)

    async with server(stage) as (other, _), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(start, runner)
            tasks.start_soon(start, other)
    assert len(jobs) == 8
    assert len(set(jobs)) == 1
    assert len(stage.workspace.runs()) == 1
    assert [job.id for job in await runner.active(OWNER, limit=9)] == [jobs[0]]


@pytest.mark.parametrize("options", [KEYED, OPEN])
async def test_starts_on_two_servers_make_one_job_although_files_are_visible_late(
    stage: Scene, runner: LakeflowRunner, options: StartOptions
) -> None:
    stage.workspace.files.late_seconds = 1.5
    jobs: set[str] = set()

    async def start(on: LakeflowRunner) -> None:
        jobs.add((await started(on, options)).id)

    async with server(stage) as (other, _), anyio.create_task_group() as tasks:
        tasks.start_soon(start, runner)
        tasks.start_soon(start, other)
    assert len(jobs) == 1
    assert works_on(stage) == list(jobs)


async def test_after_an_ended_job_one_of_many_identical_requests_makes_the_next(
    stage: Scene, runner: LakeflowRunner
) -> None:
    first = await started(runner, OPEN)
    await runner.stop(OWNER, first.id, "stop")
    jobs: set[str] = set()

    async def start() -> None:
        jobs.add((await started(runner, OPEN)).id)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(start)
    assert len(jobs) == 1
    assert first.id not in jobs
    assert len(stage.workspace.runs()) == 2


async def test_a_key_and_the_same_request_without_one_are_the_same_job(
    runner: LakeflowRunner, stage: Scene
) -> None:
    both = replace(KEYED, reuse_after=OPEN.reuse_after)
    keyed = await started(runner, both)
    assert (await started(runner, OPEN)).id == keyed.id
    assert (await started(runner, replace(both, key="other"))).id == keyed.id
    assert len(stage.workspace.runs()) == 1


async def test_a_start_that_is_refused_leaves_nothing_behind(
    stage: Scene, runner: LakeflowRunner
) -> None:
    app, job = stage.workspace.app.name, f"job {stage.job.job_id}"
    stage.workspace.rights.revoke(job, app, "CAN_MANAGE_RUN")
    with pytest.raises(NotPermitted, match="CAN_MANAGE_RUN"):
        await started(runner)
    left = stage.volume / OWNER.folder
    assert [path for path in left.rglob("*") if path.is_file()] == []
    stage.workspace.rights.grant(job, app, "CAN_MANAGE_RUN")
    assert list(await runner.active(OWNER, limit=9)) == []
    assert works_on(stage) == []
    await started(runner)
    assert len(works_on(stage)) == 1


async def test_a_missing_deployed_job_is_named_in_the_error(stage: Scene) -> None:
    nowhere = replace(stage, job=replace(stage.job, job_id=1))
    async with server(nowhere) as (runner, _):
        with pytest.raises(Refused, match="not in the workspace"):
            await started(runner)
    left = stage.volume / OWNER.folder
    assert [path for path in left.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", ["500", "truncated"])
async def test_a_start_with_an_unknown_result_may_be_repeated(
    stage: Scene, runner: LakeflowRunner, kind: str
) -> None:
    stage.workspace.fail("POST", RUN_NOW, kind)
    with pytest.raises(Unavailable):
        await started(runner)
    job = await started(runner)
    assert works_on(stage) == [job.id]


async def test_a_start_that_lost_to_another_with_the_same_key_returns_its_job(
    stage: Scene, runner: LakeflowRunner
) -> None:
    """If a key file is created twice, the token of the key still makes one run."""
    job = await started(runner)
    for key in (stage.volume / OWNER.folder / "keys").iterdir():
        key.unlink()
    asked = request()
    begun = await runner.start(asked, owner=OWNER, options=KEYED)
    assert (begun.job.id, begun.created) == (job.id, False)
    assert len(stage.workspace.runs()) == 1
    assert await runner.job(OWNER, asked.job_id) is None


async def test_a_key_whose_job_was_removed_is_free(stage: Scene, runner: LakeflowRunner) -> None:
    job = await started(runner)
    await runner.stop(OWNER, job.id, "stop")
    await backend.until_ended(runner, job)
    assert await runner.remove(OWNER, job.id)
    again = await started(runner)
    assert again.id != job.id
    assert len(stage.workspace.runs()) == 2
    assert (await runner.job(OWNER, again.id)) is not None
    left = stage.volume / OWNER.folder
    assert not [path for path in left.rglob("*") if job.id in path.name]


async def test_a_key_used_for_another_request_is_a_conflict_and_starts_nothing(
    stage: Scene, runner: LakeflowRunner
) -> None:
    await started(runner)
    with pytest.raises(Conflict):
        await started(runner, replace(KEYED, fingerprint="g"))
    assert len(stage.workspace.runs()) == 1


async def test_missing_schema_and_volume_are_created(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        catalog, app = stage.workspace.catalog, stage.workspace.app.name
        catalog.volumes.clear()
        catalog.schemas.clear()
        given = ("USE_CATALOG", "USE_SCHEMA", "CREATE_SCHEMA", "CREATE_VOLUME")
        stage.workspace.rights.grant("catalog main", app, *given, "READ_VOLUME", "WRITE_VOLUME")
        async with server(stage) as (runner, folders):
            job = await started(runner)
            assert await folders.read(job.folder, REQUEST) is not None
        assert list(catalog.schemas) == ["main.research"]
        assert list(catalog.volumes) == ["main.research.jobs"]


async def test_the_privilege_for_creating_the_volume_is_named(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        stage.workspace.catalog.volumes.clear()
        async with server(stage) as (runner, _):
            with pytest.raises(
                NotPermitted, match=r"CREATE VOLUME and USE SCHEMA on main\.research"
            ):
                await started(runner)
        assert works_on(stage) == []
