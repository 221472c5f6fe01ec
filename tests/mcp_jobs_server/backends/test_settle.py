"""Jobs of every backend end by one rule, from whichever facts the backend derives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from mcp_jobs_server.backends.lakeflow.settle import RunDue, RunFacts, settle_run
from mcp_jobs_server.backends.local.processes.settle import (
    EXIT_LOCKED,
    MAX_ATTEMPTS,
    MAX_DEATHS,
    AttemptFacts,
    Requeued,
    settle_attempt,
)
from mcp_jobs_server.backends.settle import (
    EXIT_NO_ROOM,
    EXIT_UNREADABLE_REQUEST,
    Cancelled,
    Completed,
    Failed,
    Recorded,
    RunAgain,
)
from mcp_jobs_server.databricks.run_state import Cause, RunPhase, RunState
from research_contract.records import Ended, Failure, Outcome

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
OUTCOME = Outcome(outcome="answered", ended_at=NOW)
ENDED = Ended(state="failed", error=Failure(code="x", message="It failed."), ended_at=NOW)

RULE: tuple[tuple[str, str, str, str, object], ...] = (
    # outcome, recorded end, stop requested, may run again: verdict
    ("yes", "any", "any", "any", Completed(OUTCOME)),
    ("no", "yes", "any", "any", Recorded(ENDED)),
    ("no", "no", "yes", "any", Cancelled()),
    ("no", "no", "no", "yes", RunAgain()),
    ("no", "no", "no", "no", Failed),
)
"""Failures are compared by type only: each backend has reasons of its own."""


def ended_run(cause: Cause, phase: RunPhase = "failed") -> RunState:
    return RunState(phase, ended=True, cause=cause, ended_at=LONG_AGO)


DIED: Mapping[str, Any] = {"attempt": 2, "charged": 1, "made_progress": False, "exit_code": 1}
RAN: Mapping[str, Any] = {"submitted_at": LONG_AGO, "attempt": 1, "began": False}
SITUATIONS: Mapping[str, Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    # backend: {may run again: facts of that backend from which this follows}
    "local": {
        "yes": (
            DIED,
            {**DIED, "charged": MAX_DEATHS - 1, "made_progress": True},
            {**DIED, "charged": MAX_DEATHS - 1, "rebooted": True},
            {**DIED, "charged": MAX_DEATHS - 1, "exit_code": EXIT_LOCKED},
            {**DIED, "kill_reason": "hung"},
        ),
        "no": (
            {**DIED, "exit_code": EXIT_UNREADABLE_REQUEST},
            {**DIED, "exit_code": EXIT_NO_ROOM},
            {**DIED, "charged": MAX_DEATHS, "report_begun": "died", "report_written": True},
            {**DIED, "attempt": MAX_ATTEMPTS, "report_begun": "died", "report_given_up": True},
            {**DIED, "kill_reason": "deadline", "report_given_up": True},
            {**DIED, "finish_requested": True, "report_given_up": True},
        ),
    },
    "lakeflow": {
        "yes": (
            {},
            {**RAN, "run": ended_run("platform")},
            {**RAN, "run": ended_run("full")},
        ),
        "no": (
            {**RAN, "run": None},
            {**RAN, "run": ended_run("task"), "began": True},
            {**RAN, "run": ended_run("", "completed"), "began": True},
            {**RAN, "run": ended_run("setup")},
            {**RAN, "run": ended_run("platform"), "began": True},
            {**RAN, "run": ended_run("platform"), "attempt": 2},
        ),
    },
}


def verdict_of(backend: str, facts: Mapping[str, Any]) -> object:
    """Return the verdict of a backend, with the common verdict for running again."""
    if backend == "local":
        attempt = settle_attempt(AttemptFacts(**facts))
        return RunAgain() if isinstance(attempt, Requeued) else attempt
    run = settle_run(RunFacts(now=NOW, created_at=LONG_AGO, **facts))
    return RunAgain() if isinstance(run, RunDue) else run


def cases() -> Iterator[tuple[str, Mapping[str, Any], object]]:
    """Yield each row of the rule with each meaning of "any", for each situation of a backend."""
    for *row, verdict in RULE:
        meanings = [("yes", "no") if word == "any" else (word,) for word in row]
        for outcome, ended, stop, again in product(*meanings):
            known = {
                "outcome": OUTCOME if outcome == "yes" else None,
                "ended": ENDED if ended == "yes" else None,
                "stop_requested": stop == "yes",
            }
            for backend, situations in SITUATIONS.items():
                for situation in situations[again]:
                    yield backend, {**known, **situation}, verdict


@pytest.mark.parametrize(("backend", "facts", "verdict"), list(cases()))
def test_every_backend_ends_a_job_by_the_same_rule(
    backend: str, facts: Mapping[str, Any], verdict: object
) -> None:
    reached = verdict_of(backend, facts)
    assert reached == verdict or (verdict is Failed and isinstance(reached, Failed))
