"""The index of an owner's jobs: empty or small files whose names tell what lists need.

``<owner>/index/<yyyy-mm>/<entry>``, the month being that of the job's id. One listing of a month
tells all of its jobs. Entries are only added, each harmless twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial

from mcp_jobs_server.backends.lakeflow.index_names import Entry, read_names
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.single_flight import SingleFlightCache
from research_contract.records import month_of

FRESH_SECONDS = 2.0
"""How old may be what is known of the newest months."""

OLDER_SECONDS = 60.0
"""How old of the months before, and of which months there are."""

NEWEST = 2
"""Months that change: in one jobs are made, and those of the one before still end."""

MOST_MONTHS = 12
"""Months that lists go back."""

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)

Month = tuple[str, str]


class Index:
    """The entries of all owners; nothing but a copy of what the volume holds.

    An entry that this process wrote is seen by it at once, even where listings lag behind.
    """

    def __init__(
        self,
        folders: VolumeFolders,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._fresh_seconds = fresh_seconds
        self._names: SingleFlightCache[Month, frozenset[str]] = SingleFlightCache(
            most=200_000, weigh=len, clock=clock
        )
        self._months: SingleFlightCache[str, tuple[str, ...]] = SingleFlightCache(
            most=2_000, clock=clock
        )
        self._own = _Own(clock)

    async def entry(self, owner: str, job_id: str, *, seconds: float | None = None) -> Entry | None:
        """Return what the index says of one job; ``seconds``: how old that may be."""
        month = (owner, month_of(job_id))
        allowed = self._fresh_seconds if seconds is None else seconds
        return read_names(await self._of(month, allowed)).get(job_id)

    async def entries(self, owner: str) -> list[Entry]:
        """Return the jobs of the last months, the newest first."""
        months = await self._months_of(owner)
        asks = [
            partial(self._of, (owner, month), self._allowed(number))
            for number, month in enumerate(months)
        ]
        found = [entry for names in await gather(asks) for entry in read_names(names).values()]
        return sorted(found, key=lambda entry: entry.order, reverse=True)

    async def add(self, owner: str, job_id: str, name: str, data: bytes = b"") -> None:
        """Write an entry; one that is there already is left as it is."""
        month = (owner, month_of(job_id))
        await self._folders.create(_folder(month), name, data)
        self._own.add(month, name)
        self._see_month(owner, month[1])

    async def replace(self, owner: str, job_id: str, name: str, data: bytes) -> None:
        """Write what stands in an entry anew."""
        await self._folders.write(_folder((owner, month_of(job_id))), name, data)

    async def read(self, owner: str, job_id: str, name: str) -> bytes:
        """Return what stands in an entry; nothing where it is gone."""
        found = await self._folders.read(_folder((owner, month_of(job_id))), name)
        return found.data if found else b""

    async def remove(self, owner: str, job_id: str) -> None:
        """Remove the entries of a job, that of its making last."""
        month = (owner, month_of(job_id))
        names = [name for name in await self._list(month) if name.startswith(f"{job_id}.")]
        names.sort(key=lambda name: ".made." in name)
        for name in names:
            await self._folders.remove_file(_folder(month), name)
            self._own.discard(month, name)
        self._names.drop(month)

    async def _of(self, month: Month, seconds: float) -> frozenset[str]:
        listed = await self._names.get(month, seconds, lambda: self._list(month))
        return listed | self._own.of(month)

    async def _list(self, month: Month) -> frozenset[str]:
        listed = await self._folders.names(_folder(month))
        return frozenset(entry.name for entry in listed if not entry.is_folder)

    async def _months_of(self, owner: str) -> tuple[str, ...]:
        async def ask() -> tuple[str, ...]:
            listed = await self._folders.names(f"{owner}/index")
            names = [entry.name for entry in listed if _MONTH.fullmatch(entry.name)]
            return tuple(sorted(names, reverse=True)[:MOST_MONTHS])

        return await self._months.get(owner, self._months_seconds(owner), ask)

    def _months_seconds(self, owner: str) -> float:
        """An owner without jobs may have made the first one elsewhere just now."""
        kept = self._months.known(owner, OLDER_SECONDS)
        return OLDER_SECONDS if kept and kept.value else self._fresh_seconds

    def _see_month(self, owner: str, month: str) -> None:
        kept = self._months.known(owner, OLDER_SECONDS)
        if kept is not None and month not in kept.value:
            self._months.drop(owner)

    def _allowed(self, number: int) -> float:
        return self._fresh_seconds if number < NEWEST else OLDER_SECONDS


class _Own:
    """What this process wrote lately, which a listing may not show yet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._written: dict[Month, dict[str, float]] = {}

    def add(self, month: Month, name: str) -> None:
        now = self._clock()
        self._written = {
            each_month: kept
            for each_month, names in self._written.items()
            if (kept := {each: at for each, at in names.items() if now - at < OLDER_SECONDS})
        }
        self._written.setdefault(month, {})[name] = now

    def discard(self, month: Month, name: str) -> None:
        self._written.get(month, {}).pop(name, None)

    def of(self, month: Month) -> frozenset[str]:
        now = self._clock()
        names = self._written.get(month, {})
        return frozenset(name for name, at in names.items() if now - at < OLDER_SECONDS)


def _folder(month: Month) -> str:
    owner, name = month
    return f"{owner}/index/{name}"
