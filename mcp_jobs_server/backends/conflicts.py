"""Errors for requests that contradict the state of a job, in the same words for every backend."""

from __future__ import annotations

from mcp_jobs_server.core.errors import Conflict


def key_conflict(job_id: str) -> Conflict:
    """Return the error for an idempotency key that was used for a different request.

    ``job_id`` is the job of the same owner that the key belongs to.
    """
    return Conflict(
        f"This idempotency key belongs to the job {job_id}, which was started for another request.",
        f'For that job call get_status(job_id="{job_id}"); for a new request use a new key.',
    )


def unended_job_conflict() -> Conflict:
    """Return the error for removing a job that has not ended."""
    return Conflict("The job has not ended.", "Cancel it first, then remove it.")
