"""The index of an owner's jobs: small files whose names have all that lists need.

``<owner>/index/<yyyy-mm>/<entry>``, in the month of the job's id. One listing of a month shows all
its jobs. Entries are only added, and adding one twice changes nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial

from mcp_jobs_server.backends.lakeflow.index_names import IndexEntry, read_names
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.single_flight import SingleFlightCache
from research_contract.records import month_of

FRESH_SECONDS = 2.0
"""How old the listings of the newest months may be."""

OLDER_SECONDS = 60.0
"""How old the listings of earlier months, and the list of months, may be."""

NEWEST = 2
"""Number of months that change: jobs are made in one, and end in the one before as well."""

MAX_MONTHS = 12
"""Months that lists go back."""

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


class Index:
    """The entries of all owners, cached for a moment.

    An entry that this process has written is visible to it at once, even if listings show it later.
    """

    def __init__(
        self,
        folders: VolumeFolders,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._names: SingleFlightCache[str, list[str]] = SingleFlightCache(
            most=200_000, weigh=len, clock=clock
        )
        self._months: SingleFlightCache[str, list[str]] = SingleFlightCache(most=2_000, clock=clock)
        self._written: dict[tuple[str, str], float] = {}

    async def entry(
        self, owner: Owner, job_id: str, *, max_age: float | None = None
    ) -> IndexEntry | None:
        """Return the entries of one job; ``max_age`` in seconds."""
        seconds = self._fresh_seconds if max_age is None else max_age
        return read_names(await self._list(_folder(owner, job_id), seconds)).get(job_id)

    async def entries(self, owner: Owner) -> list[IndexEntry]:
        """Return the entries of the jobs of the last months, newest first."""
        root = f"{owner.folder}/index"
        known = self._months.known(root, OLDER_SECONDS)
        # An owner without jobs may have made the first one through another server just now.
        seconds = OLDER_SECONDS if known and known.value else self._fresh_seconds
        subfolders = await self._months.get(
            root, seconds, partial(self._folders.names, root, subfolders=True)
        )
        months = sorted(filter(_MONTH.fullmatch, subfolders), reverse=True)[:MAX_MONTHS]
        listings = await gather(
            partial(
                self._list,
                f"{root}/{month}",
                self._fresh_seconds if number < NEWEST else OLDER_SECONDS,
            )
            for number, month in enumerate(months)
        )
        entries = [entry for names in listings for entry in read_names(names).values()]
        return sorted(entries, key=lambda entry: (entry.created_at, entry.job_id), reverse=True)

    async def add(self, owner: Owner, job_id: str, name: str, data: bytes = b"") -> None:
        """Write an entry; an existing one is left as it is."""
        folder = _folder(owner, job_id)
        await self._folders.create(folder, name, data)
        now = self._clock()
        recent = {key: at for key, at in self._written.items() if now - at < OLDER_SECONDS}
        self._written = {**recent, (folder, name): now}
        root, _, month = folder.rpartition("/")
        known = self._months.known(root, OLDER_SECONDS)
        if known is not None and month not in known.value:
            self._months.drop(root)

    async def replace(self, owner: Owner, job_id: str, name: str, data: bytes) -> None:
        """Replace the content of an entry."""
        await self._folders.write(_folder(owner, job_id), name, data)

    async def read(self, owner: Owner, job_id: str, name: str) -> bytes:
        """Return the content of an entry; empty if there is none."""
        found = await self._folders.read(_folder(owner, job_id), name)
        return found.data if found else b""

    async def remove(self, owner: Owner, job_id: str) -> None:
        """Remove the entries of a job; the entry of its creation is removed last."""
        folder = _folder(owner, job_id)
        names = await self._folders.names(folder)
        own = [name for name in names if name.startswith(f"{job_id}.")]
        for name in sorted(own, key=lambda name: ".made." in name):
            await self._folders.remove_file(folder, name)
            self._written.pop((folder, name), None)
        self._names.drop(folder)

    async def _list(self, folder: str, max_age: float) -> set[str]:
        """Return the names of a month's entries, including those written lately."""
        listed = await self._names.get(folder, max_age, partial(self._folders.names, folder))
        now = self._clock()
        written = {
            name
            for (month, name), at in self._written.items()
            if month == folder and now - at < OLDER_SECONDS
        }
        return written.union(listed)


def _folder(owner: Owner, job_id: str) -> str:
    return f"{owner.folder}/index/{month_of(job_id)}"
