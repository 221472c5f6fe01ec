"""Polls the jobs that callers wait for: one look for all of them, while any caller waits."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from mcp_jobs_server.backends.changes import Subscription
from mcp_jobs_server.backends.lifecycle import RunInBackground
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job
from research_contract.records import STATUS

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
ENSURE_SECONDS = 3.0
"""How often a runner process is ensured while any caller waits."""

Mark = tuple[object, ...]
"""Changes whenever reading the job again would show something new."""


@dataclass(eq=False)
class Polling:
    """Wakes the subscribers of changed jobs.

    Every 100 ms it compares the version of the database and the status file of each job.

    Args:
        database: the job database.
        paths: the data directory.
        run: starts a background task.
        ensure_runner: called now and then, so that a waiting caller's job gets a runner.
    """

    database: Database
    paths: DataPaths
    run: RunInBackground
    ensure_runner: Callable[[], Awaitable[None]]
    _subscriptions: dict[str, set[Subscription]] = field(default_factory=dict, init=False)
    _folders: dict[str, str] = field(default_factory=dict, init=False)
    _marks: dict[str, Mark] = field(default_factory=dict, init=False)
    _rows: tuple[object, dict[str, Mark]] = field(default_factory=lambda: (None, {}), init=False)
    _polling: bool = field(default=False, init=False)

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[Subscription]:
        """Subscribe to the job: changes from now on wake the subscription."""
        subscription = Subscription()
        self._subscriptions.setdefault(job.id, set()).add(subscription)
        self._folders[job.id] = job.folder
        try:
            if job.id not in self._marks:
                marks = await to_thread.run_sync(self._read_marks, {job.id: job.folder})
                self._marks.setdefault(job.id, marks[job.id])
            if not self._polling:
                self.run(self._poll)
                self._polling = True
            yield subscription
        finally:
            others = self._subscriptions.get(job.id, set())
            others.discard(subscription)
            if not others:
                for by_job in (self._subscriptions, self._folders, self._marks):
                    by_job.pop(job.id, None)

    async def _poll(self) -> None:
        """Poll until no caller waits any more."""
        ensured_at = 0.0
        try:
            while self._subscriptions:
                if anyio.current_time() - ensured_at > ENSURE_SECONDS:
                    ensured_at = anyio.current_time()
                    await self.ensure_runner()
                await anyio.sleep(POLL_SECONDS)
                try:
                    marks = await to_thread.run_sync(self._read_marks, dict(self._folders))
                except JobsError as error:
                    # Wake all: a caller that reads its job then gets the error.
                    log.warning("Jobs could not be polled. %s", error)
                    marks = dict.fromkeys(self._folders, ())
                for job_id, mark in marks.items():
                    if self._marks.get(job_id, mark) != mark:
                        for subscription in self._subscriptions.get(job_id, ()):
                            subscription.wake()
                    if job_id in self._subscriptions:
                        self._marks[job_id] = mark
        finally:
            self._polling = False

    def _read_marks(self, folders: dict[str, str]) -> dict[str, Mark]:
        """Return the mark of each job; ``folders`` has their folders by job id."""
        version = self.database.data_version()
        version_read, rows = self._rows
        if version != version_read or not folders.keys() <= rows.keys():
            rows = dict.fromkeys(folders, ()) | JobStore(self.database).marks(folders)
            self._rows = (version, rows)
        marks: dict[str, Mark] = {}
        for job_id, folder in folders.items():
            try:
                found = (self.paths.jobs / folder / STATUS).stat()
                status = (found.st_mtime_ns, found.st_size)
            except OSError:
                status = None
            marks[job_id] = (*rows[job_id], status)
        return marks
