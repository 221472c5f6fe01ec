"""``status.json``: the current state of the job, written at bounded intervals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from research_contract import records
from research_contract.files import encode
from research_contract.records import Spent, Status
from researcher_job.core.clock import Clock
from researcher_job.records.storage import LOCAL, Storage


class StatusWriter:
    """The only writer of ``status.json``.

    Changes are combined into one write. ``spent`` is called at each write. Buffered journal lines
    are written before the status that refers to them.
    """

    def __init__(
        self,
        root: Path,
        first: Status,
        *,
        clock: Clock,
        spent: Callable[[], Spent],
        storage: Storage = LOCAL,
    ) -> None:
        self._storage = storage
        self._path = root / records.STATUS
        self._clock = clock
        self._spent = spent
        self._changed = anyio.Event()
        self.current = first

    def update(self, **fields: object) -> None:
        """Set fields of the status by name; it is written soon."""
        self.current = self.current.model_copy(update=fields)
        self._changed.set()

    def write(self) -> None:
        """Write the status now."""
        self._prepare_write()()

    async def write_periodically(self, *, least: float, most: float) -> None:
        """Write changes until cancelled.

        At least ``least`` seconds pass between two writes and at most about ``most`` (heartbeat).
        """
        while True:
            with anyio.move_on_after(most):
                await self._changed.wait()
            await self._storage.run_blocking(self._prepare_write())
            await anyio.sleep(least)

    def _prepare_write(self) -> Callable[[], None]:
        """Return a function that writes the journals and the status as they are now."""
        self.update(spent=self._spent(), updated_at=self._clock.now())
        self._changed = anyio.Event()
        data, write_journals = encode(self.current), self._storage.pending_writes()

        def write() -> None:
            write_journals()
            self._storage.write(self._path, data)

        return write
