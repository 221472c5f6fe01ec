"""Wakes a caller that waits for a job to change."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio


@dataclass(eq=False)
class Subscription:
    """``Changes`` of one caller; ``wake`` ends its current wait, else its next one."""

    _changed: anyio.Event = field(default_factory=anyio.Event, init=False)

    async def wait(self) -> None:
        await self._changed.wait()
        self._changed = anyio.Event()

    def wake(self) -> None:
        self._changed.set()
