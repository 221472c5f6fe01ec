"""Rows of the table of jobs as the database has them. Any column of any row may be damaged."""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache

from mcp_jobs_server.backends.local.store.database import from_micros
from mcp_jobs_server.core.models import ACTIVE_STATES
from research_contract.files import NewerFormat, decode
from research_contract.records import JOB_ID, Failure, Request

UNREADABLE = "The request of this job cannot be read."
"""Shown as the question of a job whose row is damaged."""

DAMAGED = Failure(
    code="damaged_record",
    message="The record of this job in the job database is damaged.",
    hint="What it found is in the job folder. Start the research again.",
    retryable=True,
)

_OWNER = re.compile(r"[a-z0-9-]{1,40}-[0-9a-f]{16}", re.ASCII)
_PROFILE = re.compile(r"[\w-]{1,64}", re.ASCII)
_MAX_COUNT = 2**31


@lru_cache(maxsize=256)
def stored_request(job_id: str, text: str) -> Request | None:
    """Return the request; ``None``: it is damaged or of a newer version.

    Cached, because a request never changes and every caller that waits for the job reads it often.
    """
    try:
        request = decode(Request, text.encode() if isinstance(text, str) else None)
    except NewerFormat:
        return None
    return request if request and request.job_id == job_id else None


def is_profile(name: object) -> bool:
    """Return whether this can be the id of a profile, which is part of file names."""
    return isinstance(name, str) and _PROFILE.fullmatch(name) is not None


def has_identity(row: sqlite3.Row) -> bool:
    """Return whether the row says which job it is and whose."""
    return (isinstance(row["id"], str) and JOB_ID.fullmatch(row["id"]) is not None) and (
        isinstance(row["owner"], str) and _OWNER.fullmatch(row["owner"]) is not None
    )


def can_run(row: sqlite3.Row) -> bool:
    """Return whether the row of an unended job has all that a runner needs of it."""
    counts = (row["attempt"], row["charged"], row["step_before"])
    return (
        has_identity(row)
        and row["state"] in ACTIVE_STATES
        and row["ended_at"] is None
        and row["requested"] in (None, "stop", "finish_now")
        and all(isinstance(count, int) and 0 <= count < _MAX_COUNT for count in counts)
        and from_micros(row["created_at"]) is not None
        and is_profile(row["profile"])
    )
