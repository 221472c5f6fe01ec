"""Folders and files of documents: read once, kept in an index, searched together."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import anyio
from anyio import to_thread
from filelock import FileLock, Timeout

from researcher_job import contract
from researcher_job.sources.base import Library, Reading
from researcher_job.sources.coverage import Tally
from researcher_job.sources.document import EXTRACTOR_VERSION, Document, Reason, Unreadable
from researcher_job.sources.index import Index, IndexBroken, IndexWriter
from researcher_job.sources.library import DocumentLibrary, Shelf
from researcher_job.sources.readers import reader_for
from researcher_job.sources.walk import Found, read, walk

_LOOK_AGAIN_SECONDS = 0.1
_KEPT_SECONDS = 14 * 24 * 3600.0
"""An index of a source's earlier content is kept so long after its last use."""


async def open_library(
    sources: Sequence[contract.Source], *, cache_dir: Path, reading: Reading | None = None
) -> Library:
    """Read what is new in ``sources`` and return them ready to be searched.

    Indexes are kept in ``cache_dir`` and used again while a source's files keep names, sizes
    and times. A file or source that cannot be read is counted in the coverage and never raises.
    ``reading`` is called after every file, and once for a source that had not changed.

    Raises:
        OSError, sqlite3.Error: ``cache_dir`` cannot be written, or the disk is full.
    """
    await to_thread.run_sync(lambda: cache_dir.mkdir(parents=True, exist_ok=True))
    tally = Tally()
    shelves: list[Shelf] = []
    for source in sources:
        root = await to_thread.run_sync(_root, source, abandon_on_cancel=True)
        if isinstance(root, Reason):
            tally.count_skipped(root, source.name)
            continue
        index = await _Opening(root, cache_dir, tally.coverage, reading).index()
        tally.include(index.coverage)
        shelves.append(Shelf(source.name, root, index))
        if reading is not None:
            await reading(tally.coverage, source.name)
    return DocumentLibrary(shelves, tally.coverage)


def _root(source: contract.Source) -> Path | Reason:
    parts = urllib.parse.urlsplit(source.uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return Reason.OTHER_SOURCE
    try:
        return Path(urllib.request.url2pathname(parts.path)).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return Reason.MISSING_SOURCE


class _Opening:
    """Opens the index of one source, building it where its content is new."""

    def __init__(
        self, root: Path, cache_dir: Path, before: contract.Coverage, reading: Reading | None
    ) -> None:
        self._root = root
        self._cache_dir = cache_dir
        self._before = before
        self._reading = reading
        self._source_key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]

    async def index(self) -> Index:
        files = await to_thread.run_sync(self._list, abandon_on_cancel=True)
        path = self._cache_dir / f"{self._source_key}-{_content_key(files)}.sqlite"
        if (ready := await to_thread.run_sync(_usable, path)) is not None:
            return ready
        lock = FileLock(self._cache_dir / f"{self._source_key}.lock")
        await _acquire(lock)
        try:
            ready = await to_thread.run_sync(_usable, path)  # built by another job meanwhile
            if ready is None:
                await self._build(path, files)
                ready = await to_thread.run_sync(Index, path)
                await to_thread.run_sync(self._prune, path)
            return ready
        finally:
            lock.release()

    def _list(self) -> list[Found]:
        return list(walk(self._root, avoid=self._cache_dir.resolve()))

    async def _build(self, path: Path, files: Sequence[Found]) -> None:
        writer = await to_thread.run_sync(IndexWriter, path)
        tally = Tally(expected=len(files))
        try:
            for found in files:
                document = await to_thread.run_sync(_document, found, abandon_on_cancel=True)
                if isinstance(document, Reason):
                    tally.count_skipped(document, found.name or found.path.name)
                else:
                    tally.count_read()
                    await to_thread.run_sync(_add, writer, document, found)
                await self._tell(tally, found)
            await to_thread.run_sync(writer.finish, tally.coverage)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(writer.discard)

    async def _tell(self, tally: Tally, found: Found) -> None:
        if self._reading is None:
            return
        together = Tally()
        together.include(self._before)
        together.include(tally.coverage)
        await self._reading(together.coverage, found.name or found.path.name)

    def _prune(self, path: Path) -> None:
        """Remove indexes of earlier content of this source that nobody used for long."""
        for other in self._cache_dir.glob(f"{self._source_key}-*.sqlite"):
            unused = time.time() - other.stat().st_mtime
            if other != path and unused > _KEPT_SECONDS:
                other.unlink(missing_ok=True)


async def _acquire(lock: FileLock) -> None:
    """Wait for the lock. Nothing tells when another process lets go of a file, so look again."""
    while True:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            await anyio.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return


def _content_key(files: Sequence[Found]) -> str:
    digest = hashlib.sha256(f"{EXTRACTOR_VERSION}".encode())
    for found in files:
        reason = found.reason.name if found.reason else ""
        digest.update(f"\0{found.address}\0{found.size}\0{found.mtime_ns}\0{reason}".encode())
    return digest.hexdigest()[:32]


def _usable(path: Path) -> Index | None:
    """Return the index at ``path`` and note its use, ``None`` where there is none to use."""
    try:
        index = Index(path)
        os.utime(path)
    except (IndexBroken, OSError):
        return None
    return index


def _document(found: Found) -> Document | Reason:
    reader = reader_for(found.name or found.path.name) if found.reason is None else None
    if reader is None:
        return found.reason or Reason.UNKNOWN
    try:
        return reader(read(found), found.name or found.path.name)
    except Unreadable as error:
        return error.reason


def _add(writer: IndexWriter, document: Document, found: Found) -> None:
    writer.add(document, name=found.name or found.path.name, address=found.address)
