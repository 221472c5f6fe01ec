"""The server's side of jobs on this machine. It records and asks; runner processes do the work."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from mcp_jobs_server.backends.lifecycle import Lifecycle
from mcp_jobs_server.backends.local.blockers import Hindrance
from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.polling import Ticker
from mcp_jobs_server.backends.local.processes.launch import Launching
from mcp_jobs_server.backends.local.processes.os_processes import (
    ENDS_WITH_CLIENT,
    MAY_END_WITH_CLIENT,
    ending,
)
from mcp_jobs_server.backends.local.store.database import Database, translated
from mcp_jobs_server.backends.local.store.jobs import Store
from mcp_jobs_server.backends.local.store.profiles import Profiles, profile_of
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.backends.local.store.removal import Removal
from mcp_jobs_server.backends.local.takeover import GRACE_SECONDS, Adoption
from mcp_jobs_server.backends.runner import Changes
from mcp_jobs_server.core.errors import JobsError, Unavailable
from mcp_jobs_server.core.models import Job, JobState, Owner, Started, StartOptions, StopMode, Usage
from mcp_jobs_server.core.settings import Settings
from research_contract.files import encode
from research_contract.records import ENDED, FINISH_NOW, REQUEST, STOP, Ended, Request

log = logging.getLogger(__name__)

T = TypeVar("T")

JOB_COMMAND = (sys.executable, "-m", "researcher_job")
LEAST_FREE_BYTES = 50_000_000
"""No job is started where the disk of the data directory has less room than this."""


class LocalRunner(Lifecycle):
    """``Runner`` over SQLite and detached processes; use it as an async context manager.

    Several of them, in one process or many, may share a data directory. Leaving ends what
    tells of changes, never a job. ``job_command`` is the program that does a job (see
    ``attempt.py`` for what it is given); another command is another profile.
    ``hang_seconds`` is how long a job may go without a heartbeat, ``busy_seconds`` how long a
    call waits for a database that another process writes, ``keep_seconds`` how often it is
    looked whether there is work and no runner, ``adopt_seconds`` how long jobs of other
    profiles may be without a runner until this one takes them over.
    ``survives_client`` turns false where the system ends jobs together with the client.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        job_command: Sequence[str] = JOB_COMMAND,
        least_free_bytes: int = LEAST_FREE_BYTES,
        hang_seconds: float = RunnerOptions.hang_seconds,
        busy_seconds: float = 5.0,
        keep_seconds: float = 10.0,
        adopt_seconds: float = GRACE_SECONDS,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._least_free_bytes = least_free_bytes
        self._options = options_of(settings, job_command, hang_seconds=hang_seconds)
        self._layout = Layout(self._options.data_dir)
        self._database = Database(self._layout, busy_seconds=busy_seconds)
        self._store = Store(self._database)
        self._removal = Removal(self._store, self._layout)
        self._queue = Queue(self._database, self._options.profile)
        self._folders = DirectoryFolders(self._layout.jobs)
        self._launching = Launching(self._options, self._layout)
        self._hindrance = Hindrance(self._layout.root)
        self._profile = profile_of(settings, self._options)
        self._profile_recorded = False
        self._adoption = Adoption(
            self._database, self._layout, self._profile, grace_seconds=adopt_seconds
        )
        self._ticker = Ticker(
            self._database, self._layout, self._run_in_background, self._ensure_quietly
        )
        self.survives_client = True
        self.startup_seconds = 0.0

    def _start_background_tasks(self) -> None:
        self._run_in_background(self._finish_removals)
        self._run_in_background(self._keep_runner)

    def _release(self) -> None:
        self._database.close()

    @property
    def data_dir(self) -> Path:
        """Directory of all data; job folders are below its ``jobs``."""
        return self._layout.root

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        self._require_entered()
        started, launcher = await to_thread.run_sync(partial(self._start, request, owner, options))
        if MAY_END_WITH_CLIENT:
            await self._reap(launcher)  # so that the first answer can say it
        else:
            self._run_in_background(self._reap, launcher)
        if started.created:
            await self._note(started.job, REQUEST, encode(request))
        return started

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        read = partial(self._store.earlier, request, owner=owner, options=options)
        return await self._look(read)

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        return await self._look(partial(self._store.usage, owner, since))

    async def waiting(self) -> int:
        return await self._look(self._store.waiting)

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        found = await self._look(partial(self._store.job, owner, job_id))
        return self._hindrance.told([found])[0] if found else None

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        return self._hindrance.told(await self._look(partial(self._store.match, owner, prefix)))

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        look = partial(self._store.active, owner, limit=limit, before=before)
        return self._hindrance.told(await self._look(look))

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        return await self._look(partial(self._store.ended, owner, limit=limit, before=before))

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        return await self._look(partial(self._store.unfetched, owner, since=since, limit=limit))

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        return await self._look(partial(self._store.counts, owner))

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        job = await to_thread.run_sync(partial(self._stop, owner, job_id, mode))
        if job is None or (job.ended and job.state != "cancelled"):
            return job
        if job.ended:
            ended = Ended(
                state="cancelled", attempts=job.attempt, ended_at=job.ended_at or self._clock()
            )
            await self._note(job, ENDED, encode(ended))
        else:
            await self._note(job, STOP if job.requested == "stop" else FINISH_NOW, b"")
            await self._ensure_quietly()
        return job

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        await to_thread.run_sync(self._store.fetched, owner, job_id, at)

    async def remove(self, owner: Owner, job_id: str) -> bool:
        return await to_thread.run_sync(self._remove, owner, job_id)

    async def _finish_removals(self) -> None:
        try:
            await to_thread.run_sync(self._finish_removing)
        except JobsError as error:
            log.warning("An interrupted removal could not be finished. %s", error)

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        return await self._look(partial(self._store.typical_seconds, owner, request))

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        self._require_entered()
        return self._ticker.changes(job)

    async def ensure_runner(self) -> None:
        """Launch a runner process where there is work and none looks after it.

        Raises:
            Unavailable: the data directory cannot be used, or no process can be started.
        """
        await self._reap(await to_thread.run_sync(self._ensure))

    async def _look(self, read: Callable[[], T]) -> T:
        """Read from the database: at once where it is open, since a reader waits for nobody and
        takes less time than asking a thread; opening it may take long and is done in one."""
        return read() if self._database.open else await to_thread.run_sync(read)

    async def _reap(self, launcher: subprocess.Popen[bytes] | None) -> None:
        """Wait for the launcher, which takes some milliseconds, also while this is left."""
        if launcher is None:
            return
        with anyio.CancelScope(shield=True):
            code = await to_thread.run_sync(launcher.wait)
        if code == ENDS_WITH_CLIENT:
            self.survives_client = False
        elif code != 0:
            log.warning("The launcher of the runner %s.", ending(code))
            self._launching.failed()

    async def _keep_runner(self) -> None:
        """Bring back a runner that was killed or never came up, also while nobody waits."""
        while True:
            await self._ensure_quietly()
            await anyio.sleep(self._keep_seconds)

    async def _ensure_quietly(self) -> None:
        try:
            await self.ensure_runner()
            self._hindrance.trouble = None
        except JobsError as error:
            if str(error) != str(self._hindrance.trouble):
                log.warning("No runner could be launched; it is tried again later. %s", error)
            self._hindrance.trouble = error

    async def _note(self, job: Job, name: str, data: bytes) -> None:
        """Write a file that the runner writes as well, should this fail."""
        try:
            await self._folders.create(job.folder, name, data)
        except JobsError as error:
            log.warning("%s of job %s could not be written. %s", name, job.id, error)

    # What follows blocks; it runs in a worker thread.

    def _start(
        self, request: Request, owner: Owner, options: StartOptions
    ) -> tuple[Started, subprocess.Popen[bytes] | None]:
        with translated():
            self._layout.make()
            self._refuse_full_disk()
            self._record_profile()
            started = self._store.start(
                request, owner=owner, options=options, profile=self._options.profile
            )
        if started.job.ended:
            return started, None
        try:
            return started, self._launching.launch_if_missing()
        except OSError as error:
            # The row is the commit of a start: whoever looks next launches the runner.
            log.warning("No runner could be launched; it is tried again later. %s", error)
            return started, None

    def _record_profile(self) -> None:
        if not self._profile_recorded:
            Profiles(self._database).record(self._profile)
            self._profile_recorded = True

    def _refuse_full_disk(self) -> None:
        if shutil.disk_usage(self._layout.root).free < self._least_free_bytes:
            raise Unavailable(
                "The disk that holds the job folders is almost full.",
                f"Free at least {self._least_free_bytes // 1_000_000} MB and try again.",
            )

    def _stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        return self._store.stop(owner, job_id, mode, at=self._clock())

    def _remove(self, owner: Owner, job_id: str) -> bool:
        with translated():
            return self._removal.remove(owner, job_id)

    def _finish_removing(self) -> None:
        with translated():
            if self._database.exists:
                self._removal.finish()

    def _ensure(self) -> subprocess.Popen[bytes] | None:
        with translated():
            if not self._database.exists:
                return None
            self._adoption.look(self._clock())
            if not self._queue.has_work():
                return None
            return self._launching.bring_back(ready=self._database.prove_writable)


