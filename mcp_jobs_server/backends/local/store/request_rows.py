"""Requests as they stand in the rows of the database, one of which may be damaged."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from research_contract.files import NewerFormat, decode
from research_contract.records import Request

UNREADABLE = "The request of this job cannot be read."
"""Stands for the question of a job whose row is damaged."""


@lru_cache(maxsize=256)
def stored_request(job_id: str, text: str) -> Request | None:
    """Return the request of the job; ``None`` where it is damaged or of a newer version.

    It never changes, and many who wait for one job look at it again and again.
    """
    try:
        request = decode(Request, text.encode())
    except NewerFormat:
        return None
    return request if request and request.job_id == job_id else None


def shown_request(job_id: str, text: str, created_at: datetime) -> Request:
    """Return the same for people: a job whose request cannot be read is shown as such."""
    return stored_request(job_id, text) or Request(
        job_id=job_id, question=UNREADABLE, created_at=created_at
    )
