"""Requests as the rows of the database store them. A row may be damaged."""

from __future__ import annotations

from functools import lru_cache

from research_contract.files import NewerFormat, decode
from research_contract.records import Request

UNREADABLE = "The request of this job cannot be read."
"""Shown as the question of a job whose row is damaged."""


@lru_cache(maxsize=256)
def stored_request(job_id: str, text: str) -> Request | None:
    """Return the request; ``None``: it is damaged or of a newer version.

    Cached, because a request never changes and every caller that waits for the job reads it often.
    """
    try:
        request = decode(Request, text.encode())
    except NewerFormat:
        return None
    return request if request and request.job_id == job_id else None
