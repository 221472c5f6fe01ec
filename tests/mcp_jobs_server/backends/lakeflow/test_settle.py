"""A job is settled from facts alone: every job ends once, and none waits for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.backends.lakeflow.settle import (
    Active,
    RunDue,
    RunFacts,
    failed_task,
    failure_of_run,
    settle_run,
)
from mcp_jobs_server.backends.settle import Cancelled, Completed, Failed, Recorded, RunAgain
from mcp_jobs_server.databricks.run_state import RunState
from research_contract.records import Ended, Failure, Outcome

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
OUTCOME = Outcome(outcome="answered", ended_at=NOW)
ENDED = Ended(state="failed", error=Failure(code="x", message="It failed."), ended_at=NOW)
RUNNING = RunFacts(
    now=NOW,
    created_at=NOW - timedelta(minutes=5),
    began=True,
    attempt=1,
    submitted_at=NOW - timedelta(minutes=5),
    run=RunState("running"),
)


def after(run: RunState, *, seconds: float = 61, **facts: object) -> RunFacts:
    """Return the facts of a job whose run ended in this state, ``seconds`` ago."""
    ended = replace(run, ended=True, ended_at=NOW - timedelta(seconds=seconds))
    return replace(RUNNING, run=ended, **facts)  # type: ignore[arg-type]  # fields by name


TASK = RunState("failed", cause="task", task_run_id=7)
PLATFORM = RunState("failed", cause="platform")
FULL = RunState("failed", cause="full")


@pytest.mark.parametrize(
    "facts",
    [
        RUNNING,
        after(TASK),
        after(RunState("cancelled"), stop_requested=True),
        replace(RUNNING, run=None),
        replace(RUNNING, submitted_at=None, run=None),
        replace(RUNNING, ended=ENDED),
    ],
)
def test_an_outcome_wins_over_all_other_facts(facts: RunFacts) -> None:
    assert settle_run(replace(facts, outcome=OUTCOME)) == Completed(OUTCOME)


def test_a_recorded_end_holds() -> None:
    assert settle_run(replace(RUNNING, ended=ENDED)) == Recorded(ENDED)


def test_the_outcome_of_an_ended_run_is_waited_for() -> None:
    assert settle_run(after(TASK, seconds=59)) == Active(RunState("running"))
    assert isinstance(settle_run(after(TASK, seconds=61)), Failed)
    success = RunState("completed")
    assert settle_run(after(success, seconds=59)) == Active(RunState("running"))
    assert settle_run(after(success)) == Failed(failure_of_run(success))


def test_a_job_whose_program_did_not_run_is_not_waited_for() -> None:
    never = after(RunState("failed", cause="setup"), seconds=1, began=False)
    assert isinstance(settle_run(never), Failed)


def test_a_stopped_job_is_cancelled_once_its_run_has_ended() -> None:
    assert settle_run(after(TASK, stop_requested=True)) == Cancelled()
    assert settle_run(after(TASK, stop_requested=True, seconds=9)) == Active(RunState("cancelling"))
    assert settle_run(after(TASK, stop_requested=True, stop_seen=True, seconds=9)) == Cancelled()


def test_a_cancel_by_a_user_and_by_the_platform_differ() -> None:
    assert settle_run(after(RunState("cancelled"))) == Cancelled()
    verdict = settle_run(after(RunState("failed", cause="stopped")))
    assert isinstance(verdict, Failed)
    assert verdict.error.code == "stopped"


def test_a_stopped_job_goes_on_until_its_run_has_ended() -> None:
    queued = replace(RUNNING, began=False, run=RunState("queued"), stop_requested=True)
    assert settle_run(queued) == Active(RunState("queued"))
    assert isinstance(settle_run(replace(queued, began=True)), Active)


@pytest.mark.parametrize("run", [PLATFORM, FULL])
def test_a_platform_failure_before_the_research_began_is_tried_once_more(run: RunState) -> None:
    assert settle_run(after(run, seconds=0, began=False)) == RunAgain()
    assert isinstance(settle_run(after(run, began=False, attempt=2)), Failed)
    assert isinstance(settle_run(after(run)), Failed)
    assert settle_run(after(run, began=False, stop_requested=True)) == Cancelled()


@pytest.mark.parametrize("cause", ["task", "setup", "timeout", "stopped", "skipped", ""])
def test_other_failures_are_not_tried_again(cause: str) -> None:
    run = RunState("failed", cause=cause)  # type: ignore[arg-type]  # from the list above
    assert isinstance(settle_run(after(run, began=False)), Failed)


def test_a_run_is_due_for_a_request_that_has_had_none_for_a_while() -> None:
    orphan = replace(RUNNING, run=None, submitted_at=None, began=False, attempt=0)
    assert settle_run(orphan) == RunDue()
    assert settle_run(replace(orphan, created_at=NOW - timedelta(seconds=29))) == Active(
        RunState("queued")
    )
    assert settle_run(replace(orphan, stop_requested=True)) == Cancelled()


def test_an_unknown_run_is_decided_by_the_folder() -> None:
    purged = replace(RUNNING, run=None)
    verdict = settle_run(purged)
    assert isinstance(verdict, Failed)
    assert "no longer knows the run" in verdict.error.message
    assert settle_run(replace(purged, stop_requested=True)) == Cancelled()
    fresh = replace(purged, submitted_at=NOW - timedelta(seconds=5))
    assert settle_run(fresh) == Active(RunState("running"))


def test_the_error_is_read_only_of_a_failed_task() -> None:
    assert isinstance(settle_run(after(TASK)), Failed)
    assert failed_task(TASK) == 7
    timeout = replace(TASK, cause="timeout")
    assert isinstance(settle_run(after(timeout)), Failed)
    assert failed_task(timeout) == 0


def test_the_failure_contains_the_error_of_the_task() -> None:
    said = failure_of_run(TASK, "ValueError: no evidence left after 3 searches")
    assert said.message.endswith("ValueError: no evidence left after 3 searches.")
    assert failure_of_run(TASK, "SystemExit: 5").code == "unreadable_request"
    assert failure_of_run(TASK, "SystemExit: 6").code == "no_room"


def test_no_failure_contains_private_data() -> None:
    run = replace(TASK, message="See https://dbc-1.cloud.databricks.com/?o=1#job/1 for ada@x.org")
    assert "databricks.com" not in failure_of_run(run).message
    assert "ada@x.org" not in failure_of_run(run).message


moments = st.timedeltas(timedelta(days=-1), timedelta(days=90))
runs = st.builds(
    RunState,
    st.sampled_from(["queued", "running", "cancelling", "completed", "failed", "cancelled"]),
    ended=st.booleans(),
    cause=st.sampled_from(["", "full", "skipped", "task", "setup", "platform", "timeout"]),
    ended_at=st.none() | moments.map(lambda ago: NOW - ago),
)


@given(
    st.builds(
        RunFacts,
        now=st.just(NOW),
        created_at=moments.map(lambda ago: NOW - ago),
        outcome=st.none() | st.just(OUTCOME),
        ended=st.none() | st.just(ENDED),
        stop_requested=st.booleans(),
        stop_seen=st.booleans(),
        began=st.booleans(),
        attempt=st.integers(0, 3),
        submitted_at=st.none() | moments.map(lambda ago: NOW - ago),
        run=st.none() | runs,
    )
)
def test_no_job_waits_for_ever(facts: RunFacts) -> None:
    """Much later, only a running run keeps a job unended. The same facts give the same verdict."""
    verdict = settle_run(facts)
    assert verdict == settle_run(facts)
    late = settle_run(replace(facts, now=NOW + timedelta(days=2), attempt=2))
    if isinstance(late, Active):
        assert facts.run is not None
        assert not facts.run.ended
    if isinstance(late, RunDue):
        assert facts.submitted_at is None
