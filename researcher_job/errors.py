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
    NO_ROOM = 6


class JobError(Exception):
    """Base of the errors of a job. Its text is one or two plain sentences, safe to show."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class RequestUnreadable(JobError):
    """``request.json`` is missing, torn, no request, or of a newer format version."""

    exit_code = ExitCode.NO_REQUEST


class LockHeld(JobError):
    """Another process works on the folder."""

    exit_code = ExitCode.LOCKED


class Misquoted(JobError):
    """A quote does not stand in its snapshot, so it may not become evidence."""


class CapReached(JobError):
    """A limit of the job is used up; what is known so far becomes the report."""
