"""What every runner gives to who waits for a job."""

from __future__ import annotations

import anyio


class Watch:
    """``Changes`` of one subscriber: ``wake`` ends the wait that goes on, or the next one."""

    def __init__(self) -> None:
        self._changed = anyio.Event()

    async def wait(self) -> None:
        await self._changed.wait()
        self._changed = anyio.Event()

    def wake(self) -> None:
        self._changed.set()