def options_of(
    settings: Settings,
    job_command: Sequence[str] = JOB_COMMAND,
    *,
    hang_seconds: float = RunnerOptions.hang_seconds,
) -> RunnerOptions:
    """Return what the runner processes of these settings are told."""
    command = tuple(job_command)
    return RunnerOptions(
        data_dir=settings.data_dir,
        profile=_profile(settings, command),
        job_command=command,
        max_running=settings.max_running,
        stop_grace_seconds=settings.stop_grace_seconds,
        finish_grace_seconds=settings.finish_grace_seconds,
        report_seconds=settings.report_seconds,
        hang_seconds=hang_seconds,
    )


def _profile(settings: Settings, command: tuple[str, ...]) -> str:
    if command == JOB_COMMAND:
        return settings.profile
    return hashlib.sha256("\0".join((settings.profile, *command)).encode()).hexdigest()[:12]


def stop_all(settings: Settings, *, wait_seconds: float) -> int:
    """End all runner processes of the data directory and the processes of their jobs.

    Nothing is lost and nothing charged: a job that was being stopped is cancelled, what runs
    is queued again, and goes on from its folder when the next server or command ensures a
    runner, at once where a server is in use. Returns how many runner processes were ended.

    Raises:
        Unavailable: some process does not end within ``wait_seconds``, or the data directory
            cannot be used.
        NewerVersion: the processes are ended; the jobs are left to a newer program.
    """
    from mcp_jobs_server.backends.local.processes.stop_all import end_processes, release_jobs

    layout = Layout(settings.data_dir)
    ended = end_processes(layout, wait_seconds=wait_seconds)
    try:
        with translated():
            if layout.database.exists():
                release_jobs(layout, options_of(settings))
    except Unavailable as error:
        stopped = f"The runners are stopped ({ended}), but their jobs could not be settled:"
        raise Unavailable(f"{stopped} {error.message}", error.hint) from error
    return ended
