"""Every runner keeps the contract of the port: finding and listing jobs, in order, by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import StartOptions
from tests.mcp_jobs_server.backends.bench import ADA, EVE, Bench, done, look, start
from tests.mcp_jobs_server.backends.local import data_directory as local

pytestmark = pytest.mark.anyio


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


async def test_the_queue_position_counts_the_jobs_of_all_owners(bench: Bench) -> None:
    running = await start(bench)
    await bench.run(running)
    first = await start(bench, owner=EVE)
    second = await start(bench)
    assert (await look(bench, first)).queue_position == 1
    assert (await look(bench, second)).queue_position == 2
    await bench.runner.stop(EVE, first.id, "stop")
    assert (await look(bench, second)).queue_position == 1


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


async def test_jobs_not_fetched_yet_come_first(bench: Bench) -> None:
    began = datetime.now(UTC)
    first, second = [await done(bench) for _ in range(2)]
    seen = datetime.now(UTC).replace(microsecond=0)
    await bench.runner.fetched(ADA, second.id, seen)
    await bench.runner.fetched(ADA, second.id, seen + timedelta(days=1))
    assert (await look(bench, second)).fetched_at == seen
    found = await bench.runner.unfetched(ADA, since=began, limit=5)
    assert [job.id for job in found] == [first.id, second.id]
    assert [job.id for job in await bench.runner.unfetched(ADA, since=began, limit=1)] == [first.id]
    assert first.ended_at is not None
    later = await bench.runner.unfetched(ADA, since=first.ended_at, limit=5)
    assert [job.id for job in later] == [second.id]


async def test_typical_seconds_are_those_of_similar_jobs_of_this_owner(bench: Bench) -> None:
    assert await bench.runner.typical_seconds(ADA, local.request()) is None
    await done(bench)
    typical = await bench.runner.typical_seconds(ADA, local.request())
    assert typical is not None
    assert typical > 0
    assert await bench.runner.typical_seconds(EVE, local.request()) is None
    assert await bench.runner.typical_seconds(ADA, local.request(depth="deep")) is None
    assert await bench.runner.typical_seconds(ADA, local.request(sources=("a",))) is None


async def test_usage_counts_active_jobs_starts_and_cost(bench: Bench) -> None:
    began = datetime.now(UTC)
    ended = await done(bench)
    running = await start(bench)
    await bench.run(running)
    waiting = await start(bench)
    await start(bench, owner=EVE)
    used = await bench.runner.usage(ADA, began - timedelta(seconds=1))
    assert (used.active, used.starts, used.first) == (2, 3, ended.request.created_at)
    later = await bench.runner.usage(ADA, waiting.request.created_at + timedelta(seconds=1))
    assert (later.active, later.starts, later.first) == (2, 0, None)
    assert await bench.runner.waiting() == 2


async def test_earlier_finds_a_job_without_starting_one(bench: Bench) -> None:
    options = StartOptions(key="k", fingerprint="f")
    assert await bench.runner.earlier(local.request(), owner=ADA, options=options) is None
    job = await start(bench, options=options)
    found = await bench.runner.earlier(local.request(), owner=ADA, options=options)
    assert found is not None
    assert found.id == job.id
    assert await bench.runner.earlier(local.request(), owner=EVE, options=options) is None
    with pytest.raises(Conflict):
        other = StartOptions(key="k", fingerprint="g")
        await bench.runner.earlier(local.request(), owner=ADA, options=other)
    assert len(await bench.runner.active(ADA, limit=9)) == 1
