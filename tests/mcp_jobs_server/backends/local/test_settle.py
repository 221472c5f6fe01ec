"""How a job ends follows from what is known of it, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.backends.local.processes.settle import (
    HELD_ELSEWHERE,
    MOST_ATTEMPTS,
    MOST_DEATHS,
    STOPPED,
    UNREADABLE,
    Cancelled,
    Cause,
    Completed,
    Facts,
    Failed,
    ReportDue,
    Resumed,
    settle,
)
from research_contract.records import Outcome

DONE = Outcome(outcome="answered", ended_at=datetime(2026, 11, 21, tzinfo=UTC))
DEAD = Facts(outcome=None, stopped=False, attempt=1, charged=0, progressed=False, exit_code=1)

facts = st.builds(
    Facts,
    outcome=st.sampled_from([None, DONE]),
    stopped=st.booleans(),
    attempt=st.integers(1, 30),
    charged=st.integers(0, 5),
    progressed=st.booleans(),
    exit_code=st.sampled_from([None, 0, 1, STOPPED, HELD_ELSEWHERE, UNREADABLE, -9]),
    cause=st.sampled_from([None, "deadline", "finish_now", "hung"]),
    report=st.sampled_from([None, "deadline", "finish_now", "died"]),
    reported=st.booleans(),
    report_given_up=st.booleans(),
    finish_asked=st.booleans(),
)


@given(facts)
def test_an_outcome_means_completed_whatever_else_is_known(known: Facts) -> None:
    assert settle(replace(known, outcome=DONE)) == Completed(DONE)


@given(facts)
def test_a_stop_without_an_outcome_means_cancelled(known: Facts) -> None:
    assert settle(replace(known, outcome=None, stopped=True)) == Cancelled()


@given(facts)
def test_nothing_goes_on_for_ever(known: Facts) -> None:
    """After the last attempt, and after the report was written, a job is not resumed."""
    assert not isinstance(settle(replace(known, attempt=MOST_ATTEMPTS)), Resumed)
    reported = replace(known, report="died", report_given_up=True)
    assert isinstance(settle(reported), Completed | Cancelled | Failed)


def test_a_death_without_progress_counts() -> None:
    assert settle(DEAD) == Resumed(charge=True)


def test_a_death_after_progress_does_not_count() -> None:
    assert settle(replace(DEAD, progressed=True)) == Resumed(charge=False)
    assert settle(replace(DEAD, progressed=True, charged=MOST_DEATHS - 1)) == Resumed(charge=False)


def test_a_job_that_hangs_is_charged_even_after_progress() -> None:
    assert settle(replace(DEAD, progressed=True, cause="hung")) == Resumed(charge=True)


def test_a_job_held_elsewhere_is_not_charged() -> None:
    assert settle(replace(DEAD, exit_code=HELD_ELSEWHERE)) == Resumed(charge=False)


def test_an_end_without_an_outcome_is_a_death_even_where_the_job_says_it_went_well() -> None:
    assert settle(replace(DEAD, exit_code=0)) == Resumed(charge=True)


def test_the_third_death_that_counts_is_the_last_and_its_report_is_due() -> None:
    assert settle(replace(DEAD, charged=1)) == Resumed(charge=True)
    assert settle(replace(DEAD, charged=2)) == ReportDue("died")
    failed = settle(replace(DEAD, charged=3, report="died", reported=True))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("died", True)


@pytest.mark.parametrize("cause", ["deadline", "finish_now"])
def test_a_job_that_was_not_in_time_gets_its_report_written(cause: Cause) -> None:
    assert settle(replace(DEAD, cause=cause, charged=2)) == ReportDue(
        "deadline" if cause == "deadline" else "finish_now"
    )


@given(facts)
def test_a_job_whose_report_is_wanted_is_not_resumed(known: Facts) -> None:
    assert not isinstance(settle(replace(known, finish_asked=True)), Resumed)


def test_a_report_that_is_wanted_is_written_whatever_became_of_the_job() -> None:
    causes: tuple[Cause | None, ...] = (None, "hung")
    for cause in causes:
        wanted = replace(DEAD, finish_asked=True, cause=cause, charged=2)
        assert settle(wanted) == ReportDue("finish_now")


def test_a_report_that_could_not_be_written_is_a_failure_that_says_so() -> None:
    assert settle(replace(DEAD, report="deadline")) == ReportDue("deadline")
    failed = settle(replace(DEAD, report="deadline", report_given_up=True))
    assert isinstance(failed, Failed)
    assert failed.error.code == "no_report"


def test_a_failure_does_not_promise_a_report_that_is_not_there() -> None:
    assert settle(replace(DEAD, charged=3, report="died")) == ReportDue("died")
    failed = settle(replace(DEAD, charged=3, report="died", report_given_up=True))
    assert isinstance(failed, Failed)
    assert failed.error.code == "no_report"


def test_an_unusable_request_fails_at_once() -> None:
    failed = settle(replace(DEAD, exit_code=UNREADABLE))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("unreadable_request", False)


@given(facts)
def test_every_failure_tells_what_to_do(known: Facts) -> None:
    verdict = settle(known)
    if isinstance(verdict, Failed):
        assert verdict.error.message.endswith(".")
        assert verdict.error.hint.endswith(".")
