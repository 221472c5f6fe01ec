"""A start that dies anywhere, or whose answer is lost, leaves one run or none, never two."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.errors import Conflict, NotPermitted, Refused, Unavailable
from mcp_jobs_server.models import Job, StartOptions
from mcp_jobs_server.runners.lakeflow.looking import Paces
from mcp_jobs_server.runners.lakeflow.runner import LakeflowRunner
from researcher_job.contract import REQUEST, RUN, new_job_id
from tests.lakeflow.backend import AT_ONCE, VOLUME, lakeflow_backend
from tests.lakeflow.small_workspace import Answer, SmallWorkspace, small_workspace
from tests.lakeflow.starting_process import OWNER, request

pytestmark = pytest.mark.anyio

FILES = "PUT /api/2.0/fs/files" + VOLUME + f"/{OWNER.folder}"
KEY, ENTRY, FOLDER = f"{FILES}/keys/", f"{FILES}/index/", f"{FILES}/2"
RUN_NOW = "POST /api/2.2/jobs/run-now"
MOMENTS = [
    (KEY, False),
    (KEY, True),
    (ENTRY, False),
    (ENTRY, True),
    (FOLDER, False),
    (FOLDER, True),
    (RUN_NOW, False),
    (RUN_NOW, True),
    ("GET /api/2.2/jobs/runs/get", False),
]
"""What a start asks for, in order; it is held there before it was done, and after."""

ORPHANS_AT_ONCE = replace(AT_ONCE, settling=Paces(orphan=0))
KEYED = StartOptions(key="k", fingerprint="f")
OPEN = StartOptions(fingerprint="f", reuse_after=datetime.now(UTC) - timedelta(minutes=10))


def new_id() -> str:
    return new_job_id(datetime.now(UTC))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallWorkspace]:
    with small_workspace(tmp_path) as small:
        small.make_volume()
        yield small


@pytest.fixture
async def runner(small: SmallWorkspace) -> AsyncIterator[LakeflowRunner]:
    async with lakeflow_backend(small) as (runner, _):
        yield runner


async def started(
    runner: LakeflowRunner, options: StartOptions = KEYED, *, job_id: str = ""
) -> Job:
    begun = await runner.start(request(job_id or new_id()), owner=OWNER, options=options)
    return begun.job


async def killed_while(small: SmallWorkspace, begins: str, *, after: bool) -> str:
    """Kill a server's process while it is held at that moment; return its job's id."""
    job_id = new_id()
    fault = small.fail(begins, times=99, after=after)
    command = [sys.executable, "-m", "tests.lakeflow.starting_process", small.host, job_id, "k"]
    async with await anyio.open_process(command, stderr=None) as process:
        try:
            assert await anyio.to_thread.run_sync(fault.met.wait, 60)
        finally:
            process.kill()
        assert process.stdout is not None
        assert [piece async for piece in process.stdout] == []
    small.faults.clear()
    return job_id


@pytest.mark.parametrize(("begins", "after"), MOMENTS)
async def test_the_same_start_again_goes_on_where_a_killed_server_was(
    small: SmallWorkspace, runner: LakeflowRunner, begins: str, *, after: bool
) -> None:
    await killed_while(small, begins, after=after)
    job = await started(runner)
    again = await started(runner)
    assert again.id == job.id
    assert len(small.runs) == 1
    assert small.runs[0].parameters["job_id"] == job.id
    assert [found.id for found in await runner.active(OWNER, limit=9)] == [job.id]


@pytest.mark.parametrize(("begins", "after"), MOMENTS)
async def test_whoever_looks_completes_what_a_killed_server_left(
    small: SmallWorkspace, begins: str, *, after: bool
) -> None:
    job_id = await killed_while(small, begins, after=after)
    async with lakeflow_backend(small, paces=ORPHANS_AT_ONCE) as (runner, folders):
        job = await runner.job(OWNER, job_id)
        assert await runner.job(OWNER, job_id) == job
        assert len(small.runs) == (0 if job is None else 1)
        if job is not None:
            assert await folders.read(job.folder, RUN) is not None
            assert [found.id for found in await runner.active(OWNER, limit=9)] == [job_id]


async def test_an_orphan_is_left_to_its_start_for_a_while(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    job_id = await killed_while(small, RUN_NOW, after=False)
    job = await runner.job(OWNER, job_id)
    assert job is not None
    assert job.state == "queued"
    assert small.runs == []


async def test_the_lost_answer_of_a_start_makes_no_second_run(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    small.fail(RUN_NOW, after=True)
    job = await started(runner)
    assert small.count(RUN_NOW) == 2
    assert [run.parameters["job_id"] for run in small.runs] == [job.id]


@pytest.mark.parametrize("options", [KEYED, OPEN])
async def test_the_lost_answer_of_a_claim_is_no_other_s_claim(
    small: SmallWorkspace, runner: LakeflowRunner, options: StartOptions
) -> None:
    small.fail(KEY, after=True)
    asked = request(new_id())
    begun = await runner.start(asked, owner=OWNER, options=options)
    assert (begun.job.id, begun.created) == (asked.job_id, True)


@pytest.mark.parametrize("options", [KEYED, OPEN])
async def test_of_many_starts_at_one_time_on_two_servers_one_makes_the_job(
    small: SmallWorkspace, runner: LakeflowRunner, options: StartOptions
) -> None:
    jobs: list[str] = []

    async def start(on: LakeflowRunner) -> None:
        jobs.append((await started(on, options)).id)

    async with lakeflow_backend(small) as (other, _), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(start, runner)
            tasks.start_soon(start, other)
    assert len(jobs) == 8
    assert len(set(jobs)) == 1
    assert len(small.runs) == 1
    assert [job.id for job in await runner.active(OWNER, limit=9)] == [jobs[0]]


async def test_after_a_job_ended_one_of_many_same_requests_makes_the_next(
    small: SmallWorkspace, runner: LakeflowRunner
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
    assert len(small.runs) == 2


async def test_a_key_and_the_same_request_without_one_are_the_same_job(
    runner: LakeflowRunner, small: SmallWorkspace
) -> None:
    both = replace(KEYED, reuse_after=OPEN.reuse_after)
    keyed = await started(runner, both)
    assert (await started(runner, OPEN)).id == keyed.id
    assert (await started(runner, replace(both, key="other"))).id == keyed.id
    assert len(small.runs) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(403, {"error_code": "PERMISSION_DENIED", "message": "no"}), NotPermitted),
        (
            Answer(
                400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Job 1 does not exist."}
            ),
            Refused,
        ),
    ],
)
async def test_a_start_that_is_refused_leaves_nothing_behind(
    small: SmallWorkspace, runner: LakeflowRunner, answer: Answer, kind: type[Exception]
) -> None:
    small.fail(RUN_NOW, answer, times=2)
    with pytest.raises(kind):
        await started(runner)
    assert list(await runner.active(OWNER, limit=9)) == []
    left = small.place(VOLUME) / OWNER.folder
    assert [path for path in left.rglob("*") if path.is_file()] == []
    small.faults.clear()
    await started(runner)
    assert len(small.runs) == 1


async def test_a_start_whose_end_is_unknown_may_be_repeated(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    small.fail(RUN_NOW, Answer(500, {"error_code": "INTERNAL_ERROR", "message": ""}), after=True)
    with pytest.raises(Unavailable):
        await started(runner)
    job = await started(runner)
    assert [run.parameters["job_id"] for run in small.runs] == [job.id]


async def test_an_answer_without_a_run_is_no_run(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    small.fail(RUN_NOW, Answer(body={"number_in_job": 3}))
    with pytest.raises(Unavailable):
        await started(runner)


async def test_who_lost_to_another_start_with_the_same_key_returns_its_job(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    """Key files that were created twice: the token of the key makes one run all the same."""
    job = await started(runner)
    for key in (small.place(VOLUME) / OWNER.folder / "keys").iterdir():
        key.unlink()
    asked = request(new_id())
    begun = await runner.start(asked, owner=OWNER, options=KEYED)
    assert (begun.job.id, begun.created) == (job.id, False)
    assert len(small.runs) == 1
    assert await runner.job(OWNER, asked.job_id) is None


async def test_a_key_whose_job_was_removed_is_free(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    job = await started(runner)
    await runner.stop(OWNER, job.id, "stop")
    assert await runner.remove(OWNER, job.id)
    again = await started(runner)
    assert again.id != job.id
    assert len(small.runs) == 2
    assert (await runner.job(OWNER, again.id)) is not None
    left = small.place(VOLUME) / OWNER.folder
    assert not [path for path in left.rglob("*") if job.id in path.name]


async def test_a_key_that_was_used_for_something_else_is_a_conflict_and_starts_nothing(
    small: SmallWorkspace, runner: LakeflowRunner
) -> None:
    await started(runner)
    with pytest.raises(Conflict):
        await started(runner, replace(KEYED, fingerprint="g"))
    assert len(small.runs) == 1


async def test_schema_and_volume_are_made_where_they_are_missing(tmp_path: Path) -> None:
    with small_workspace(tmp_path) as small:
        async with lakeflow_backend(small) as (runner, folders):
            job = await started(runner)
            assert await folders.read(job.folder, REQUEST) is not None
        assert small.count("POST /api/2.1/unity-catalog/schemas") == 1
        assert small.count("POST /api/2.1/unity-catalog/volumes") == 1


async def test_the_privilege_that_making_the_volume_takes_is_named(tmp_path: Path) -> None:
    with small_workspace(tmp_path) as small:
        small.place("/Volumes/main/research").mkdir(parents=True)
        denied = Answer(403, {"error_code": "PERMISSION_DENIED", "message": "no"})
        small.fail("POST /api/2.1/unity-catalog/volumes", denied, times=9)
        async with lakeflow_backend(small) as (runner, _):
            with pytest.raises(
                NotPermitted, match=r"CREATE VOLUME and USE SCHEMA on main\.research"
            ):
                await started(runner)
        assert small.runs == []
