"""The job's own record of what it does: numbered steps and the status beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from research_contract import records
from research_contract.records import Step, StepKind
from research_contract.text.safe import one_line
from researcher_job.core.clock import Clock
from researcher_job.records.redaction import MAX_MESSAGE, redact, redact_text
from researcher_job.records.segments import Parts
from researcher_job.records.status import StatusBoard
from researcher_job.records.storage import LOCAL, Storage

LOST = "This step was lost when the attempt before it died."


class Journal:
    """Appends to the step log and keeps the status in step with it.

    ``recent`` holds the latest messages of this attempt, oldest first.
    """

    def __init__(
        self,
        root: Path,
        board: StatusBoard,
        *,
        clock: Clock,
        part_records: int,
        storage: Storage = LOCAL,
    ) -> None:
        self._steps = Parts(root, records.STEPS, Step, limit=part_records, storage=storage)
        self._clock = clock
        self.board = board
        self.recent: deque[str] = deque(maxlen=5)
        board.change(last_step=self._steps.last, step_part=self._steps.part)

    def step(
        self,
        kind: StepKind,
        message: str,
        *,
        worker: str = "",
        tool: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Record one step. The message is put on one line; secrets are hidden; both are cut."""
        made = self._steps.append(
            lambda number: Step(
                step=number,
                at=self._clock.now(),
                kind=kind,
                message=one_line(redact_text(message), most=MAX_MESSAGE),
                worker=worker,
                tool=tool,
                payload=redact(payload or {}),
            )
        )
        self.recent.append(made.message)
        self.board.change(last_step=made.step, step_part=self._steps.part)

    def make_up(self, last: int) -> None:
        """Fill the numbers up to ``last``: an earlier attempt told of steps that are lost.

        So no number is used twice. What follows stands in a part of its own.
        """
        while self._steps.last < last:
            self.step("error", LOST)
        self._steps.close()

    def say(self, summary: str) -> None:
        """Set the line of the status that people read."""
        self.board.change(summary=one_line(redact_text(summary), most=MAX_MESSAGE))

    def close(self) -> None:
        """End the step log of this attempt and write the last status."""
        self._steps.close()
        self.board.write()
