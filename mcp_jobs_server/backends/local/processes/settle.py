"""How a job ends: decided in one place, from what stands in its folder and its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from research_contract.records import Failure, Outcome

MOST_DEATHS = 3
"""Deaths that count until the job fails: it is resumed twice."""

MOST_ATTEMPTS = 20
"""Starts of one job, whatever ended them, so that no job goes on for ever."""

MOST_REPORTS = 3
"""Times that the writing of a report is begun, should it die as well."""

STOPPED, HELD_ELSEWHERE, UNREADABLE, NO_ROOM = 3, 4, 5, 6
"""Exit codes of a job: it obeyed a stop, another process works on it, its request is unusable,
nothing can be written, not even its report."""

Cause = Literal["deadline", "finish_now", "hung"]
"""Why the runner killed the job: too many minutes, no report in time, or no heartbeat."""

ReportReason = Literal["deadline", "finish_now", "died"]


@dataclass(frozen=True)
class Facts:
    """All that is known of a job on which nothing works any more.

    ``report`` is set once its report was to be written from the folder alone, for that reason;
    ``reported``: it was. ``report_given_up``: it took too long or died too often.
    ``progressed``: it came further than any earlier attempt. ``finish_asked``: its report is
    wanted now, so that it is not resumed. ``rebooted``: the machine was restarted since the
    attempt began, which ended it.
    """

    outcome: Outcome | None
    stopped: bool
    attempt: int
    charged: int
    progressed: bool
    exit_code: int | None = None
    cause: Cause | None = None
    report: ReportReason | None = None
    reported: bool = False
    report_given_up: bool = False
    finish_asked: bool = False
    rebooted: bool = False


@dataclass(frozen=True)
class Completed:
    outcome: Outcome


@dataclass(frozen=True)
class Cancelled:
    pass


@dataclass(frozen=True)
class Failed:
    error: Failure


@dataclass(frozen=True)
class Resumed:
    """Back into the queue; ``charge``: this death counts."""

    charge: bool


@dataclass(frozen=True)
class ReportDue:
    """The report is to be written from the folder alone; then the job is settled again."""

    reason: ReportReason


Verdict = Completed | Cancelled | Failed | Resumed | ReportDue


def settle(facts: Facts) -> Verdict:
    """Say what becomes of a job on which nothing works. The same facts give the same answer.

    A valid outcome means completed, even after a stop; else a recorded stop means cancelled;
    else a report that is due or wanted is written; else attempts left mean queued again; else
    the report is written and the job has failed.
    """
    if facts.outcome is not None:
        return Completed(facts.outcome)
    if facts.stopped:
        return Cancelled()
    if facts.exit_code == UNREADABLE:
        return Failed(_UNREADABLE)
    if facts.exit_code == NO_ROOM:
        return Failed(_NO_ROOM)
    if facts.report is not None:
        return _after_report(facts, facts.report)
    if facts.cause == "deadline":
        return ReportDue("deadline")
    if facts.finish_asked or facts.cause == "finish_now":
        return ReportDue("finish_now")
    charge = _charged(facts)
    if facts.attempt >= MOST_ATTEMPTS or facts.charged + charge >= MOST_DEATHS:
        return ReportDue("died")
    return Resumed(charge=charge)


def _after_report(facts: Facts, reason: ReportReason) -> Failed | ReportDue:
    if reason == "died" and facts.reported:
        return Failed(_DIED)
    return Failed(_NO_REPORT) if facts.report_given_up else ReportDue(reason)


def said(verdict: Verdict) -> str:
    """Say for the log what becomes of the job."""
    match verdict:
        case Completed():
            return "it has completed"
        case Cancelled():
            return "it is cancelled"
        case Resumed(charge):
            return f"it goes on later; this death {'counts' if charge else 'does not count'}"
        case ReportDue(reason):
            return f"its report is written from the folder ({reason})"
        case Failed(error):
            return f"it has failed ({error.code})"


def _charged(facts: Facts) -> bool:
    if facts.exit_code == HELD_ELSEWHERE or facts.rebooted:
        return False
    return facts.cause == "hung" or not facts.progressed


_LOG = (
    "Why it ended stands in log/runner.log of the data directory where jobs run"
    " (`mcp-jobs-server doctor` names it)."
)
_DIED = Failure(
    code="died",
    message="The job's process ended several times before the research was done.",
    hint=f"What it found so far is in its report. {_LOG} Start the research again.",
    retryable=True,
)
_NO_REPORT = Failure(
    code="no_report",
    message="The job was ended and its report could not be written from what it had found.",
    hint=f"Its steps and evidence are in the job folder. {_LOG} Start the research again.",
    retryable=True,
)
_NO_ROOM = Failure(
    code="no_room",
    message="The disk that holds the job folders is full or cannot be written.",
    hint="Its steps and evidence are in the job folder. Free some space, then start it again.",
    retryable=True,
)
_UNREADABLE = Failure(
    code="unreadable_request",
    message="The job could not read its request, or the request is of a newer version.",
    hint="Upgrade mcp-jobs-server where jobs run, and start the research again.",
)
