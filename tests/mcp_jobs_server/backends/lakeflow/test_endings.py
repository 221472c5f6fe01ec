"""Jobs on a workspace end once and correctly, whatever happens to their runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.operations.retention.sweep import sweep
from research_contract.files import encode
from research_contract.records import ENDED, FORMAT_VERSION, OUTCOME, RUN, STATUS, Outcome, Run
from tests.mcp_jobs_server.backends.lakeflow.backend import (
    OWNER,
    Scene,
    eventually,
    request,
    server,
    slow,
    started,
    until,
    until_ended,
)

pytestmark = pytest.mark.anyio


async def works(stage: Scene, runner: LakeflowRunner, question: str = "wait") -> Job:
    """Return a job whose program has begun."""
    job = await started(runner, question)

    def begun(job: Job) -> bool:
        return job.state == "running" and (stage.folder(job) / STATUS).exists()

    return await until(runner, job, begun)


async def test_a_job_runs_and_is_completed(stage: Scene, runner: LakeflowRunner) -> None:
    job = await until_ended(runner, await started(runner, "answer"))
    assert (job.state, job.outcome, job.attempt) == ("completed", "answered", 1)
    assert job.summary == "Forty-two."
    assert [entry.name.split(".")[1] for entry in _index(stage)] == ["ended", "made"]


async def test_the_error_of_the_task_is_shown(stage: Scene, runner: LakeflowRunner) -> None:
    job = await until_ended(runner, await started(runner, "die"))
    assert job.state == "failed"
    assert job.error is not None
    assert "no evidence left after 3 searches" in job.error.message
    assert "http" not in str(job.error)
    assert (stage.folder(job) / ENDED).exists()


async def test_a_successful_run_without_an_outcome_is_a_failed_job(
    runner: LakeflowRunner,
) -> None:
    job = await until_ended(runner, await started(runner, "silent"))
    assert job.error is not None
    assert job.error.code == "no_outcome"


async def test_an_outcome_that_becomes_visible_late_is_waited_for(stage: Scene) -> None:
    async with server(stage, times=slow(late=20)) as (runner, _):
        job = await works(stage, runner)
        stage.workspace.files.late_seconds = 2
        stage.let_go(job)
        seen = await until_ended(runner, job)
        assert seen.state == "completed"
        assert stage.runs_of(job.id)[0].state == "TERMINATED"


async def test_an_outcome_wins_even_after_the_job_was_recorded_as_failed(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job = await until_ended(runner, await started(runner, "silent"))
    assert job.state == "failed"
    late = Outcome(outcome="partial", ended_at=datetime.now(UTC))
    (stage.folder(job) / OUTCOME).write_bytes(encode(late))
    found = await until(runner, job, lambda job: job.state == "completed")
    assert found.outcome == "partial"
    counts = await runner.counts(OWNER)
    assert (counts["completed"], counts.get("failed", 0)) == (1, 0)


async def test_a_stop_before_the_program_begins_is_final(stage: Scene) -> None:
    stage.job.start_seconds = 1
    async with server(stage) as (runner, _):
        job = await started(runner)
        stopped = await runner.stop(OWNER, job.id, "stop")
        assert stopped is not None
        assert (stopped.state, stopped.attempt) == ("cancelled", 0)
        await eventually(lambda: not stage.runs_of(job.id)[0].active)
        assert not (stage.folder(job) / STATUS).exists()
        assert await runner.job(OWNER, job.id) == stopped


@pytest.mark.parametrize("queued", [True, False])
async def test_a_stop_that_the_workspace_did_not_take_is_repeated_by_any_server(
    stage: Scene, *, queued: bool
) -> None:
    stage.job.max_concurrent_runs = 1
    async with server(stage) as (runner, _):
        first = await works(stage, runner, "stubborn")
        job = await started(runner, "stubborn") if queued else first
        fault = stage.workspace.fail("POST", "runs/cancel", "503", times=10_000)
        stopped = await runner.stop(OWNER, job.id, "stop")
        assert stopped is not None
        assert stopped.state == "cancelling"
    async with server(stage) as (runner, _):
        for _ in range(3):
            found = await runner.job(OWNER, job.id)
            assert found is not None
            assert found.state == "cancelling"
            [listed] = [one for one in await runner.active(OWNER, limit=9) if one.id == job.id]
            assert listed.state == "cancelling"
        fault.times = 0
        ended = await until_ended(runner, job)
        assert ended.state == "cancelled"
        assert not stage.runs_of(job.id)[0].active
        if queued:
            await runner.stop(OWNER, first.id, "stop")


async def test_an_outcome_wins_over_a_stop(stage: Scene, runner: LakeflowRunner) -> None:
    stage.job.cancel_seconds = 1
    job = await works(stage, runner, "stubborn")
    await runner.stop(OWNER, job.id, "stop")
    stage.let_go(job)
    ended = await until_ended(runner, job)
    assert (ended.state, ended.outcome, ended.requested) == ("completed", "answered", "stop")


async def test_a_cancel_by_the_platform_is_not_a_requested_stop(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job = await works(stage, runner, "stubborn")
    stage.workspace.stop_as_platform(stage.runs_of(job.id)[0])
    ended = await until_ended(runner, job)
    assert ended.state == "failed"
    assert ended.error is not None
    assert ended.error.code == "stopped"


async def test_a_timeout_is_named_in_the_error(stage: Scene, runner: LakeflowRunner) -> None:
    stage.job.timeout_seconds = 1
    ended = await until_ended(runner, await started(runner, "stubborn"))
    assert ended.error is not None
    assert ended.error.code == "timeout"


@pytest.mark.parametrize("accident", ["internal error", "skipped"])
async def test_a_failure_of_the_platform_is_started_once_more(
    stage: Scene, runner: LakeflowRunner, accident: str
) -> None:
    stage.job.accidents.append(accident)
    job = await until_ended(runner, await started(runner, "answer"))
    assert job.state == "completed"
    first, second = stage.runs_of(job.id)
    run = Run.model_validate_json((stage.folder(job) / RUN).read_bytes())
    assert (run.run_id, run.attempt) == (str(second.run_id), 2)
    assert first.run_id != second.run_id


@pytest.mark.parametrize(
    ("accident", "code"), [("internal error", "platform"), ("skipped", "workspace_full")]
)
async def test_the_second_failure_of_the_platform_fails_the_job(
    stage: Scene, runner: LakeflowRunner, accident: str, code: str
) -> None:
    stage.job.accidents += [accident, accident]
    job = await until_ended(runner, await started(runner, "answer"))
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == (code, True)
    assert len(stage.runs_of(job.id)) == 2


async def test_a_refused_second_run_fails_the_job(stage: Scene, runner: LakeflowRunner) -> None:
    stage.job.accidents.append("internal error")
    job = await started(runner, "answer")
    await eventually(lambda: not stage.runs_of(job.id)[0].active)
    stage.workspace.fail("POST", "run-now", "503", times=99)
    found = await runner.job(OWNER, job.id)
    assert found is not None
    assert found.state == "queued"
    stage.workspace.faults.clear()
    stage.workspace.jobs.runs.jobs.clear()  # the deployed job is taken away
    assert await runner.active(OWNER, limit=9) == []
    ended = await until_ended(runner, job)
    assert ended.error is not None
    assert (ended.state, ended.error.code) == ("failed", "platform")


async def test_an_outcome_with_extreme_times_and_amounts_is_listed(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job = await works(stage, runner)
    told = {"outcome": "answered", "ended_at": "0001-01-01T00:00:00+14:00", "attempts": 1}
    spent = '"spent": {"active_seconds": NaN, "cost_usd": 1e300}'
    text = f"{json.dumps(told)[:-1]}, {spent}}}\n"
    (stage.folder(job) / OUTCOME).write_text(text)
    stage.workspace.stop_as_platform(stage.runs_of(job.id)[0])
    assert (await until_ended(runner, job)).state == "completed"
    [index] = (stage.volume / OWNER.folder / "index").iterdir()
    (index / f"{job.id}.fetched.{10**14}").touch()
    assert [one.id for one in await runner.ended(OWNER, limit=9)] == [job.id]
    assert (await runner.counts(OWNER))["completed"] == 1
    assert (await runner.usage(OWNER, datetime.now(UTC) - timedelta(days=1))).active == 0


async def test_a_job_removed_by_another_server_is_not_shown_or_started_again(stage: Scene) -> None:
    async with server(stage) as (one, _), server(stage, times=slow(orphan=0)) as (other, _):
        job = await works(stage, one)
        assert await other.job(OWNER, job.id)
        stage.let_go(job)
        await until_ended(one, job)
        now = datetime.now(UTC)
        assert sweep(stage.volume, days=None, owner=OWNER.folder, now=now, apply=True).expired
        assert await other.job(OWNER, job.id) is None
        assert await other.match(OWNER, "") == []
        assert [path for path in stage.volume.rglob("*") if path.is_file()] == []
        assert len(stage.workspace.runs()) == 1


async def test_two_servers_submit_the_same_second_run(stage: Scene) -> None:
    stage.job.accidents.append("internal error")
    async with server(stage) as (one, _), server(stage) as (other, _):
        job = await started(one, "answer")
        await eventually(lambda: not stage.runs_of(job.id)[0].active)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one.job, OWNER, job.id)
                tasks.start_soon(other.job, OWNER, job.id)
        await until_ended(other, job)
    assert len(stage.runs_of(job.id)) == 2


async def test_a_setup_failure_is_reported_for_the_operator(
    stage: Scene, runner: LakeflowRunner
) -> None:
    stage.job.accidents.append("library error")
    job = await until_ended(runner, await started(runner, "answer"))
    assert job.error is not None
    assert (job.error.code, job.error.retryable) == ("setup", False)
    assert len(stage.runs_of(job.id)) == 1


async def test_a_retry_by_the_platform_is_the_same_run(stage: Scene) -> None:
    stage.job.max_retries = 1
    async with server(stage) as (runner, _):
        job = await until_ended(runner, await started(runner, "die"))
        assert job.state == "failed"
        assert len(stage.runs_of(job.id)[0].attempts) == 2


async def test_a_job_whose_run_was_purged_answers_from_its_folder(
    stage: Scene, runner: LakeflowRunner
) -> None:
    done = await until_ended(runner, await started(runner, "answer"))
    lost = await started(runner, "silent")
    await eventually(lambda: not stage.runs_of(lost.id)[0].active)
    for job in (done, lost):
        stage.workspace.purge(stage.runs_of(job.id)[0])
    for entry in _index(stage):
        if ".ended." in entry.name:
            entry.unlink()
    async with server(stage) as (fresh, _):
        assert (await fresh.job(OWNER, done.id)) == done
        ended = await until_ended(fresh, lost)
        assert ended.error is not None
        assert ended.error.code == "forgotten"


async def test_unknown_run_states_do_not_end_a_job(stage: Scene, runner: LakeflowRunner) -> None:
    job = await works(stage, runner)
    stage.workspace.fail("GET", "jobs/runs", "unknown words", times=1000)
    for _ in range(3):
        found = await runner.job(OWNER, job.id)
        assert found is not None
        assert found.state == "running"
        assert [job.id for job in await runner.active(OWNER, limit=9)] == [job.id]
    stage.let_go(job)
    assert (await until_ended(runner, job)).state == "completed"


async def test_a_list_settles_jobs_that_were_not_read_before(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job = await started(runner, "answer")
    await eventually(lambda: not stage.runs_of(job.id)[0].active)
    assert [entry.name for entry in _index(stage) if ".ended." in entry.name] == []
    async with server(stage) as (fresh, _):
        assert list(await fresh.active(OWNER, limit=9)) == []
        assert [job.id for job in await fresh.ended(OWNER, limit=9)] == [job.id]


async def test_a_job_of_an_older_format_is_read_and_listed(
    stage: Scene, runner: LakeflowRunner
) -> None:
    """Folders without later additions: empty index entries, no ids in the status."""
    old = request("answer")
    done = Job(owner=OWNER, request=old, state="queued")
    folder = stage.volume / done.folder
    folder.mkdir(parents=True)
    (folder / "request.json").write_bytes(encode(old))
    outcome = Outcome(outcome="answered", answer="Old.", ended_at=datetime.now(UTC))
    (folder / OUTCOME).write_bytes(encode(outcome))
    run = Run(runner="lakeflow", run_id="1", attempt=1, started_at=old.created_at)
    (folder / RUN).write_bytes(encode(run))
    index = stage.volume / OWNER.folder / "index" / f"{datetime.now(UTC):%Y-%m}"
    index.mkdir(parents=True, exist_ok=True)
    at = int(outcome.ended_at.timestamp() * 1000)
    for name in (f"made.{at - 5000}", f"ended.{at}.completed.answered.00000000.1000.0"):
        (index / f"{old.job_id}.{name}").touch()
    new = await until_ended(runner, await started(runner, "answer"))
    listed = {job.id: job.summary for job in await runner.ended(OWNER, limit=9)}
    assert listed == {old.job_id: "Old.", new.id: "Forty-two."}
    found = await runner.job(OWNER, old.job_id)
    assert found is not None
    assert found.state == "completed"


async def test_a_request_of_a_newer_format_is_left_alone(
    stage: Scene, runner: LakeflowRunner
) -> None:
    job = await until_ended(runner, await started(runner, "answer"))
    newer = request("answer")
    folder = stage.volume / Job(owner=OWNER, request=newer, state="queued").folder
    folder.mkdir(parents=True)
    text = (
        encode(newer).decode().replace(f'"format_version":{FORMAT_VERSION}', '"format_version":9')
    )
    (folder / "request.json").write_text(text)
    index = stage.volume / OWNER.folder / "index" / f"{datetime.now(UTC):%Y-%m}"
    (index / f"{newer.job_id}.made.{int(newer.created_at.timestamp() * 1000)}").touch()
    listed = [found.id for found in await runner.ended(OWNER, limit=9)]
    assert listed == [job.id]
    assert list(await runner.active(OWNER, limit=9)) == []
    assert (folder / "request.json").read_text() == text


async def test_an_index_entry_without_a_request_is_not_a_job(
    stage: Scene, runner: LakeflowRunner
) -> None:
    dead = request("answer")
    index = stage.volume / OWNER.folder / "index" / f"{datetime.now(UTC):%Y-%m}"
    index.mkdir(parents=True)
    at = int((dead.created_at - timedelta(minutes=2)).timestamp() * 1000)
    (index / f"{dead.job_id}.made.{at}").touch()
    assert list(await runner.active(OWNER, limit=9)) == []
    assert await runner.job(OWNER, dead.job_id) is None
    assert not sum((await runner.counts(OWNER)).values())


async def test_a_finish_requested_by_another_server_is_seen(stage: Scene) -> None:
    async with server(stage) as (one, _), server(stage) as (other, _):
        job = await works(stage, one, "stubborn")
        await one.stop(OWNER, job.id, "finish_now")
        seen = await other.job(OWNER, job.id)
        assert seen is not None
        assert seen.requested == "finish_now"


def _index(stage: Scene) -> list[Path]:
    return sorted((stage.volume / OWNER.folder / "index").rglob("*.*"))
