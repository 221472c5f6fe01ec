"""``status.json``: where the job stands, written often enough and never too often."""

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
    """The one writer of ``status.json``.

    Changes are coalesced: at most one write each ``least`` seconds, at least one each ``most``
    (the heartbeat). ``spent`` is asked at each write. What the storage holds of the journals is
    written before the status that names it.
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

    def change(self, **fields: object) -> None:
        """Set fields of the status by name; it is written soon."""
        self.current = self.current.model_copy(update=fields)
        self._changed.set()

    def write(self) -> None:
        """Write the status now."""
        self._as_it_stands()()

    def _as_it_stands(self) -> Callable[[], None]:
        """Return what writes the journals and the status of this moment."""
        self.change(spent=self._spent(), updated_at=self._clock.now())
        self._changed = anyio.Event()
        data, write_held = encode(self.current), self._storage.pending_writes()

        def write() -> None:
            write_held()
            self._storage.write(self._path, data)

        return write

    async def write_periodically(self, *, least: float, most: float) -> None:
        """Write changes as they come, until cancelled."""
        while True:
            with anyio.move_on_after(most):
                await self._changed.wait()
            await self._storage.run_blocking(self._as_it_stands())
            await anyio.sleep(least)
