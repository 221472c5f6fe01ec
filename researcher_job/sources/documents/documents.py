"""Folders and files of documents: read once, kept in an index, searched together."""

from __future__ import annotations

import hashlib
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path

import anyio
from anyio import to_thread
from filelock import FileLock, Timeout

from research_contract import records
from research_contract.configuration import volume_path
from researcher_job.sources.base import Reading
from researcher_job.sources.coverage import Tally, with_likeliest
from researcher_job.sources.document import EXTRACTOR_VERSION, Reason
from researcher_job.sources.documents.selection import Selection
from researcher_job.sources.documents.update import Update
from researcher_job.sources.documents.walk import Found, walk
from researcher_job.sources.embeddings.configured import Model
from researcher_job.sources.embeddings.vectors import Vectors
from researcher_job.sources.index.document_source import DocumentSource, Shelf
from researcher_job.sources.index.held import most_alike
from researcher_job.sources.index.index import INDEX_VERSION, Index, IndexBroken

_LOOK_AGAIN_SECONDS = 0.1
_KEPT_SECONDS = 2 * 24 * 3600.0
"""An index of a source's earlier content is kept so long after its last use, for jobs that run."""


async def open_documents(
    sources: Sequence[records.SourceRef],
    *,
    cache_dir: Path,
    reading: Reading | None = None,
    about: Sequence[str] = (),
    without: Collection[str] = (),
    model: Model | None = None,
    ahead: Model | None = None,
    make_ahead: bool = False,
) -> DocumentSource:
    """Read what is new in ``sources`` and return them ready to be searched.

    Indexes are kept in ``cache_dir`` and used again while a source's files keep names, sizes
    and times. A file or source that cannot be read is counted in the coverage and never raises.
    Of the files not read, the coverage names those first whose names share words with ``about``.
    Sources with a name in ``without`` are counted as not granted any more and never opened.
    ``reading`` is called a few times a second while files are read, and once a source at its end.
    Once it returns true, files that must still be read are counted as not reached.
    With a ``model`` the source compares by meaning, too; with ``ahead``, too slow to make vectors
    while somebody waits, as far as vectors were made before. ``make_ahead`` makes them.

    Raises:
        OSError, sqlite3.Error: ``cache_dir`` cannot be written, or the disk is full.
    """
    await to_thread.run_sync(lambda: cache_dir.mkdir(exist_ok=True))
    tally = Tally()
    shelves: list[Shelf] = []
    for source in sources:
        if source.name in without:
            tally.count_skipped(Reason.NOT_GRANTED, source.name)
            continue
        root = await to_thread.run_sync(_root, source, abandon_on_cancel=True)
        if isinstance(root, Reason):
            tally.count_skipped(root, source.name)
            continue
        opening = _Opening(root, Selection.of(source), cache_dir, tally.coverage, reading)
        index = await opening.index()
        if index is None:
            tally.include(Tally(expected=opening.found).coverage)
            continue
        tally.include(index.coverage)
        shelves.append(Shelf(source.name, root, index))
        if reading is not None:
            await reading(tally.coverage, source.name)
    coverage = await to_thread.run_sync(_told, tally.coverage, shelves, about)
    indexes = {shelf.index.path: shelf.index.embedded_texts for shelf in shelves}
    vectors = Vectors(model, indexes, cache_dir=cache_dir) if model and indexes else None
    kept = (
        Vectors(ahead, indexes, cache_dir=cache_dir, make=make_ahead) if ahead and indexes else None
    )
    return DocumentSource(shelves, coverage, vectors, kept)


def _told(
    coverage: records.Coverage, shelves: Sequence[Shelf], about: Sequence[str]
) -> records.Coverage:
    if not about or not coverage.not_read:
        return coverage
    try:
        return with_likeliest(coverage, chain(*(shelf.index.unread() for shelf in shelves)), about)
    except IndexBroken:  # whoever searches next says so
        return coverage


def _root(source: records.SourceRef) -> Path | Reason:
    parts = urllib.parse.urlsplit(source.uri)
    if parts.scheme not in ("file", "volume") or parts.netloc not in ("", "localhost"):
        return Reason.OTHER_SOURCE
    try:
        place = volume_path(source.uri) if parts.scheme == "volume" else None
        path = Path(place or urllib.request.url2pathname(parts.path))
        path.stat()
        # The path was recorded without links, so a link in it came later and was not granted.
        return path if place or path.resolve(strict=True) == path else Reason.LINKED_SOURCE
    except (OSError, ValueError, RuntimeError):
        return Reason.MISSING_SOURCE


