"""What can go wrong, in words a caller can act on.

Every error says what is wrong, what to do, and whether a retry can help. None carries a stack
trace, a token, a host or another person's job.
"""

from __future__ import annotations

from typing import ClassVar


class JobsError(Exception):
    """Base of the errors that reach a caller.

    Args:
        message: one sentence that says what is wrong.
        hint: one sentence that says what to do.
    """

    kind: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class InvalidArgument(JobsError):
    """An argument is unknown, missing, of the wrong type or out of its range."""

    kind = "invalid_argument"


class NotFound(JobsError):
    """No such job, section, citation or source for this caller."""

    kind = "not_found"


class NotGranted(JobsError):
    """A source exists or may exist, but nobody granted it."""

    kind = "not_granted"


class NothingToSearch(JobsError):
    """No source is configured or named."""

    kind = "nothing_to_search"


class Conflict(JobsError):
    """The request contradicts an earlier one, such as one key for two questions."""

    kind = "conflict"


def dependent_job_error(job_id: str) -> Conflict:
    """Return the error for removing a job that the unended job ``job_id`` builds on."""
    return Conflict(
        f"The job {job_id}, which has not ended, builds on this one.",
        "Remove this one when that has ended.",
    )


class NewerVersion(JobsError):
    """The data was written by a newer version and is left untouched."""

    kind = "newer_version"


class Unavailable(JobsError):
    """Something this server needs does not answer or has no room; a retry can help."""

    kind = "unavailable"
    retryable = True


class NotSignedIn(JobsError):
    """The Databricks workspace does not take the credential this server has, or there is none."""

    kind = "not_signed_in"


class NotPermitted(JobsError):
    """The identity that asks lacks a privilege in the Databricks workspace."""

    kind = "not_permitted"


class Refused(JobsError):
    """The Databricks workspace refuses a request as it stands; a retry does not help."""

    kind = "refused"


class Unidentified(JobsError):
    """It cannot be told who is calling, or that one may not call."""

    kind = "unidentified"


class QuotaReached(JobsError):
    """The owner may start no further job now, or too many jobs wait; later it works again."""

    kind = "quota_reached"
    retryable = True


class Internal(JobsError):
    """A defect of this server. Details stand in its log under the reference."""

    kind = "internal"
