"""Requests to stop or finish a job: the files in ``control`` of its folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.models import StopMode
from mcp_jobs_server.core.single_flight import SingleFlightCache
from research_contract.records import FINISH_NOW, STOP, Status

FRESH_SECONDS = 0.9
"""How old the listing of the control files may be."""

POLLED_SECONDS = 30.0
"""How old it may be while the job is polled: the status shows which requests the job has seen."""

_FOLDER = STOP.rpartition("/")[0]
_FILES: dict[StopMode, str] = {"stop": STOP, "finish_now": FINISH_NOW}
"""The file of each mode, whose base name is the mode. The first mode overrides the second."""


class Control:
    """Writes and reads control files, also those of other servers."""

    def __init__(
        self,
        folders: VolumeFolders,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._fresh_seconds = fresh_seconds
        self._listed: SingleFlightCache[str, list[str]] = SingleFlightCache(most=2_000, clock=clock)
        self._written: SingleFlightCache[str, frozenset[str]] = SingleFlightCache(
            most=2_000, clock=clock
        )

    async def request(self, folder: str, mode: StopMode) -> None:
        """Write the control file of the mode; an existing one is left."""
        await self._folders.create(folder, _FILES[mode], b"")
        written = self._written.known(folder, float("inf"))
        self._written.put(folder, (written.value if written else frozenset()) | {mode})

    async def requested(
        self, folder: str, status: Status | None, *, polled: bool = False, cached: bool = False
    ) -> StopMode | None:
        """Return the requested mode; ``stop`` overrides ``finish_now``.

        Args:
            folder: the job folder.
            status: the status of the job, which has the request that the job has seen.
            polled: the job is polled, so an older listing is good enough.
            cached: make no request to the workspace.
        """
        if cached:
            known = self._listed.known(folder, POLLED_SECONDS)
            listed = known.value if known else []
        else:
            seconds = POLLED_SECONDS if polled else self._fresh_seconds
            fetch = partial(self._folders.names, f"{folder}/{_FOLDER}")
            listed = await self._listed.get(folder, seconds, fetch)
        written = self._written.known(folder, float("inf"))
        modes = {status.asked if status else "", *listed, *(written.value if written else ())}
        return next((mode for mode in _FILES if mode in modes), None)
