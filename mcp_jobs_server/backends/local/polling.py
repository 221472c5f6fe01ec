"""Tells who waits for a job that something happened to it: one look for all, while any wait."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread

from mcp_jobs_server.backends.changes import Watch
from mcp_jobs_server.backends.lifecycle import RunInBackground
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import Store
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job
from research_contract.records import STATUS

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
ENSURE_SECONDS = 3.0
"""How often it is made sure, while anyone waits, that a runner is there."""

Mark = tuple[object, ...]


class Ticker:
    """Looks every 100 ms at the database's version and the status file of each waited job."""

    def __init__(
        self,
        database: Database,
        layout: Layout,
        run: RunInBackground,
        ensure: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._store = Store(database)
        self._layout = layout
        self._run = run
        self._ensure = ensure
        self._watches: dict[str, set[Watch]] = {}
        self._folders: dict[str, str] = {}
        self._seen: dict[str, Mark] = {}
        self._rows: tuple[int, dict[str, Mark]] = (-1, {})
        self._ticking = False

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[Watch]:
        """Subscribe to the job; what happens from now on wakes the watch."""
        watch = Watch()
        self._watches.setdefault(job.id, set()).add(watch)
        self._folders[job.id] = job.folder
        try:
            if job.id not in self._seen:
                found = await to_thread.run_sync(self._marks, {job.id: job.folder})
                self._seen.setdefault(job.id, found[job.id])
            self._start()
            yield watch
        finally:
            self._forget(job.id, watch)

    def _forget(self, job_id: str, watch: Watch) -> None:
        watches = self._watches.get(job_id, set())
        watches.discard(watch)
        if not watches:
            for kept in (self._watches, self._folders, self._seen):
                kept.pop(job_id, None)

    def _start(self) -> None:
        if not self._ticking:
            self._run(self._tick)
            self._ticking = True

    async def _tick(self) -> None:
        """Look until nobody waits any more."""
        ensured = 0.0
        try:
            while self._watches:
                if anyio.current_time() - ensured > ENSURE_SECONDS:
                    ensured = anyio.current_time()
                    await self._ensure()
                await anyio.sleep(TICK_SECONDS)
                await self._look()
        finally:
            self._ticking = False

    async def _look(self) -> None:
        try:
            found = await to_thread.run_sync(self._marks, dict(self._folders))
        except JobsError as error:
            # Let those who wait look for themselves: they get the error in words.
            log.warning("What became of jobs could not be looked up. %s", error)
            found = dict.fromkeys(self._folders, ())
        for job_id, mark in found.items():
            if self._seen.get(job_id, mark) != mark:
                for watch in self._watches.get(job_id, ()):
                    watch.wake()
            if job_id in self._watches:
                self._seen[job_id] = mark

    def _marks(self, folders: dict[str, str]) -> dict[str, Mark]:
        version = self._database.data_version()
        seen, rows = self._rows
        if version != seen or not folders.keys() <= rows.keys():
            rows = dict.fromkeys(folders, ()) | self._store.marks(folders)
            self._rows = (version, rows)
        return {
            job_id: (*rows[job_id], self._written(folder)) for job_id, folder in folders.items()
        }

    def _written(self, folder: str) -> tuple[int, int] | None:
        try:
            found = (self._layout.jobs / folder / STATUS).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
