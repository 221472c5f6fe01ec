"""Ends the research of a job early: on request, on a signal, or when its time is used up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import Budget
from researcher_job.records.control import Control, ControlRequest
from researcher_job.records.status import StatusWriter
from researcher_job.records.storage import Storage
from researcher_job.report.conclusion import FINISH_NOW


class Interruption:
    """Checks control files, signals and the time limit.

    ``stop_requested``: the job ends without a report. ``reason`` explains in the report why the
    research ended early; "" if it did not. ``on_stop`` is called when a stop ends the research.
    ``finish_seconds``: how long what was read is searched where the report is asked for meanwhile.
    ``keep_seconds``: how much of a time limit research leaves to a model that writes.
    """

    def __init__(
        self,
        control: Control,
        budget: Budget,
        status: StatusWriter,
        on_stop: Callable[[], None],
        *,
        finish_seconds: float,
        keep_seconds: float = 0.0,
    ) -> None:
        self._control = control
        self._budget = budget
        self._status = status
        self._on_stop = on_stop
        self._finish_seconds = finish_seconds
        self._keep_seconds = keep_seconds
        self._is_reading = False
        self._search_until = -math.inf
        self.reason = ""
        self.stop_requested = False

    def record(self, request: ControlRequest | None) -> None:
        """Record a request from the control files in the status, and whether the job must stop."""
        if request:
            self._status.update(asked=request)
        if request == "stop" or self._control.signal_received:
            self.stop_requested = True

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Mark that sources are read: a report asked for now ends the reading, not the research."""
        self._is_reading = True
        yield
        self._is_reading = False
        if self.ends_reading:
            self._search_until = time.monotonic() + self._finish_seconds

    @property
    def ends_reading(self) -> bool:
        """Whether the report was asked for, so that what was read must be enough."""
        return self.reason == FINISH_NOW

    def ends_research(self, request: ControlRequest | None) -> bool:
        """Return whether this request, a signal or the time limit ends the research."""
        self.record(request)
        if self.stop_requested:
            self._on_stop()
            return True
        if request == "finish_now":
            self.reason = FINISH_NOW
            return not self._is_reading and time.monotonic() >= self._search_until
        try:
            self._budget.check_time(keep_seconds=self._keep_seconds)
        except LimitReached as limit:
            self.reason = str(limit)
            return True
        return False

    def ends_writing(self, request: ControlRequest | None) -> bool:
        """Return whether a stop ends the writing, for which a model is asked."""
        self.record(request)
        if self.stop_requested:
            self._on_stop()
        return self.stop_requested

    async def watch(
        self,
        scope: anyio.CancelScope,
        storage: Storage,
        *,
        interval: float,
        ends: Callable[[ControlRequest | None], bool],
    ) -> None:
        """Check every ``interval`` seconds, and cancel ``scope`` when ``ends`` says so."""
        while True:
            await anyio.sleep(interval)
            if ends(await storage.run_blocking(self._control.requested)):
                scope.cancel()
                return
