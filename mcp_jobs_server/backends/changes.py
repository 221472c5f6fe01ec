"""Wakes a caller that waits for a job to change."""

from __future__ import annotations

import anyio


class Subscription:
    """``Changes`` of one caller; ``wake`` ends its current wait, else its next one."""

    def __init__(self) -> None:
        self._changed = anyio.Event()

    async def wait(self) -> None:
        await self._changed.wait()
        self._changed = anyio.Event()

    def wake(self) -> None:
        self._changed.set()
