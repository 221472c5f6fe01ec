"""Errors that reach a caller.

Each error states what is wrong, what to do, and whether a retry can help. No error contains a
stack trace, a token, a host name or data of another person's job.
"""

from __future__ import annotations

from typing import ClassVar


class JobsError(Exception):
    """Base class of the errors that reach a caller.

    Args:
        message: one sentence stating what is wrong.
        hint: one sentence stating what to do.
    """

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class InvalidArgument(JobsError):
    """An argument is unknown, missing, of the wrong type or out of range."""

    kind = "invalid_argument"


class NotFound(JobsError):
    """The caller has no such job, section, citation or source."""

    kind = "not_found"


class NotGranted(JobsError):
    """A source was not granted, whether or not it exists."""

    kind = "not_granted"


class NothingToSearch(JobsError):
    """No source is configured or named, or there is no file to read in it."""

    kind = "nothing_to_search"


class Conflict(JobsError):
    """The request contradicts an earlier one, such as the same key for two questions."""

    kind = "conflict"


def dependent_job_error(job_id: str) -> Conflict:
    """Return the error for removing a job that the active job ``job_id`` builds on."""
    return Conflict(
        f"The job {job_id}, which is still active, builds on this one.",
        "Remove this job after that one has ended.",
    )


class NewerVersion(JobsError):
    """The data was written by a newer version. It is not changed."""

    kind = "newer_version"


class Unavailable(JobsError):
    """A dependency does not respond or has no space left. A retry can help."""

    kind = "unavailable"
    retryable = True


class NotSignedIn(JobsError):
    """The server has no credential for the Databricks workspace, or the workspace rejects it."""

    kind = "not_signed_in"


class NotPermitted(JobsError):
    """The calling identity lacks a privilege in the Databricks workspace."""

    kind = "not_permitted"


class Refused(JobsError):
    """The Databricks workspace rejects the request. A retry does not help."""

    kind = "refused"


class Unidentified(JobsError):
    """The caller cannot be identified or may not use this server."""

    kind = "unidentified"


class QuotaReached(JobsError):
    """The owner reached a quota, or too many jobs are queued. A retry can work later."""

    kind = "quota_reached"
    retryable = True


class Internal(JobsError):
    """A defect of this server. The log has the details under the reference."""

    kind = "internal"
