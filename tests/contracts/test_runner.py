"""Every runner keeps the port's contract: the one of this machine, and the published fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import anyio
import pytest
from anyio.abc import TaskStatus

from mcp_jobs_server.errors import Conflict
from mcp_jobs_server.folders.base import Folders
from mcp_jobs_server.folders.directory import DirectoryFolders
from mcp_jobs_server.models import Job, Owner, StartOptions
from mcp_jobs_server.runners.base import Runner
from mcp_jobs_server.runners.local.runner import LocalRunner
from mcp_jobs_server.testing import MemoryRunner
from researcher_job.contract import (
    ENDED,
    OUTCOME,
    REQUEST,
    STATUS,
    Failure,
    Outcome,
    Request,
    Spent,
    Status,
    encode,
)
from tests.server import local_backend as local

pytestmark = pytest.mark.anyio

ADA = Owner("test", "ada")
EVE = Owner("test", "eve")
ANY = StartOptions()
HOSTILE = (
    "",
    ".",
    "../../etc/passwd",
    "20261121-\0bcdefghijklm",
    "20261121-abcdefghijkl\udcff",
    "\N{FULLWIDTH DIGIT TWO}0261121-abcdefghijklm",
    "%",
    "_" * 22,
    "' OR 1=1 --",
    "20261121-abcdefghijklm\n",
    "x" * 10_000,
)


class Bench(Protocol):
    """A runner under test, and how its jobs are moved along. At most one job runs at a time."""

    runner: Runner
    folders: Folders

    async def run(self, job: Job) -> None: ...
    async def progress(self, job: Job) -> None: ...
    async def complete(self, job: Job) -> None: ...
    async def fail(self, job: Job) -> None: ...
    async def gone(self, job: Job) -> None: ...


class MemoryBench:
    def __init__(self) -> None:
        self.fake = MemoryRunner()
        self.runner: Runner = self.fake
        self.folders: Folders = self.fake.folders

    async def run(self, job: Job) -> None:
        self.fake.begin(job.id)

    async def progress(self, job: Job) -> None:
        self.fake.write(job.id, STATUS, encode(Status(updated_at=datetime.now(UTC))))

    async def complete(self, job: Job) -> None:
        found = await self.fake.job(job.owner, job.id)
        asked = found is not None and found.requested == "finish_now"
        outcome = Outcome(
            outcome="partial" if asked else "answered",
            answer="" if asked else "Forty-two.",
            spent=Spent(active_seconds=3),
            ended_at=datetime.now(UTC),
        )
        self.fake.complete(job.id, outcome)

    async def fail(self, job: Job) -> None:
        self.fake.fail(job.id, Failure(code="test", message="It failed.", hint="Try again."))

    async def gone(self, job: Job) -> None:
        self.fake.obey(job.id)


class LocalBench:
    def __init__(self, runner: LocalRunner) -> None:
        self.local = runner
        self.runner: Runner = runner
        self.folders: Folders = DirectoryFolders(runner.data_dir / "jobs")

    async def run(self, job: Job) -> None:
        await local.until_running(self.local, job)

    async def progress(self, job: Job) -> None:
        """Nothing to do: the stand-in's heart beats by itself."""

    async def complete(self, job: Job) -> None:
        found = await self.local.job(job.owner, job.id)
        if found is not None and found.requested is None:
            local.let_go(self.local, job)
        await local.until_ended(self.local, job)

    async def fail(self, job: Job) -> None:
        await local.until_ended(self.local, job)

    async def gone(self, job: Job) -> None:
        await local.until_ended(self.local, job)


