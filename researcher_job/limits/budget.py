"""The budget of a job over all its attempts: its limits and its usage so far."""

from __future__ import annotations

from collections.abc import Callable

from research_contract.records import Cost, Limits, Spent
from researcher_job.core.errors import LimitReached
from researcher_job.core.plural import counted

MAX_TICK_SECONDS = 5.0
"""Most seconds that one tick counts, so that the sleep of a laptop does not use up the time."""


NOTHING = Cost()


class Budget:
    """Counts active time, tool calls, tokens and dollars against the limits of the request.

    ``spent`` is the usage of earlier attempts. ``monotonic`` returns seconds; each tick reads it.
    """

    def __init__(self, limits: Limits, spent: Spent, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._spent = spent
        self._monotonic = monotonic
        self._last_tick = monotonic()

    @property
    def spent(self) -> Spent:
        return self._spent

    def tick(self) -> Spent:
        """Count the time since the last tick and return the usage so far."""
        now = self._monotonic()
        active = min(max(now - self._last_tick, 0.0), MAX_TICK_SECONDS)
        self._last_tick = now
        total = round(self._spent.active_seconds + active, 3)
        self._spent = self._spent.model_copy(update={"active_seconds": total})
        return self._spent

    def charge(self, cost: Cost, *, keep: Cost = NOTHING) -> None:
        """Count the maximum cost of a call before the call is made.

        Raises:
            LimitReached: the cost and ``keep`` exceed what is left of a limit; nothing was counted.
        """
        after = self._spent.plus(cost)
        if limit := _exceeded_limit(self._limits, cost, after.plus(keep)):
            raise LimitReached(f"The limit of {limit} was reached.")
        self._spent = self._spent.model_copy(update=dict(after))

    def correct(self, charged: Cost, cost: Cost) -> None:
        """Replace the charged maximum by the actual ``cost``."""
        corrected = self._spent.plus(charged, times=-1).plus(cost)
        self._spent = self._spent.model_copy(update=dict(corrected))

    def check_time(self, *, keep_seconds: float = 0.0) -> None:
        """Count the time since the last tick.

        Raises:
            LimitReached: at most ``keep_seconds`` of the active minutes are left.
        """
        minutes = self._limits.minutes
        if self.tick().active_seconds >= (minutes or float("inf")) * 60 - keep_seconds:
            raise LimitReached(
                f"The limit of {minutes:g} active minute{'' if minutes == 1 else 's'} was reached."
            )


def _exceeded_limit(limits: Limits, cost: Cost, after: Cost) -> str:
    """Return the limit that a call of this cost exceeds, such as ``1 tool call``; "" for none."""
    if cost.tool_calls and limits.tool_calls is not None and after.tool_calls > limits.tool_calls:
        return counted(limits.tool_calls, "tool call")
    if cost.tokens and limits.tokens is not None and after.tokens > limits.tokens:
        return counted(limits.tokens, "token")
    if cost.cost_usd and limits.cost_usd is not None and after.cost_usd > limits.cost_usd:
        return f"${limits.cost_usd:g}"
    return ""
