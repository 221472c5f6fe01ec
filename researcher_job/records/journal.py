"""The step log of a job: numbered steps, with the status updated at each step."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from research_contract import records
from research_contract.records import Step, StepKind
from research_contract.text.safe import cut, one_line
from researcher_job.core.clock import Clock
from researcher_job.core.errors import error_kind
from researcher_job.records.redaction import MAX_MESSAGE, redact, redact_text
from researcher_job.records.segments import SegmentWriter
from researcher_job.records.sinks.base import StepSink
from researcher_job.records.status import StatusWriter
from researcher_job.records.storage import LOCAL, Storage

LOST = "This step was lost when the previous attempt died."


class Journal:
    """Appends steps to the log, updates the status, and passes the steps to ``sinks``.

    ``recent`` holds the latest messages of this attempt, oldest first.
    """

    def __init__(
        self,
        root: Path,
        status: StatusWriter,
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
        self.status = status
        self.recent: deque[str] = deque(maxlen=5)
        status.update(last_step=self._steps.last, step_part=self._steps.segment)

    def step(
        self,
        kind: StepKind,
        message: str,
        *,
        worker: str = "",
        tool: str = "",
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Record one step.

        The message is reduced to one line. Secrets are hidden, and message and payload are cut to
        their maximum length.
        """
        step = self._steps.append(
            lambda number: Step(
                step=number,
                at=self._clock.now(),
                kind=kind,
                message=cut(one_line(redact_text(message)), MAX_MESSAGE),
                worker=worker,
                tool=tool,
                payload=redact(payload or {}),
            )
        )
        self.recent.append(step.message)
        self.status.update(last_step=step.step, step_part=self._steps.segment)
        self._send_to_sinks(step)

    def _send_to_sinks(self, step: Step) -> None:
        """Pass the step to each sink. A sink that raises is dropped, and the log says so."""
        working: list[StepSink] = []
        failures: list[str] = []
        for sink in self._sinks:
            try:
                sink.write(step)
                working.append(sink)
            except Exception as error:  # noqa: BLE001 - a failing sink must not stop the job
                failures.append(f"Steps no longer go to {sink.name}: {error_kind(error)}.")
        self._sinks = working
        for failure in failures:
            self.step("error", failure)

    def fill_lost_steps(self, last: int) -> None:
        """Write placeholder steps up to ``last``, the last step that an earlier status named.

        So no number is used twice. The steps after them start a new segment.
        """
        while self._steps.last < last:
            self.step("error", LOST)
        self._steps.close()

    def set_summary(self, summary: str) -> None:
        """Set the summary line of the status."""
        self.status.update(summary=cut(one_line(redact_text(summary)), MAX_MESSAGE))

    def close(self) -> None:
        """End the step log of this attempt, close its sinks and write the last status."""
        self._steps.close()
        for sink in self._sinks:
            with suppress(Exception):  # the step log is closed, so it cannot record the failure
                sink.close()
        self.status.write()
