"""The job's own record of what it does: numbered steps and the status beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from research_contract import records
from research_contract.records import Step, StepKind
from research_contract.text.safe import one_line
from researcher_job.core.clock import Clock
from researcher_job.core.errors import error_kind
from researcher_job.records.redaction import MAX_MESSAGE, redact, redact_text
from researcher_job.records.segments import SegmentWriter
from researcher_job.records.sinks.base import StepSink
from researcher_job.records.status import StatusWriter
from researcher_job.records.storage import LOCAL, Storage

LOST = "This step was lost when the attempt before it died."


class Journal:
    """Appends to the step log, updates the status with it, and passes steps on to ``sinks``.

    ``recent`` holds the latest messages of this attempt, oldest first.
    """

    def __init__(
        self,
        root: Path,
        board: StatusWriter,
        *,
        clock: Clock,
        segment_records: int,
        storage: Storage = LOCAL,
        sinks: Sequence[StepSink] = (),
    ) -> None:
        self._steps = SegmentWriter(
            root, records.STEPS, Step, limit=segment_records, storage=storage
        )
        self._clock = clock
        self._sinks = list(sinks)
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
        self._pass_on(made)

    def _pass_on(self, step: Step) -> None:
        kept: list[StepSink] = []
        failures: list[str] = []
        for sink in self._sinks:
            try:
                sink.write(step)
                kept.append(sink)
            except Exception as error:  # noqa: BLE001 - whatever it is, the job goes on
                failures.append(f"Steps no longer go to {sink.name}: {error_kind(error)}.")
        self._sinks = kept
        for failure in failures:
            self.step("error", failure)

    def fill_lost_steps(self, last: int) -> None:
        """Fill the numbers up to ``last``: an earlier attempt told of steps that are lost.

        So no number is used twice. What follows stands in a part of its own.
        """
        while self._steps.last < last:
            self.step("error", LOST)
        self._steps.close()

    def set_summary(self, summary: str) -> None:
        """Set the line of the status that people read."""
        self.board.change(summary=one_line(redact_text(summary), most=MAX_MESSAGE))

    def close(self) -> None:
        """End the step log of this attempt, close its sinks and write the last status."""
        self._steps.close()
        for sink in self._sinks:
            with suppress(Exception):  # there is no step log any more that could say so
                sink.close()
        self.board.write()
