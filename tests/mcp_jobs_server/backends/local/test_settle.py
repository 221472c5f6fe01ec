"""A local job is settled from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_jobs_server.backends.local.processes.settle import (
    EXIT_LOCKED,
    EXIT_STOPPED,
    MAX_ATTEMPTS,
    MAX_DEATHS,
    AttemptFacts,
    KillReason,
    ReportDue,
    Requeued,
    settle_attempt,
)
from mcp_jobs_server.backends.settle import (
    EXIT_UNREADABLE_REQUEST,
    Cancelled,
    Completed,
    Failed,
    Recorded,
)
from research_contract.records import Ended, Outcome

DONE = Outcome(outcome="answered", ended_at=datetime(2026, 11, 21, tzinfo=UTC))
FAILED = Ended(state="failed", ended_at=datetime(2026, 11, 21, tzinfo=UTC))
DEAD = AttemptFacts(
    outcome=None, stop_requested=False, attempt=1, charged=0, made_progress=False, exit_code=1
)

facts = st.builds(
    AttemptFacts,
    outcome=st.sampled_from([None, DONE]),
    ended=st.sampled_from([None, FAILED]),
    stop_requested=st.booleans(),
    attempt=st.integers(1, 30),
    charged=st.integers(0, 5),
    made_progress=st.booleans(),
    exit_code=st.sampled_from([None, 0, 1, EXIT_STOPPED, EXIT_LOCKED, EXIT_UNREADABLE_REQUEST, -9]),
    kill_reason=st.sampled_from([None, "deadline", "finish_now", "hung"]),
    report_begun=st.sampled_from([None, "deadline", "finish_now", "died"]),
    report_written=st.booleans(),
    report_given_up=st.booleans(),
    finish_requested=st.booleans(),
)


@given(facts)
def test_an_outcome_means_completed_whatever_else_is_known(known: AttemptFacts) -> None:
    assert settle_attempt(replace(known, outcome=DONE)) == Completed(DONE)


@given(facts)
def test_a_stop_without_an_outcome_means_cancelled(known: AttemptFacts) -> None:
    assert (
        settle_attempt(replace(known, outcome=None, ended=None, stop_requested=True)) == Cancelled()
    )


@given(facts)
def test_no_job_is_resumed_for_ever(known: AttemptFacts) -> None:
    """A job is not resumed after its last attempt or after its report was begun."""
    assert not isinstance(settle_attempt(replace(known, attempt=MAX_ATTEMPTS)), Requeued)
    reported = replace(known, report_begun="died", report_given_up=True)
    assert isinstance(settle_attempt(reported), Completed | Recorded | Cancelled | Failed)


def test_a_death_without_progress_is_charged() -> None:
    assert settle_attempt(DEAD) == Requeued(charge=True)


def test_a_death_after_progress_is_not_charged() -> None:
    assert settle_attempt(replace(DEAD, made_progress=True)) == Requeued(charge=False)
    assert settle_attempt(replace(DEAD, made_progress=True, charged=MAX_DEATHS - 1)) == Requeued(
        charge=False
    )


def test_a_job_that_hangs_is_charged_even_after_progress() -> None:
    assert settle_attempt(replace(DEAD, made_progress=True, kill_reason="hung")) == Requeued(
        charge=True
    )


def test_a_job_locked_by_another_process_is_not_charged() -> None:
    assert settle_attempt(replace(DEAD, exit_code=EXIT_LOCKED)) == Requeued(charge=False)


def test_an_end_without_an_outcome_is_a_death_even_with_exit_code_0() -> None:
    assert settle_attempt(replace(DEAD, exit_code=0)) == Requeued(charge=True)


def test_the_report_is_due_after_the_third_charged_death() -> None:
    assert settle_attempt(replace(DEAD, charged=1)) == Requeued(charge=True)
    assert settle_attempt(replace(DEAD, charged=2)) == ReportDue("died")
    failed = settle_attempt(replace(DEAD, charged=3, report_begun="died", report_written=True))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("died", True)


@pytest.mark.parametrize("cause", ["deadline", "finish_now"])
def test_the_report_is_due_for_a_job_that_was_too_slow(cause: KillReason) -> None:
    assert settle_attempt(replace(DEAD, kill_reason=cause, charged=2)) == ReportDue(
        "deadline" if cause == "deadline" else "finish_now"
    )


@given(facts)
def test_a_job_asked_to_finish_is_not_resumed(known: AttemptFacts) -> None:
    assert not isinstance(settle_attempt(replace(known, finish_requested=True)), Requeued)


def test_a_requested_report_is_due_however_the_job_ended() -> None:
    causes: tuple[KillReason | None, ...] = (None, "hung")
    for cause in causes:
        wanted = replace(DEAD, finish_requested=True, kill_reason=cause, charged=2)
        assert settle_attempt(wanted) == ReportDue("finish_now")


def test_a_report_that_cannot_be_written_is_named_in_the_failure() -> None:
    assert settle_attempt(replace(DEAD, report_begun="deadline")) == ReportDue("deadline")
    failed = settle_attempt(replace(DEAD, report_begun="deadline", report_given_up=True))
    assert isinstance(failed, Failed)
    assert failed.error.code == "no_report"


def test_a_failure_does_not_promise_a_missing_report() -> None:
    assert settle_attempt(replace(DEAD, charged=3, report_begun="died")) == ReportDue("died")
    failed = settle_attempt(replace(DEAD, charged=3, report_begun="died", report_given_up=True))
    assert isinstance(failed, Failed)
    assert failed.error.code == "no_report"


def test_an_unusable_request_fails_at_once() -> None:
    failed = settle_attempt(replace(DEAD, exit_code=EXIT_UNREADABLE_REQUEST))
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.error.retryable) == ("unreadable_request", False)


@given(facts)
def test_every_failure_has_a_hint(known: AttemptFacts) -> None:
    verdict = settle_attempt(known)
    if isinstance(verdict, Failed):
        assert verdict.error.message.endswith(".")
        assert verdict.error.hint.endswith(".")
