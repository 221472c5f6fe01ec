"""Errors for requests that contradict the state of a job, in the same words for every backend."""

from __future__ import annotations

from mcp_jobs_server.core.errors import Conflict


def key_conflict() -> Conflict:
    """Return the error for an idempotency key that was used for a different request."""
    return Conflict(
        "This idempotency key was used before, for another request.",
        "Use a new key for a new request, or repeat the earlier request unchanged.",
    )


def unended_job_conflict() -> Conflict:
    """Return the error for removing a job that has not ended."""
    return Conflict("The job has not ended.", "Cancel it first, then remove it.")
