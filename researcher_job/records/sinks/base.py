"""The port to where steps go besides the job folder, such as a SQL table."""

from __future__ import annotations

from typing import Protocol

from research_contract.records import Step


class StepSink(Protocol):
    """Receives each step of one attempt once and in order, after the step log took it.

    The job folder stays the record of truth: a sink must not stop or slow the job, so ``write``
    and ``close`` return at once and queue what takes time. A sink that raises is told of no
    further step, and the step log says so. ``name`` is shown there.

    The steps of earlier attempts are not repeated. What a sink had queued when its process died
    is missing there; the folder has it.
    """

    name: str

    def write(self, step: Step) -> None:
        """Take one step. Secrets are redacted and the payload is within its limit."""
        ...

    def close(self) -> None:
        """Deliver what is queued, within a bounded time; no step follows."""
        ...
