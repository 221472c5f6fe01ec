"""What a job may use and what it used, over all its attempts."""

from __future__ import annotations

from collections.abc import Callable

from research_contract.records import Cost, Limits, Spent
from researcher_job.core.errors import LimitReached

MAX_TICK_SECONDS = 5.0
"""The most that one tick counts: a laptop that slept in between costs nothing."""


class Budget:
    """Counts active time, tool calls, tokens and money against the limits of the request.

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

    def charge(self, cost: Cost) -> None:
        """Count what a call may cost, before it is made.

        Raises:
            LimitReached: less than that is left of something it costs; nothing was counted.
        """
        after = self._spent.plus(cost)
        if cap := _passed(self._limits, cost, after):
            raise LimitReached(f"The limit of {cap} was reached.")
        self._add(**dict(after))

    def correct(self, charged: Cost, cost: Cost) -> None:
        """Count ``cost`` in the place of what was charged before."""
        self._add(**dict(self._spent.plus(charged, times=-1).plus(cost)))

    def check_time(self) -> None:
        """Count the time.

        Raises:
            LimitReached: the active minutes are used up.
        """
        minutes = self._limits.minutes
        if self.tick().active_seconds >= (minutes or float("inf")) * 60:
            raise LimitReached(
                f"The limit of {minutes:g} active minute{'' if minutes == 1 else 's'} was reached."
            )

    def _add(self, **changes: float) -> Spent:
        self._spent = self._spent.model_copy(update=changes)
        return self._spent


def _passed(limits: Limits, cost: Cost, after: Cost) -> str:
    """Name the limit that a call passes by its cost; "" where it passes none."""
    if cost.tool_calls and limits.tool_calls is not None and after.tool_calls > limits.tool_calls:
        return f"{limits.tool_calls} tool call{'' if limits.tool_calls == 1 else 's'}"
    if cost.tokens and limits.tokens is not None and after.tokens > limits.tokens:
        return f"{limits.tokens} token{'' if limits.tokens == 1 else 's'}"
    if cost.cost_usd and limits.cost_usd is not None and after.cost_usd > limits.cost_usd:
        return f"${limits.cost_usd:g}"
    return ""
