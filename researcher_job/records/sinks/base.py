"""The port to destinations of steps besides the job folder, such as a SQL table."""

from __future__ import annotations

from typing import Protocol

from research_contract.records import Step


class StepSink(Protocol):
    """Receives each step of one attempt once and in order, after it was written to the step log.

    The job folder remains the authoritative record: a sink must not stop or slow down the job, so
    ``write`` and ``close`` return quickly and queue slow work. A sink that raises receives no
    further steps, and the step log records that with the sink's ``name``.

    Steps of earlier attempts are not repeated. Steps that were queued when the process died are
    missing in the sink; the job folder has them.
    """

    name: str

    def write(self, step: Step) -> None:
        """Receive one step. Its secrets are hidden and its payload is within the size limit."""
        ...

    def close(self) -> None:
        """Deliver queued steps within a bounded time; no step follows."""
        ...