@pytest.fixture(params=["local", "memory"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield MemoryBench()
        return
    with local.data_directory(tmp_path, max_running=1) as settings:
        async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
            yield LocalBench(runner)


async def start(
    bench: Bench, asked: Request | None = None, *, owner: Owner = ADA, options: StartOptions = ANY
) -> Job:
    started = await bench.runner.start(asked or local.request(), owner=owner, options=options)
    return started.job


async def look(bench: Bench, job: Job) -> Job:
    found = await bench.runner.job(job.owner, job.id)
    assert found is not None
    return found


async def done(bench: Bench) -> Job:
    job = await start(bench)
    await bench.run(job)
    await bench.complete(job)
    return await look(bench, job)


async def test_a_started_job_stands_in_the_queue_with_its_request_in_its_folder(
    bench: Bench,
) -> None:
    asked = local.request()
    started = await bench.runner.start(asked, owner=ADA, options=ANY)
    assert started.created
    assert (started.job.request, started.job.state, started.job.queue_position) == (
        asked,
        "queued",
        1,
    )
    found = await bench.folders.read(started.job.folder, REQUEST)
    assert found is not None
    assert Request.model_validate_json(found.data) == asked


async def test_a_job_runs_and_is_completed_with_its_answer(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    running = await look(bench, job)
    assert (running.state, running.attempt, running.queue_position) == ("running", 1, None)
    assert running.started_at is not None
    await bench.complete(job)
    completed = await look(bench, job)
    assert (completed.state, completed.outcome) == ("completed", "answered")
    assert (completed.summary, completed.error) == ("Forty-two.", None)
    assert completed.ended_at is not None
    assert await bench.folders.read(job.folder, OUTCOME) is not None


async def test_a_failed_job_says_why(bench: Bench) -> None:
    job = await start(bench, local.request("unreadable"))
    await bench.fail(job)
    failed = await look(bench, job)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.message == failed.summary != ""
    assert await bench.folders.read(job.folder, ENDED) is not None


async def test_a_key_makes_one_job(bench: Bench) -> None:
    options = StartOptions(key="k", fingerprint="f")
    job = await start(bench, options=options)
    again = await bench.runner.start(local.request(), owner=ADA, options=options)
    assert (again.job.id, again.created) == (job.id, False)
    other = await bench.runner.start(local.request(), owner=EVE, options=options)
    assert other.created


async def test_a_key_for_two_requests_is_a_conflict(bench: Bench) -> None:
    await start(bench, options=StartOptions(key="k", fingerprint="f"))
    with pytest.raises(Conflict, match="key"):
        await start(bench, options=StartOptions(key="k", fingerprint="g"))


async def test_a_key_still_names_its_job_after_the_end(bench: Bench) -> None:
    options = StartOptions(key="k", fingerprint="f")
    job = await start(bench, options=options)
    await bench.runner.stop(ADA, job.id, "stop")
    again = await bench.runner.start(local.request(), owner=ADA, options=options)
    assert (again.job.id, again.created) == (job.id, False)


async def test_the_same_call_again_returns_its_own_job(bench: Bench) -> None:
    asked = local.request()
    await start(bench, asked)
    again = await bench.runner.start(asked, owner=ADA, options=ANY)
    assert (again.job.id, again.created) == (asked.job_id, False)


async def test_a_recent_unfinished_job_of_the_same_request_is_returned(bench: Bench) -> None:
    now = datetime.now(UTC)
    recent = StartOptions(fingerprint="f", reuse_after=now - timedelta(minutes=10))
    job = await start(bench, local.request(at=now), options=recent)
    again = await bench.runner.start(local.request(), owner=ADA, options=recent)
    assert (again.job.id, again.created) == (job.id, False)
    later = StartOptions(fingerprint="f", reuse_after=now + timedelta(minutes=10))
    assert (await start(bench, options=later)).id != job.id
    always = StartOptions(fingerprint="f")
    assert (await start(bench, options=always)).id != job.id
    other = StartOptions(fingerprint="g", reuse_after=recent.reuse_after)
    assert (await start(bench, options=other)).id != job.id


async def test_a_job_that_ended_or_is_being_stopped_is_not_returned_again(bench: Bench) -> None:
    same = StartOptions(fingerprint="f", reuse_after=datetime.now(UTC) - timedelta(minutes=10))
    job = await start(bench, options=same)
    await bench.runner.stop(ADA, job.id, "stop")
    assert (await start(bench, options=same)).id != job.id


async def test_jobs_of_others_do_not_exist(bench: Bench) -> None:
    job = await start(bench)
    runner = bench.runner
    assert await runner.job(EVE, job.id) is None
    assert list(await runner.match(EVE, job.id)) == []
    assert list(await runner.active(EVE, limit=9)) == []
    assert await runner.stop(EVE, job.id, "stop") is None
    assert not sum((await runner.counts(EVE)).values())
    assert not await runner.remove(EVE, job.id)
    await bench.runner.stop(ADA, job.id, "stop")
    if not (await look(bench, job)).ended:
        await bench.gone(job)
    await runner.fetched(EVE, job.id, datetime.now(UTC))
    assert not await runner.remove(EVE, job.id)
    assert list(await runner.ended(EVE, limit=9)) == []
    assert (await look(bench, job)).fetched_at is None


async def test_hostile_ids_name_no_job(bench: Bench) -> None:
    await start(bench)
    for text in HOSTILE:
        assert await bench.runner.job(ADA, text) is None
        assert await bench.runner.stop(ADA, text, "stop") is None
        assert not await bench.runner.remove(ADA, text)
        await bench.runner.fetched(ADA, text, datetime.now(UTC))
        assert text == "" or list(await bench.runner.match(ADA, text)) == []


async def test_a_prefix_of_the_id_or_of_its_random_part_finds_the_newest_three(
    bench: Bench,
) -> None:
    jobs = [await start(bench) for _ in range(4)]
    by_random = await bench.runner.match(ADA, jobs[0].id[9:15])
    assert [job.id for job in by_random] == [jobs[0].id]
    by_date = await bench.runner.match(ADA, jobs[0].id[:9])
    newest_first = [job.id for job in jobs[::-1]]
    assert [job.id for job in by_date] == [
        job_id for job_id in newest_first if job_id in {job.id for job in by_date}
    ]
    assert len(by_date) == 3
    assert [job.id for job in await bench.runner.match(ADA, "")] == newest_first[:3]
    assert len(await bench.runner.match(ADA, "")) == 3


async def test_queued_jobs_know_their_place_among_those_of_all_owners(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    first = await start(bench, owner=EVE)
    second = await start(bench)
    assert (await look(bench, first)).queue_position == 1
    assert (await look(bench, second)).queue_position == 2
    await bench.runner.stop(EVE, first.id, "stop")
    assert (await look(bench, second)).queue_position == 1


async def test_a_queued_job_that_is_stopped_is_cancelled_at_once(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    queued = await start(bench)
    answer = await bench.runner.stop(ADA, queued.id, "stop")
    assert answer is not None
    assert (answer.state, answer.requested, answer.attempt) == ("cancelled", "stop", 0)
    assert answer.ended_at is not None
    assert await bench.folders.read(queued.folder, ENDED) is not None


async def test_a_running_job_that_is_stopped_is_cancelling_until_it_is_gone(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    answer = await bench.runner.stop(ADA, job.id, "stop")
    assert answer is not None
    assert (answer.state, answer.requested) == ("cancelling", "stop")
    await bench.gone(job)
    cancelled = await look(bench, job)
    assert (cancelled.state, cancelled.error) == ("cancelled", None)
    again = await bench.runner.stop(ADA, job.id, "stop")
    assert again == cancelled


async def test_a_stop_overrides_finish_now_and_never_the_reverse(bench: Bench) -> None:
    running = await start(bench, local.request("stubborn"))
    await bench.run(running)
    for mode, state in (("finish_now", "running"), ("stop", "cancelling")):
        answer = await bench.runner.stop(ADA, running.id, mode)  # type: ignore[arg-type]  # of a tuple
        assert answer is not None
        assert (answer.requested, answer.state) == (mode, state)
    late = await bench.runner.stop(ADA, running.id, "finish_now")
    assert late is not None
    assert (late.requested, late.state) == ("stop", "cancelling")


async def test_a_job_asked_to_finish_now_is_completed_in_part(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    await bench.runner.stop(ADA, job.id, "finish_now")
    await bench.complete(job)
    completed = await look(bench, job)
    assert (completed.state, completed.outcome) == ("completed", "partial")


async def test_an_ended_job_is_not_changed_by_a_stop(bench: Bench) -> None:
    job = await done(bench)
    assert await bench.runner.stop(ADA, job.id, "stop") == job


async def test_ended_jobs_come_latest_first_in_pages(bench: Bench) -> None:
    jobs = [await done(bench) for _ in range(3)]
    active = await start(bench)
    latest = [job.id for job in reversed(jobs)]
    page = await bench.runner.ended(ADA, limit=2)
    assert [job.id for job in page] == latest[:2]
    assert page[-1].ended_at is not None
    rest = await bench.runner.ended(ADA, limit=2, before=(page[-1].ended_at, page[-1].id))
    assert [job.id for job in rest] == latest[2:]
    assert [job.id for job in await bench.runner.active(ADA, limit=9)] == [active.id]
    counts = await bench.runner.counts(ADA)
    assert counts["completed"] == 3


async def test_what_was_not_fetched_yet_comes_first(bench: Bench) -> None:
    began = datetime.now(UTC)
    first, second = [await done(bench) for _ in range(2)]
    seen = datetime.now(UTC)
    await bench.runner.fetched(ADA, second.id, seen)
    await bench.runner.fetched(ADA, second.id, seen + timedelta(days=1))
    assert (await look(bench, second)).fetched_at == seen
    found = await bench.runner.unfetched(ADA, since=began, limit=5)
    assert [job.id for job in found] == [first.id, second.id]
    assert [job.id for job in await bench.runner.unfetched(ADA, since=began, limit=1)] == [first.id]
    assert first.ended_at is not None
    later = await bench.runner.unfetched(ADA, since=first.ended_at, limit=5)
    assert [job.id for job in later] == [second.id]


async def test_only_an_ended_job_can_be_removed_and_its_folder_with_it(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    with pytest.raises(Conflict, match="not ended"):
        await bench.runner.remove(ADA, job.id)
    await bench.complete(job)
    assert await bench.runner.remove(ADA, job.id)
    assert await bench.runner.job(ADA, job.id) is None
    assert await bench.folders.read(job.folder, REQUEST) is None
    assert not await bench.runner.remove(ADA, job.id)


@pytest.mark.parametrize("how", ["follow_up_of", "refresh_of"])
async def test_a_job_that_an_unended_one_builds_on_stays(bench: Bench, how: str) -> None:
    job = await done(bench)
    following = await start(bench, local.request().model_copy(update={how: job.id}))
    await bench.run(following)
    with pytest.raises(Conflict, match=following.id):
        await bench.runner.remove(ADA, job.id)
    assert await bench.runner.job(ADA, job.id) is not None
    assert await bench.folders.read(job.folder, REQUEST) is not None
    await bench.complete(following)
    assert await bench.runner.remove(ADA, job.id)


async def test_typical_seconds_are_those_of_like_jobs_of_this_owner(bench: Bench) -> None:
    assert await bench.runner.typical_seconds(ADA, local.request()) is None
    await done(bench)
    typical = await bench.runner.typical_seconds(ADA, local.request())
    assert typical is not None
    assert typical > 0
    assert await bench.runner.typical_seconds(EVE, local.request()) is None
    assert await bench.runner.typical_seconds(ADA, local.request(depth="deep")) is None
    assert await bench.runner.typical_seconds(ADA, local.request(sources=("a",))) is None


async def test_who_subscribed_first_misses_no_change(bench: Bench) -> None:
    job = await start(bench)
    async with bench.runner.changes(job) as changes:
        await bench.run(job)
        with anyio.fail_after(local.LONGEST):
            await changes.wait()
    async with bench.runner.changes(job) as changes:
        await bench.progress(job)
        with anyio.fail_after(local.LONGEST):
            await changes.wait()
    async with bench.runner.changes(job) as changes:
        await bench.complete(job)
        with anyio.fail_after(local.LONGEST):
            while not (await look(bench, job)).ended:
                await changes.wait()


async def test_all_who_wait_are_told_and_one_may_go_away(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    job = await start(bench)
    told = []

    async def wait(*, task_status: TaskStatus[anyio.CancelScope]) -> None:
        with anyio.CancelScope() as scope:
            async with bench.runner.changes(job) as changes:
                task_status.started(scope)
                await changes.wait()
                told.append(scope)

    with anyio.fail_after(local.LONGEST):
        async with anyio.create_task_group() as waiting:
            gone = await waiting.start(wait)
            staying = [await waiting.start(wait) for _ in range(2)]
            gone.cancel()
            await bench.runner.stop(ADA, job.id, "stop")
    assert set(told) == set(staying)
