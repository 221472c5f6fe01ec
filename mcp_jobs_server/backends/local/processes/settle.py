"""Derives from an attempt of a local job how the job ends; ``backends/settle.py`` has the rule.

Only local jobs have these: a report that is written from the folder alone, before the job fails;
and deaths, of which only some are charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_jobs_server.backends.settle import (
    EVIDENCE_IN_FOLDER,
    START_AGAIN,
    Cancelled,
    Completed,
    Facts,
    Failed,
    Recorded,
    RunAgain,
    failure_of_exit,
    settle,
)
from research_contract.records import Ended, Failure, Outcome

MAX_DEATHS = 3
"""Charged deaths after which a job fails: it is resumed twice."""

MAX_ATTEMPTS = 20
"""Starts of one job, whatever ended them, so that no job runs for ever."""

MAX_REPORTS = 3
"""How often the report is begun, in case its writer dies as well."""

EXIT_STOPPED, EXIT_LOCKED = 3, 4
"""More exit codes of a job: it obeyed a stop; another process holds its lock."""

KillReason = Literal["deadline", "finish_now", "hung"]
"""Why the runner killed the job: over its minutes, no report in time, or no heartbeat."""

ReportReason = Literal["deadline", "finish_now", "died"]


@dataclass(frozen=True)
class AttemptFacts:
    """What is known of a job on which no process works any more.

    Attributes:
        outcome, ended, stop_requested: as in ``Facts``.
        attempt: starts of the job so far.
        charged: deaths charged so far.
        made_progress: this attempt came further than every earlier one.
        exit_code: ``None`` if the process was not a child of this runner or never started.
        kill_reason: why the runner killed the job; ``None``: it did not.
        report_begun: why the report was begun from the folder alone; ``None``: it was not.
        report_written: that report is there.
        report_given_up: writing that report took too long or died too often.
        finish_requested: the user wants the report now, so the job is not resumed.
        rebooted: the machine was restarted since the attempt began, which ended it.
    """

    outcome: Outcome | None
    stop_requested: bool
    attempt: int
    charged: int
    made_progress: bool
    ended: Ended | None = None
    exit_code: int | None = None
    kill_reason: KillReason | None = None
    report_begun: ReportReason | None = None
    report_written: bool = False
    report_given_up: bool = False
    finish_requested: bool = False
    rebooted: bool = False

    @property
    def report_reason(self) -> ReportReason | None:
        """Why the report is due at once; ``None``: the job may be resumed instead."""
        if self.report_begun is not None:
            return self.report_begun
        if self.kill_reason == "deadline":
            return "deadline"
        return "finish_now" if self.finish_requested or self.kill_reason == "finish_now" else None


@dataclass(frozen=True)
class Requeued:
    """The job is queued again; ``charge``: this death counts against it."""

    charge: bool


@dataclass(frozen=True)
class ReportDue:
    """The report has to be written from the folder alone; then the job is settled again."""

    reason: ReportReason


Verdict = Completed | Recorded | Cancelled | Failed | Requeued | ReportDue


def settle_attempt(attempt: AttemptFacts) -> Verdict:
    """Return how a job ends on which no process works, or how it goes on.

    Before a job fails, its report is written from the folder, unless the program cannot use its
    request or has no room to write.
    """
    fatal = failure_of_exit(
        attempt.exit_code,
        storage="disk",
        upgrade="Run 'mcp-jobs-server doctor', which says what is wrong with the configuration;"
        f" else upgrade mcp-jobs-server where jobs run. {START_AGAIN}",
        make_room=f"Free some space. {START_AGAIN}",
    )
    died_and_reported = attempt.report_begun == "died" and attempt.report_written
    died_by_itself = attempt.exit_code != EXIT_LOCKED and not attempt.rebooted
    charge = died_by_itself and (attempt.kill_reason == "hung" or not attempt.made_progress)
    verdict = settle(
        Facts(
            outcome=attempt.outcome,
            ended=attempt.ended,
            stop_requested=attempt.stop_requested,
            may_run_again=fatal is None
            and attempt.report_reason is None
            and attempt.attempt < MAX_ATTEMPTS
            and attempt.charged + charge < MAX_DEATHS,
            failure=fatal or (_DIED if died_and_reported else _NO_REPORT),
        )
    )
    if isinstance(verdict, RunAgain):
        return Requeued(charge)
    report_ends = fatal or died_and_reported or attempt.report_given_up
    if isinstance(verdict, Failed) and not report_ends:
        return ReportDue(attempt.report_reason or "died")
    return verdict


def describe(verdict: Verdict) -> str:
    """Return the verdict in words, for the log."""
    match verdict:
        case Completed():
            return "it has completed"
        case Recorded(ended):
            return f"its end was recorded before ({ended.state})"
        case Cancelled():
            return "it is cancelled"
        case Requeued(charge):
            return f"it is queued again; this death {'counts' if charge else 'does not count'}"
        case ReportDue(reason):
            return f"its report is written from the folder ({reason})"
        case Failed(error):
            return f"it has failed ({error.code})"


_LOG = (
    "log/runner.log in the data directory where jobs run says why it ended"
    " (`mcp-jobs-server doctor` shows the path)."
)
_DIED = Failure(
    code="died",
    message="The job's process ended several times before the research was done.",
    hint=f"Its report contains the findings until then. {_LOG} {START_AGAIN}",
    retryable=True,
)
_NO_REPORT = Failure(
    code="no_report",
    message="The job was ended, and its report could not be written from its findings.",
    hint=f"{EVIDENCE_IN_FOLDER} {_LOG} {START_AGAIN}",
    retryable=True,
)