class _Opening:
    """Opens the index of one source, bringing it up to date where the source changed.

    ``found`` counts the files of the source, once they were listed.
    """

    def __init__(
        self,
        root: Path,
        selection: Selection,
        cache_dir: Path,
        before: records.Coverage,
        reading: Reading | None,
    ) -> None:
        self._root = root
        self._selection = selection
        self._cache_dir = cache_dir
        self._before = before
        self._reading = reading
        self.found = 0
        self._source_key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]

    async def index(self) -> Index | None:
        """Return the index; of a part where that is enough, ``None`` where another job reads it."""
        files = await to_thread.run_sync(self._list, abandon_on_cancel=True)
        self.found = len(files)
        path = self._cache_dir / f"{self._source_key}-{_content_key(files)}.sqlite"
        if (ready := await to_thread.run_sync(_usable, path)) is not None and not ready.doubtful:
            return ready
        lock = FileLock(self._cache_dir / f"{self._source_key}.lock")
        if not await self._acquire(lock):
            return None
        try:
            ready = await to_thread.run_sync(_usable, path)  # built by another job meanwhile
            if ready is None or ready.doubtful:
                path = await self._update(path, files)
                ready = await to_thread.run_sync(Index, path)
                await to_thread.run_sync(self._prune, path)
            return ready
        finally:
            lock.release()

    def _list(self) -> list[Found]:
        avoid = self._cache_dir.resolve()
        return list(walk(self._root, avoid=avoid, selection=self._selection))

    async def _update(self, path: Path, files: Sequence[Found]) -> Path:
        """Read what is new, and return where the index is: ``path``, or another one for a part.

        What was read stays for the next job where this is interrupted or ended early.
        """
        update = await to_thread.run_sync(self._begun, files)
        try:
            while not await to_thread.run_sync(update.go_on):
                if await self._is_enough(update.tally.coverage, update.last):
                    path = path.with_suffix(f".{os.getpid()}.sqlite")
                    break
            await to_thread.run_sync(update.finish, path)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(update.close)
        return path

    async def _acquire(self, lock: FileLock) -> bool:
        """Wait for the lock, unless what was read is enough; return whether it is held.

        Nothing tells when another process lets go of a file, so look again.
        """
        while True:
            try:
                self._cache_dir.stat()  # the lock would make a directory anew that was moved
                lock.acquire(blocking=False)
            except Timeout:
                if await self._is_enough(records.Coverage(), ""):
                    return False
                await anyio.sleep(_LOOK_AGAIN_SECONDS)
            else:
                return True

    async def _is_enough(self, coverage: records.Coverage, last: str) -> bool:
        """Tell what was read, and return whether that is enough."""
        if self._reading is None:
            return False
        together = Tally()
        together.include(self._before)
        together.include(coverage)
        return await self._reading(together.coverage, last or self._root.name)

    def _begun(self, files: Sequence[Found]) -> Update:
        """Begin with the last index of this source; else with that of another it is a copy of."""
        finished = sorted(self._cache_dir.glob("*-*.sqlite"), key=_used, reverse=True)
        own = set(self._finished())
        earlier = [path for path in finished if path in own]
        others = [path for path in finished if path not in own]
        if not earlier and (
            alike := most_alike(others, {(one.address, one.size) for one in files})
        ):
            earlier = [alike]
        draft = self._cache_dir / f"{self._source_key}.draft"
        return Update(draft, earlier, files, others=others)

    def _prune(self, path: Path) -> None:
        """Remove indexes of earlier content of this source that nobody used for long."""
        for other in self._finished():
            if other != path and time.time() - _used(other) > _KEPT_SECONDS:
                other.unlink(missing_ok=True)

    def _finished(self) -> Iterator[Path]:
        return self._cache_dir.glob(f"{self._source_key}-*.sqlite")


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another job removed it
        return 0.0


def _content_key(files: Sequence[Found]) -> str:
    digest = hashlib.sha256(f"{EXTRACTOR_VERSION}.{INDEX_VERSION}".encode())
    for found in files:
        reason = found.reason.name if found.reason else ""
        digest.update(f"\0{found.address}\0{found.signature}\0{reason}".encode())
    return digest.hexdigest()[:32]


def _usable(path: Path) -> Index | None:
    """Return the index at ``path`` and note its use, ``None`` where there is none to use."""
    try:
        index = Index(path)
        os.utime(path)
    except (IndexBroken, OSError):
        return None
    return index
