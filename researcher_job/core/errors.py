"""What can go wrong in a job, in words a person can act on, and the exit code that says it."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How ``researcher-job`` ended, for whoever started it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 3
    LOCKED = 4
    NO_REQUEST = 5
    DISK_FULL = 6


class JobError(Exception):
    """Base of the errors of a job. Its text is one or two plain sentences, safe to show.

    ``impersonal``: the text holds nothing of a question or a source, so it may stand in a log.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    safe_to_log: ClassVar[bool] = False


class RequestUnreadable(JobError):
    """``request.json`` is missing, torn, no request, or of a newer format version."""

    exit_code = ExitCode.NO_REQUEST
    safe_to_log = True


class RequestRefused(JobError):
    """The request asks for what this job may not do, or its configuration cannot be used."""

    exit_code = ExitCode.NO_REQUEST
    safe_to_log = True


class LockHeld(JobError):
    """Another process or run works on the folder."""

    exit_code = ExitCode.LOCKED
    safe_to_log = True


class InvalidQuote(JobError):
    """A quote does not stand in its snapshot, so it may not become evidence."""


class LimitReached(JobError):
    """A limit of the job is used up; what is known so far becomes the report."""


def error_kind(error: BaseException) -> str:
    """Return the kind of an error and nothing of its text, which may quote a source."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    cause = error.__cause__
    return f"{type(error).__name__} ({type(cause).__name__})" if cause else type(error).__name__
