"""Job folders in a volume of Unity Catalog, over the Files API."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mcp_jobs_server.backends.folder_paths import checked_path, no_such_file
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Slice
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound
from mcp_jobs_server.databricks.files import FilesApi
from mcp_jobs_server.databricks.volumes import create_volume
from mcp_jobs_server.databricks.workspace import Workspace
from research_contract.files import decode
from research_contract.records import ENDED, OUTCOME, REQUEST, RUN, Record

FRESH_SECONDS = 0.9
"""How old an answer about a file that can still change may be."""

CACHED_SECONDS = 3600.0
"""How long a file is cached that never changes once it exists."""

CACHED_BYTES = 32_000_000
MAX_CACHED_FILE_BYTES = 1_000_000
MAX_NAME_BYTES = 255

_BY_SERVERS = frozenset({RUN, ENDED})
"""Files that servers may write after the outcome."""

_WRITTEN_ONCE = frozenset({REQUEST, OUTCOME, ENDED})

R = TypeVar("R", bound=Record)
SliceKey = tuple[str, int, int]
"""Path, start and limit."""


class VolumeFolders:
    """``Folders`` below ``root``, a volume; schema and volume are created if missing.

    Concurrent reads of the same part of a file share a request. Answers are cached for a moment,
    files that are written once (request, outcome, entries of the index), and all files of a job
    that has its outcome, for an hour.

    Args:
        workspace: the workspace of the volume.
        root: ``/Volumes/catalog/schema/volume``.
        clock: returns seconds; only differences count.
        fresh_seconds: how old an answer about a file that can still change may be.
    """

    distant = True

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
        self._slices: SingleFlightCache[SliceKey, Slice | None] = SingleFlightCache(
            most=CACHED_BYTES, weigh=_weight, clock=clock
        )
        self._whole_files: SingleFlightCache[str, Slice] = SingleFlightCache(
            most=CACHED_BYTES, weigh=_weight, clock=clock
        )

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        path = self.location(folder, name)
        if _has_too_long_name(path):
            return None
        cached = self._whole_files.known(path, CACHED_SECONDS)
        if cached is not None:
            return _part(cached.value, start, limit)
        written_once = _is_written_once(folder, name)
        key = (path, 0, -1) if written_once else (path, start, limit)
        if self._is_final(folder, name):
            known = self._slices.known(key, CACHED_SECONDS)
            if known is not None and known.value is not None:
                return known.value
        found = await self._slices.get(key, self._fresh_seconds, partial(self._read, *key))
        if found is None or not written_once:
            return found
        if _is_complete(name, found.data):
            self._whole_files.put(path, found)
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

    async def record(self, kind: type[R], folder: str, name: str) -> R | None:
        """Return the record in a file; ``None``: it is missing, torn or not such a record.

        Raises:
            NewerFormat: the record has a newer format version.
        """
        found = await self.read(folder, name)
        return decode(kind, found.data if found else None)

    async def prepare(self) -> None:
        """Create schema and volume if missing.

        Raises:
            NotPermitted: a privilege is missing; the message names it.
        """
        await create_volume(self._workspace, self.root)

    async def names(self, folder: str, *, subfolders: bool = False) -> list[str]:
        """Return the names of the files (or subfolders) in a folder, without caching.

        A missing folder has none.
        """
        try:
            entries = await self._files.list(self.location(folder))
        except ResourceNotFound:
            return []
        return [entry.name for entry in entries if entry.is_folder == subfolders]

    async def remove_file(self, folder: str, name: str) -> None:
        """Remove a file; a missing one is removed already."""
        await self._files.remove(self.location(folder, name))
        self.forget(folder, name)

    async def remove(self, folder: str) -> None:
        """Remove a folder with all its contents, innermost first: only empty ones can be removed.

        After an interruption, call it again to continue.
        """
        try:
            await self._remove_tree(self.location(folder))
        finally:
            self.forget(folder)

    def forget(self, folder: str, name: str = "") -> None:
        """Drop cached answers about a file, or about a folder and all its contents."""
        path = self.location(folder, name)
        below = f"{path}/"
        self._whole_files.drop_where(lambda key: key == path or key.startswith(below))
        self._slices.drop_where(lambda key: key[0] == path or key[0].startswith(below))

    def _is_final(self, folder: str, name: str) -> bool:
        """Return whether the job has written its outcome, after which it changes no file."""
        outcome = self._whole_files.known(self.location(folder, OUTCOME), CACHED_SECONDS)
        return outcome is not None and name not in _BY_SERVERS and self._fresh_seconds > 0

    async def _read(self, path: str, start: int, limit: int) -> Slice | None:
        try:
            return await self._files.read(path, start=start, limit=limit)
        except ResourceNotFound:
            return None

    async def _write(self, folder: str, name: str, data: bytes, *, overwrite: bool) -> None:
        path = self.location(folder, name)
        if _has_too_long_name(path):
            raise no_such_file()
        write = partial(self._files.write, path, data, overwrite=overwrite)
        try:
            await write()
        except ResourceNotFound:
            # The volume may be missing, and the API may not create folders by itself.
            await self.prepare()
            await self._files.make_folder(path.rpartition("/")[0])
            try:
                await write()
            except ResourceNotFound as error:
                raise Unavailable(
                    "The volume of the job folders cannot be written to.",
                    "Check MCP_JOBS_VOLUME, then try again.",
                ) from error
        finally:
            self.forget(folder, name)
        if _is_written_once(folder, name) and _is_complete(name, data):
            self._whole_files.put(path, Slice(data, 0, len(data)))

    async def _remove_tree(self, path: str) -> None:
        try:
            entries = await self._files.list(path)
        except ResourceNotFound:
            return
        await gather(
            partial(
                self._remove_tree if entry.is_folder else self._files.remove,
                f"{path}/{entry.name}",
            )
            for entry in entries
        )
        await self._files.remove(path, folder=True)


def _is_written_once(folder: str, name: str) -> bool:
    return name in _WRITTEN_ONCE or "/index/" in f"/{folder}/"


def _is_complete(name: str, data: bytes) -> bool:
    """Return whether a file that is written once may be cached.

    A record ends with a newline; without it the file is only becoming visible. Entries of the index
    may be empty.
    """
    complete = data.endswith(b"\n") or name not in _WRITTEN_ONCE
    return complete and len(data) <= MAX_CACHED_FILE_BYTES


def _part(whole: Slice, start: int, limit: int) -> Slice:
    begin = start if start >= 0 else max(0, whole.size + start)
    data = whole.data[begin:]
    return Slice(data=data if limit < 0 else data[:limit], start=begin, size=whole.size)


def _has_too_long_name(path: str) -> bool:
    return any(len(part.encode()) > MAX_NAME_BYTES for part in path.split("/"))


def _weight(cached: Slice | None) -> int:
    return 200 + (len(cached.data) if cached else 0)
