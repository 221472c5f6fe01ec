"""A job whose runner is gone is followed by its lock, and never runs twice at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import STARTUP_SECONDS, Attempt, RunnerContext
from mcp_jobs_server.backends.local.processes.settle import Requeued
from mcp_jobs_server.backends.local.store.queue import Claim
from mcp_jobs_server.backends.settle import Cancelled, Recorded
from mcp_jobs_server.core.models import job_folder
from research_contract.files import create_once, encode
from research_contract.records import ENDED, Ended
from tests.mcp_jobs_server.backends.local import data_directory as local

OLD = STARTUP_SECONDS + 1


@pytest.fixture
def context(tmp_path: Path) -> RunnerContext:
    paths = DataPaths(tmp_path)
    paths.make()
    return RunnerContext(paths, RunnerOptions(tmp_path, "p", local.STAND_IN))


@pytest.fixture
def claim() -> Claim:
    asked = local.request()
    return Claim(
        id=asked.job_id,
        folder=job_folder(local.OWNER, asked.job_id),
        request=asked.model_dump_json(),
        profile="p",
        attempt=1,
        charged=0,
        progress_before=0,
        requested=None,
    )


@pytest.fixture
def begun(context: RunnerContext, claim: Claim) -> Iterator[Attempt]:
    """Yield a begun attempt; afterwards its process is killed, which counts as a death."""
    attempt = Attempt(claim, context, adopted=False)
    attempt.begin(datetime.now(UTC))
    yield attempt
    assert os_processes.kill(lambda: os_processes.job_processes(claim.id), wait_seconds=10) == []
    assert attempt.look(claim, 0) == Requeued(charge=True)


def test_a_job_that_holds_its_lock_is_left_alone(
    context: RunnerContext, claim: Claim, begun: Attempt
) -> None:
    while not locks.is_held(context.paths.job_lock(claim.id)):
        assert begun.look(claim, 0) is None
    working = os_processes.job_processes(claim.id)
    assert Attempt(claim, context, adopted=True).look(claim, OLD) is None
    assert os_processes.job_processes(claim.id) == working != []


def test_a_job_that_is_starting_is_given_time_to_lock(
    context: RunnerContext, claim: Claim, begun: Attempt
) -> None:
    assert Attempt(claim, context, adopted=True).look(claim, 0) is None
    assert begun.look(claim, 0) is None


def test_no_job_is_settled_while_its_lock_is_held(context: RunnerContext, claim: Claim) -> None:
    attempt = Attempt(claim, context, adopted=True)
    with locks.try_lock(context.paths.job_lock(claim.id)):
        assert attempt.look(claim, OLD) is None
    assert attempt.look(claim, 0) == Requeued(charge=True)


def test_a_stop_is_settled_when_the_lock_is_free(context: RunnerContext, claim: Claim) -> None:
    stopped = replace(claim, requested="stop")
    attempt = Attempt(stopped, context, adopted=True)
    with locks.try_lock(context.paths.job_lock(claim.id)):
        assert attempt.look(stopped, OLD) is None
        assert attempt.look(stopped, OLD) is None
    assert attempt.look(stopped, 0) == Cancelled()


def test_an_end_recorded_in_the_folder_holds(context: RunnerContext, claim: Claim) -> None:
    ended = Ended(state="cancelled", ended_at=datetime.now(UTC))
    attempt = Attempt(claim, context, adopted=True)
    attempt.make_folder()
    create_once(attempt.folder / ENDED, encode(ended))
    assert attempt.look(claim, OLD) == Recorded(ended)
