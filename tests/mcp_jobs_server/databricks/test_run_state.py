"""The job state for each recorded run; unknown words never end a job."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.databricks.run_state import (
    COMPUTE_STARTS,
    WAITS_FOR_RETRY,
    WAITS_FOR_SLOT,
    job_parameters,
    run_state,
)
from tests.mcp_jobs_server.databricks.recorded_bodies import run


def ended(code: str, **state: str) -> dict[str, Any]:
    """Return a run that ended with this code, without other known fields."""
    details = {"code": code, "type": "CLIENT_ERROR", "message": "why"}
    return {"status": {"state": "TERMINATED", "termination_details": details}, "state": state}


@pytest.mark.parametrize(
    ("name", "place", "ended", "note"),
    [
        ("queued", "queued", False, WAITS_FOR_SLOT),
        ("pending", "queued", False, COMPUTE_STARTS),
        ("pending_one_time_run", "queued", False, COMPUTE_STARTS),
        ("running", "running", False, ""),
        ("running_task_pending", "running", False, COMPUTE_STARTS),
        ("waiting_for_retry", "running", False, ""),
        ("terminating_after_cancel", "cancelling", False, ""),
        ("success", "completed", True, ""),
        ("user_canceled", "cancelled", True, ""),
        ("timedout", "failed", True, ""),
        ("failed_run_execution_error", "failed", True, ""),
        ("internal_error", "failed", True, ""),
        ("skipped_max_concurrent", "failed", True, ""),
        ("multitask_one_failed", "failed", True, ""),
    ],
)
def test_each_recorded_run_has_its_phase(name: str, place: str, *, ended: bool, note: str) -> None:
    found = run_state(run(name))
    assert (found.phase, found.ended, found.note) == (place, ended, note)


@pytest.mark.parametrize(
    ("name", "cause", "again", "never"),
    [
        ("failed_run_execution_error", "task", False, False),
        ("internal_error", "platform", True, False),
        ("skipped_max_concurrent", "full", True, True),
        ("timedout", "timeout", False, False),
    ],
)
def test_each_failed_run_has_its_cause(name: str, cause: str, *, again: bool, never: bool) -> None:
    found = run_state(run(name))
    assert (found.cause, found.may_be_started_again, found.never_began) == (cause, again, never)


def test_an_internal_error_of_a_run_is_attributed_to_its_task() -> None:
    found = run_state(run("failed_run_execution_error"))
    assert run("failed_run_execution_error")["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert found.cause == "task"
    assert found.task_run_id == run("failed_run_execution_error")["tasks"][-1]["run_id"]


def test_the_task_run_id_is_that_of_the_last_attempt() -> None:
    repaired = run("repaired")
    attempts = [task["attempt_number"] for task in repaired["tasks"]]
    assert len(attempts) > 1
    assert run_state(repaired).task_run_id == repaired["tasks"][-1]["run_id"]


@pytest.mark.parametrize(
    ("code", "state", "asked", "place", "cause"),
    [
        ("SUCCESS_WITH_FAILURES", {}, False, "completed", ""),
        ("CANCELED", {}, False, "failed", "stopped"),
        ("CANCELED", {}, True, "cancelled", ""),
        ("CANCELED", {"result_state": "TIMEDOUT"}, False, "failed", "timeout"),
        ("CANCELED", {"result_state": "TIMEDOUT"}, True, "failed", "timeout"),
        ("USER_CANCELED", {}, False, "cancelled", ""),
        ("LIBRARY_INSTALLATION_ERROR", {}, False, "failed", "setup"),
        ("MAX_JOB_QUEUE_SIZE_EXCEEDED", {}, False, "failed", "full"),
        ("DISABLED", {}, False, "failed", "skipped"),
        ("CLUSTER_TERMINATED_BY_USER", {}, False, "failed", "platform"),
        ("SOMETHING_NEW", {}, False, "failed", ""),
    ],
)
def test_each_termination_code_has_its_phase_and_cause(
    code: str, state: dict[str, str], *, asked: bool, place: str, cause: str
) -> None:
    found = run_state(ended(code, **state), stop_requested=asked)
    assert (found.ended, found.phase, found.cause) == (True, place, cause)


def test_an_unknown_code_with_type_success_counts_as_completed() -> None:
    run = ended("SOMETHING_NEW")
    run["status"]["termination_details"]["type"] = "SUCCESS"
    assert run_state(run).phase == "completed"


@pytest.mark.parametrize("name", ["running", "queued", "pending", "waiting_for_retry"])
def test_an_unknown_state_keeps_a_run_active(name: str) -> None:
    told = copy.deepcopy(run(name))
    told["status"]["state"] = "HIBERNATING"
    assert not run_state(told).ended
    told["state"]["life_cycle_state"] = "HIBERNATING"
    assert not run_state(told).ended
    del told["status"], told["state"]
    assert not run_state(told).ended


def test_with_an_unknown_status_the_older_state_is_used() -> None:
    told = copy.deepcopy(run("success"))
    told["status"] = {"state": "HIBERNATING"}
    assert (run_state(told).ended, run_state(told).phase) == (True, "completed")


@pytest.mark.parametrize(
    ("life", "result", "place", "ends"),
    [
        ("QUEUED", None, "queued", False),
        ("PENDING", None, "queued", False),
        ("BLOCKED", None, "queued", False),
        ("RUNNING", None, "running", False),
        ("WAITING_FOR_RETRY", None, "running", False),
        ("TERMINATING", "CANCELED", "cancelling", False),
        ("TERMINATING", "SUCCESS", "running", False),
        ("TERMINATED", "SUCCESS", "completed", True),
        ("TERMINATED", "SUCCESS_WITH_FAILURES", "completed", True),
        ("TERMINATED", "CANCELED", "cancelled", True),
        ("TERMINATED", "UPSTREAM_CANCELED", "cancelled", True),
        ("TERMINATED", "FAILED", "failed", True),
        ("TERMINATED", "TIMEDOUT", "failed", True),
        ("TERMINATED", "MAXIMUM_CONCURRENT_RUNS_REACHED", "failed", True),
        ("TERMINATED", "EXCLUDED", "failed", True),
        ("SKIPPED", None, "failed", True),
        ("INTERNAL_ERROR", "FAILED", "failed", True),
        ("INTERNAL_ERROR", "CANCELED", "cancelled", True),
        ("INTERNAL_ERROR", None, "failed", True),
    ],
)
def test_without_a_status_the_older_state_is_used(
    life: str, result: str | None, place: str, *, ends: bool
) -> None:
    found = run_state({"state": {"life_cycle_state": life, "result_state": result}})
    assert (found.phase, found.ended) == (place, ends)


def test_a_requested_stop_is_shown_as_cancelling() -> None:
    assert run_state(run("running"), stop_requested=True).phase == "cancelling"
    assert run_state(run("queued"), stop_requested=True).phase == "queued"


def test_a_waiting_run_has_a_note() -> None:
    assert run_state({"status": {"state": "WAITING"}}).note == WAITS_FOR_RETRY
    assert run_state({"status": {"state": "BLOCKED"}}).phase == "queued"


def test_times_are_those_of_the_task_and_the_end_of_the_run() -> None:
    found = run_state(run("success"))
    assert found.created_at is not None
    assert found.started_at is not None
    assert found.ended_at is not None
    assert found.created_at <= found.started_at <= found.ended_at
    assert run_state(run("queued")).started_at is None


def test_job_parameters_name_the_folder() -> None:
    told = job_parameters(run("running"))
    assert set(told) == {"job_folder", "job_id"}
    assert told["job_folder"].startswith("/Volumes/")
    assert job_parameters({}) == {}


words = st.sampled_from(["RUNNING", "TERMINATED", "QUEUED", "NEW", ""]) | st.text(max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["status", "state", "tasks", "start_time", "end_time", "job_parameters"])


@given(st.dictionaries(keys, anything, max_size=6))
def test_any_json_object_can_be_parsed(told: dict[str, Any]) -> None:
    run_state(told)
    job_parameters(told)
