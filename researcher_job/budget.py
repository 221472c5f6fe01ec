"""What a job may use and what it used, over all its attempts."""

from __future__ import annotations

from collections.abc import Callable

from researcher_job.contract import Limits, Spent
from researcher_job.errors import CapReached

MAX_TICK_SECONDS = 5.0
"""The most that one tick counts: a laptop that slept in between costs nothing."""


class Budget:
    """Counts active time and tool calls against the limits of the request.

    ``spent`` is what earlier attempts used. ``monotonic`` is read at each tick (seconds).
    """

    def __init__(self, limits: Limits, spent: Spent, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._spent = spent
        self._monotonic = monotonic
        self._last = monotonic()

    @property
    def spent(self) -> Spent:
        return self._spent

    def tick(self) -> Spent:
        """Count the time since the last tick and return what is spent."""
        now = self._monotonic()
        active = min(max(now - self._last, 0.0), MAX_TICK_SECONDS)
        self._last = now
        return self._add(active_seconds=round(self._spent.active_seconds + active, 3))

    def charge_tool_call(self) -> None:
        """Count one tool call before it is made.

        Raises:
            CapReached: the job has no tool call left; nothing was counted.
        """
        cap = self._limits.tool_calls
        if cap is not None and self._spent.tool_calls >= cap:
            raise CapReached(f"The limit of {cap} tool call{'' if cap == 1 else 's'} was reached.")
        self._add(tool_calls=self._spent.tool_calls + 1)

    def check_time(self) -> None:
        """Count the time.

        Raises:
            CapReached: the active minutes are used up.
        """
        minutes = self._limits.minutes
        if self.tick().active_seconds >= (minutes or float("inf")) * 60:
            raise CapReached(
                f"The limit of {minutes:g} active minute{'' if minutes == 1 else 's'} was reached."
            )

    def _add(self, **changes: float) -> Spent:
        self._spent = self._spent.model_copy(update=changes)
        return self._spent
