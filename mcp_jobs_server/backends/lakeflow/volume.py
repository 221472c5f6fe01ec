"""Job folders in a volume of Unity Catalog, over the Files API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from mcp_jobs_server.backends.folder_paths import checked_path, no_such_file
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Slice
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound
from mcp_jobs_server.databricks.files import DirectoryEntry, FilesApi
from mcp_jobs_server.databricks.volumes import create_volume
from mcp_jobs_server.databricks.workspace import Workspace
from research_contract.records import ENDED, OUTCOME, REQUEST

FRESH_SECONDS = 0.9
"""How old may be what is returned of a file that can still change."""

KEPT_SECONDS = 3600.0
"""How long a file is kept that never changes once it is there."""

KEPT_BYTES = 32_000_000
LARGEST_KEPT = 1_000_000
LONGEST_NAME = 255

_WRITTEN_ONCE = frozenset({REQUEST, OUTCOME, ENDED})
_INDEX = "index/"

Asked = tuple[str, int, int]


class VolumeFolders:
    """``Folders`` below ``root``, a volume's path; schema and volume are made when missing.

    Readers of the same part of a file share a request. What was read is kept for a moment, files
    that are written once (request, outcome, entries of the index) for an hour.

    Args:
        workspace: where the volume is.
        root: ``/Volumes/catalog/schema/volume``.
        clock: seconds; only differences count.
        fresh_seconds: how old an answer about a file that may change can be.
    """

    def __init__(
        self,
        workspace: Workspace,
        root: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self.root = root
        self._workspace = workspace
        self._files = FilesApi(workspace)
        self._fresh_seconds = fresh_seconds
        self._slices: SingleFlightCache[Asked, Slice | None] = SingleFlightCache(
            most=KEPT_BYTES, weigh=_weight, clock=clock
        )
        self._once: SingleFlightCache[str, Slice] = SingleFlightCache(
            most=KEPT_BYTES, weigh=_weight, clock=clock
        )

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        path = self.location(folder, name)
        if _too_long(path):
            return None
        kept = self._once.known(path, KEPT_SECONDS)
        if kept is not None:
            return _part(kept.value, start, limit)
        if _written_once(folder, name):
            start_asked, limit_asked = 0, -1
        else:
            start_asked, limit_asked = start, limit
        found = await self._slices.get(
            (path, start_asked, limit_asked),
            self._fresh_seconds,
            lambda: self._read(path, start_asked, limit_asked),
        )
        if found is None or not _written_once(folder, name):
            return found
        if _whole(folder, found.data):
            self._once.put(path, found)
        return _part(found, start, limit)

    async def write(self, folder: str, name: str, data: bytes) -> None:
        await self._write(folder, name, data, overwrite=True)

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        try:
            await self._write(folder, name, data, overwrite=False)
        except ResourceExists:
            return False
        return True

    def location(self, folder: str, name: str = "") -> str:
        return f"{self.root}/{checked_path(folder, name)}"

    async def prepare(self) -> None:
        """Make schema and volume where they are missing.

        Raises:
            NotPermitted: the privilege that is missing is named.
        """
        await create_volume(self._workspace, self.root)

    async def names(self, folder: str) -> Sequence[DirectoryEntry]:
        """Return what is in a folder; nothing where there is no such folder. Never kept."""
        try:
            return await self._files.list(self.location(folder))
        except ResourceNotFound:
            return ()

    async def remove_file(self, folder: str, name: str) -> None:
        """Remove a file; one that is not there is removed already."""
        path = self.location(folder, name)
        await self._files.remove(path)
        self._forget(path)

    async def remove(self, folder: str) -> None:
        """Remove a folder with all in it, the innermost first: only empty ones can be removed.

        Done again it goes on where it was interrupted.
        """
        path = self.location(folder)
        try:
            await self._empty(path)
        finally:
            self._forget(path)

    async def _empty(self, path: str) -> None:
        try:
            entries = await self._files.list(path)
        except ResourceNotFound:
            return
        await gather(
            partial(self._empty if entry.is_folder else self._files.remove, f"{path}/{entry.name}")
            for entry in entries
        )
        await self._files.remove(path, folder=True)

    def forget(self, folder: str) -> None:
        """Read the files of a folder anew when they are asked for next."""
        self._forget(self.location(folder))

    def _forget(self, path: str) -> None:
        below = f"{path}/"
        self._once.drop_where(lambda key: key == path or key.startswith(below))
        self._slices.drop_where(lambda key: key[0] == path or key[0].startswith(below))

    async def _read(self, path: str, start: int, limit: int) -> Slice | None:
        try:
            return await self._files.read(path, start=start, limit=limit)
        except ResourceNotFound:
            return None

    async def _write(self, folder: str, name: str, data: bytes, *, overwrite: bool) -> None:
        path = self.location(folder, name)
        if _too_long(path):
            raise no_such_file()
        try:
            await self._put(path, data, overwrite=overwrite)
        finally:
            self._forget(path)
        if _written_once(folder, name) and _whole(folder, data):
            self._once.put(path, Slice(data, 0, len(data)))

    async def _put(self, path: str, data: bytes, *, overwrite: bool) -> None:
        try:
            await self._files.write(path, data, overwrite=overwrite)
        except ResourceNotFound:
            # The volume may be missing, or the API may not make folders by itself.
            await self.prepare()
            await self._files.make_folder(path.rpartition("/")[0])
            try:
                await self._files.write(path, data, overwrite=overwrite)
            except ResourceNotFound as error:
                raise Unavailable(
                    "The volume of the job folders cannot be written to.",
                    "Check MCP_JOBS_VOLUME, then try again.",
                ) from error


def _written_once(folder: str, name: str) -> bool:
    return name in _WRITTEN_ONCE or f"/{_INDEX}" in f"/{folder}/"


def _whole(folder: str, data: bytes) -> bool:
    """Say whether a file that is written once is there whole, not just appearing."""
    return (data.endswith(b"\n") or f"/{_INDEX}" in f"/{folder}/") and len(data) <= LARGEST_KEPT


def _part(whole: Slice, start: int, limit: int) -> Slice:
    begin = start if start >= 0 else max(0, whole.size + start)
    data = whole.data[begin:]
    return Slice(data=data if limit < 0 else data[:limit], start=begin, size=whole.size)


def _too_long(path: str) -> bool:
    return any(len(part.encode()) > LONGEST_NAME for part in path.split("/"))


def _weight(found: Slice | None) -> int:
    return 200 + (len(found.data) if found else 0)
