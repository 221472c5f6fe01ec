"""The rule by which a job ends, the same for every backend.

Each backend derives ``Facts`` from what it knows (files, rows, processes, runs) once nothing works
on the job any more, and calls ``settle``. What only one backend has stays in that backend's own
``settle`` module.
"""

from __future__ import annotations

from dataclasses import dataclass

from research_contract.records import Ended, Failure, Outcome

EXIT_UNREADABLE_REQUEST, EXIT_NO_ROOM = 5, 6
"""Exit codes of the job's program: it cannot use its request; it can write nothing, not even its
report. Starting it again does not help."""

START_AGAIN = "Start the research again."
EVIDENCE_IN_FOLDER = "Its steps and evidence are in the job folder."


@dataclass(frozen=True)
class Facts:
    """What decides how a job ends.

    Attributes:
        outcome: the valid ``outcome.json``, if there is one.
        ended: the end that was recorded before, if there is one.
        stop_requested: the user asked to stop the job.
        may_run_again: attempts are left, and the job is not meant to end now.
        failure: the error to report if the job has failed.
    """

    outcome: Outcome | None
    ended: Ended | None
    stop_requested: bool
    may_run_again: bool
    failure: Failure


@dataclass(frozen=True)
class Completed:
    """The job wrote a valid outcome."""

    outcome: Outcome


@dataclass(frozen=True)
class Recorded:
    """The end of the job was recorded before."""

    ended: Ended


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped on request."""


@dataclass(frozen=True)
class RunAgain:
    """The job is queued again."""


@dataclass(frozen=True)
class Failed:
    """The job has failed."""

    error: Failure


Verdict = Completed | Recorded | Cancelled | RunAgain | Failed


def settle(facts: Facts) -> Verdict:
    """Return how the job ends, or ``RunAgain``. The same facts always give the same verdict.

    The first of these that applies: a valid outcome means completed, even after a stop; a recorded
    end holds; a stop means cancelled; attempts left mean that the job runs again; else it has
    failed.
    """
    if facts.outcome is not None:
        return Completed(facts.outcome)
    if facts.ended is not None:
        return Recorded(facts.ended)
    if facts.stop_requested:
        return Cancelled()
    return RunAgain() if facts.may_run_again else Failed(facts.failure)


def failure_of_exit(
    exit_code: int | None, *, storage: str, upgrade: str, make_room: str
) -> Failure | None:
    """Return the failure for an exit code of the job's program; ``None`` for other exit codes.

    Args:
        exit_code: exit code of the job's program, ``None`` if unknown.
        storage: the storage of the job folders, such as "disk".
        upgrade: hint for a request that the program cannot read.
        make_room: hint for a storage that cannot be written.
    """
    if exit_code == EXIT_UNREADABLE_REQUEST:
        return Failure(
            code="unreadable_request",
            message="The job could not use its request: it cannot be read, is of a newer version,"
            " or names a source that the job's configuration does not have any more; or that"
            " configuration itself is wrong, such as its table [model].",
            hint=upgrade,
        )
    if exit_code == EXIT_NO_ROOM:
        return Failure(
            code="no_room",
            message=f"The {storage} that holds the job folders is full or cannot be written.",
            hint=f"{EVIDENCE_IN_FOLDER} {make_room}",
            retryable=True,
        )
    return None
