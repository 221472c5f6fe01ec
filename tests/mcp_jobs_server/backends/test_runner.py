"""Every runner keeps the contract of the port: starts, keys, ends and owners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mcp_jobs_server.core.errors import Conflict
from mcp_jobs_server.core.models import StartOptions
from research_contract.records import ENDED, OUTCOME, REQUEST, Request
from tests.mcp_jobs_server.backends.bench import ADA, ANY, EVE, Bench, look, start
from tests.mcp_jobs_server.backends.local import data_directory as local

pytestmark = pytest.mark.anyio

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


async def test_a_started_job_is_queued_with_its_request_in_its_folder(
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


async def test_a_failed_job_has_an_error(bench: Bench) -> None:
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
    job = await start(bench, options=StartOptions(key="k", fingerprint="f"))
    other = StartOptions(key="k", fingerprint="g")
    with pytest.raises(Conflict, match=f"key belongs to the job {job.id}"):
        await start(bench, options=other)
    with pytest.raises(Conflict, match=job.id):
        await bench.runner.earlier(local.request(), owner=ADA, options=other)
    assert (await bench.runner.start(local.request(), owner=EVE, options=other)).created


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


async def test_a_recent_unfinished_job_of_an_identical_request_is_returned(bench: Bench) -> None:
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


@pytest.mark.parametrize("key", ["", "k"])
async def test_a_new_job_names_the_last_one_of_the_same_request(bench: Bench, key: str) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)
    same = StartOptions(fingerprint="f", reuse_after=since)
    first = await bench.runner.start(local.request(), owner=ADA, options=same)
    assert (first.created, first.same) == (True, None)
    await bench.run(first.job)
    await bench.complete(first.job)
    again = StartOptions(key=key, fingerprint="f", reuse_after=since)
    second = await bench.runner.start(local.request(), owner=ADA, options=again)
    assert second.created
    assert second.same is not None
    assert (second.same.id, second.same.outcome) == (first.job.id, "answered")
    reused = await bench.runner.start(local.request(), owner=ADA, options=again)
    assert (reused.job.id, reused.same) == (second.job.id, None)
    for owner, options in (
        (EVE, same),
        (ADA, StartOptions(fingerprint="g", reuse_after=since)),
        (ADA, StartOptions(fingerprint="f")),
    ):
        other = await bench.runner.start(local.request(), owner=owner, options=options)
        assert (other.created, other.same) == (True, None)


async def test_a_job_that_was_asked_for_again_is_the_last_one_of_its_request(bench: Bench) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)
    same = StartOptions(fingerprint="f", reuse_after=since)
    jobs = []
    for options in (same, StartOptions(fingerprint="f"), StartOptions(key="k", fingerprint="f")):
        jobs.append(await start(bench, options=options))
        await bench.run(jobs[-1])
        await bench.complete(jobs[-1])
    assert len({job.id for job in jobs}) == 3
    later = await bench.runner.start(local.request(), owner=ADA, options=same)
    assert later.created
    assert later.same is not None
    assert later.same.id == jobs[-1].id
    assert await bench.runner.remove(ADA, jobs[-1].id)


async def test_a_removed_job_is_not_named_as_one_of_the_same_request(bench: Bench) -> None:
    since = datetime.now(UTC) - timedelta(minutes=10)
    same = StartOptions(fingerprint="f", reuse_after=since)
    job = await start(bench, options=same)
    await bench.run(job)
    await bench.complete(job)
    assert await bench.runner.remove(ADA, job.id)
    started = await bench.runner.start(local.request(), owner=ADA, options=same)
    assert started.same is None


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
