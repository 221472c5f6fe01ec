"""What was asked of a job: the files in its folder's ``control``."""

from __future__ import annotations

import time
from collections.abc import Callable

from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.models import StopMode
from mcp_jobs_server.core.single_flight import SingleFlightCache
from research_contract.records import FINISH_NOW, STOP, Status

FRESH_SECONDS = 0.9
WATCHED_SECONDS = 30.0
"""How old may be what is known while a job is polled: its status tells what it has seen."""

_FOLDER = STOP.rpartition("/")[0]
_NAMES: dict[StopMode, str] = {"stop": STOP, "finish_now": FINISH_NOW}
"""The file of each; its base name is the mode's. The first of them overrides the others."""


class Control:
    """Asks, durably, and tells what was asked here or by another process."""

    def __init__(
        self,
        folders: VolumeFolders,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._fresh_seconds = fresh_seconds
        self._listed: SingleFlightCache[str, frozenset[str]] = SingleFlightCache(
            most=2_000, clock=clock
        )
        self._told: SingleFlightCache[str, frozenset[str]] = SingleFlightCache(
            most=2_000, clock=clock
        )

    async def tell(self, folder: str, mode: StopMode) -> None:
        """Write the control file; one that is there already is left."""
        await self._folders.create(folder, _NAMES[mode], b"")
        before = self._told.known(folder, float("inf"))
        self._told.put(folder, (before.value if before else frozenset()) | {mode})

    async def asked(
        self, folder: str, status: Status | None, *, watched: bool = False
    ) -> StopMode | None:
        """Return what is to happen: ``stop`` overrides ``finish_now``."""
        seconds = WATCHED_SECONDS if watched else self._fresh_seconds
        listed = await self._listed.get(folder, seconds, lambda: self._list(folder))
        return self._asked(folder, status, listed)

    def known(self, folder: str, status: Status | None) -> StopMode | None:
        """Return the same from what is known here, without asking."""
        listed = self._listed.known(folder, WATCHED_SECONDS)
        return self._asked(folder, status, listed.value if listed else frozenset())

    def _asked(self, folder: str, status: Status | None, listed: frozenset[str]) -> StopMode | None:
        told = self._told.known(folder, float("inf"))
        names = {status.asked if status else ""} | listed | (told.value if told else frozenset())
        return next((mode for mode in _NAMES if mode in names), None)

    async def _list(self, folder: str) -> frozenset[str]:
        listed = await self._folders.names(f"{folder}/{_FOLDER}")
        return frozenset(entry.name for entry in listed if not entry.is_folder)
