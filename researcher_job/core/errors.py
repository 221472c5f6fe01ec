"""Errors of a job, with messages that a person can act on, and the exit codes they lead to."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of ``researcher-job``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 3
    LOCKED = 4
    NO_REQUEST = 5
    DISK_FULL = 6


class JobError(Exception):
    """Base class of the job's errors. The message is one or two plain sentences, safe to show.

    ``safe_to_log``: the message contains no text of a question or a source, so logs that other
    people read may contain it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    safe_to_log: ClassVar[bool] = False


class RequestUnreadable(JobError):
    """``request.json`` is missing, incomplete, invalid or of a newer format version."""

    exit_code = ExitCode.NO_REQUEST
    safe_to_log = True


class FolderGone(JobError):
    """The folder itself is missing. Unlike a missing request, it may come back."""

    safe_to_log = True


class RequestRefused(JobError):
    """The request exceeds what this job may do, or the job's configuration is invalid."""

    exit_code = ExitCode.NO_REQUEST
    safe_to_log = True


class LockHeld(JobError):
    """Another process or run works on the folder."""

    exit_code = ExitCode.LOCKED
    safe_to_log = True


class InvalidQuote(JobError):
    """A quote does not match its snapshot, so it must not become evidence."""


class LimitReached(JobError):
    """A limit of the job is used up. The report is written from what is known so far."""


def error_kind(error: BaseException) -> str:
    """Return the type of an error without its message, which may quote a source."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    cause = error.__cause__
    return f"{type(error).__name__} ({type(cause).__name__})" if cause else type(error).__name__


def error_message(error: BaseException) -> str:
    """Return an error's message in one phrase; for a group of errors, that of the first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, JobError):
        return str(error).rstrip(". ")
    return f"{type(error).__name__}: {error}".rstrip(". ")
