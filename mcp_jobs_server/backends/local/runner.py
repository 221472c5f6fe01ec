"""``Runner`` of this machine, as the server uses it: it writes rows and launches runner processes.

The runner processes run the jobs.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from mcp_jobs_server.backends.lifecycle import Lifecycle
from mcp_jobs_server.backends.local.blockers import with_blockers
from mcp_jobs_server.backends.local.damage import fail_damaged
from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.options import JOB_COMMAND, RunnerOptions, runner_options
from mcp_jobs_server.backends.local.paths import DataPaths, FileId
from mcp_jobs_server.backends.local.polling import Polling
from mcp_jobs_server.backends.local.processes.launch import RunnerLauncher
from mcp_jobs_server.backends.local.processes.os_processes import (
    ENDS_WITH_CLIENT,
    MAY_END_WITH_CLIENT,
    describe_exit,
)
from mcp_jobs_server.backends.local.rebuild import UNLISTED, Rebuilt, rebuild, unlisted
from mcp_jobs_server.backends.local.store.database import Database, translate_errors
from mcp_jobs_server.backends.local.store.jobs import JobStore
from mcp_jobs_server.backends.local.store.profiles import Profiles, profile_of
from mcp_jobs_server.backends.local.store.queue import Queue
from mcp_jobs_server.backends.local.store.removal import Removal
from mcp_jobs_server.backends.local.takeover import GRACE_SECONDS, Takeover
from mcp_jobs_server.backends.runner import Changes
from mcp_jobs_server.core.errors import JobsError, Unavailable
from mcp_jobs_server.core.models import Job, JobState, Owner, Started, StartOptions, StopMode, Usage
from mcp_jobs_server.core.settings import Settings
from research_contract.files import encode
from research_contract.records import ENDED, FINISH_NOW, REQUEST, STOP, Ended, Request

log = logging.getLogger(__name__)

T = TypeVar("T")

MIN_FREE_BYTES = 50_000_000
"""Free space on the disk of the data directory without which no job is started."""


class LocalRunner(Lifecycle):
    """``Runner`` over SQLite and detached processes. Use it as an async context manager.

    Any number of them, in one process or many, may share a data directory. Leaving the context
    ends the polling, never a job.

    Args:
        settings: the settings in force.
        clock: returns the time, in UTC.
        job_command: the program that runs a job; see ``RunnerOptions``.
        min_free_bytes: free disk space without which ``start`` raises ``Unavailable``.
        hang_seconds: see ``RunnerOptions``.
        busy_seconds: how long a call waits for a database that another process writes.
        keep_seconds: how often a runner process is launched if there is work and none runs.
        takeover_seconds: how long jobs of other profiles may be without a runner before this one
            takes them over.

    Attributes:
        survives_client: becomes false if the system ends jobs together with the client.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        job_command: Sequence[str] = JOB_COMMAND,
        min_free_bytes: int = MIN_FREE_BYTES,
        hang_seconds: float = RunnerOptions.hang_seconds,
        busy_seconds: float = 5.0,
        keep_seconds: float = 10.0,
        takeover_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.survives_client = True
        self.startup_seconds = 0.0
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._min_free_bytes = min_free_bytes
        self._options = runner_options(settings, job_command, hang_seconds=hang_seconds)
        self._paths = DataPaths(self._options.data_dir)
        self._database = Database(self._paths, busy_seconds=busy_seconds)
        super().__init__(
            background=(self._finish_removals, self._keep_runner), release=self._database.close
        )
        self._store = JobStore(self._database)
        self._removal = Removal(self._store, self._paths)
        self._queue = Queue(self._database, self._options.profile)
        self._folders = DirectoryFolders(self._paths.jobs)
        self._launcher = RunnerLauncher(self._options, self._paths)
        self._launch_error: JobsError | None = None
        self._profile = profile_of(settings, self._options)
        self._profile_recorded_in: FileId | None = None
        self._noticed_in: FileId | None = None
        self._notice = ""
        self._takeover = Takeover(
            self._database, self._paths, self._profile, grace_seconds=takeover_seconds
        )
        self._polling = Polling(
            self._database, self._paths, self._run_in_background, self._try_to_ensure_runner
        )

    @property
    def data_dir(self) -> Path:
        """The data directory; the job folders are below its ``jobs``."""
        return self._paths.root

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        self._require_entered()
        started, launcher = await to_thread.run_sync(partial(self._start, request, owner, options))
        if MAY_END_WITH_CLIENT:
            await self._wait_for_launcher(launcher)  # so that the first answer can mention it
        else:
            self._run_in_background(self._wait_for_launcher, launcher)
        if started.created:
            await self._write_once(started.job, REQUEST, encode(request))
        return started

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        return await self._read(partial(self._store.earlier, request, owner=owner, options=options))

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        return await self._read(partial(self._store.usage, owner, since))

    async def waiting(self) -> int:
        return await self._read(self._store.waiting)

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        job = await self._read(partial(self._store.job, owner, job_id))
        return self._with_blockers([job])[0] if job else None

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        return self._with_blockers(await self._read(partial(self._store.match, owner, prefix)))

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        read = partial(self._store.active, owner, limit=limit, before=before)
        return self._with_blockers(await self._read(read))

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        return await self._read(partial(self._store.ended, owner, limit=limit, before=before))

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        return await self._read(partial(self._store.unfetched, owner, since=since, limit=limit))

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        return await self._read(partial(self._store.counts, owner))

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        return await self._read(partial(self._store.typical_seconds, owner, request))

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        job = await to_thread.run_sync(
            lambda: self._store.stop(owner, job_id, mode, at=self._clock())
        )
        if job is None or (job.ended and job.state != "cancelled"):
            return job
        if job.ended:
            ended_at = job.ended_at or self._clock()
            ended = Ended(state="cancelled", attempts=job.attempt, ended_at=ended_at)
            await self._write_once(job, ENDED, encode(ended))
        else:
            await self._write_once(job, STOP if job.requested == "stop" else FINISH_NOW, b"")
            await self._try_to_ensure_runner()
        return job

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        await to_thread.run_sync(self._store.fetched, owner, job_id, at)

    async def remove(self, owner: Owner, job_id: str) -> bool:
        return await to_thread.run_sync(self._removal.remove, owner, job_id)

    async def notice(self) -> str:
        """Look for job folders without a row whenever the database is another file."""
        file = self._database.file
        if self._notice or file is None or file != self._noticed_in:
            found = await to_thread.run_sync(unlisted, self._database, self._paths)
            self._notice, self._noticed_in = UNLISTED if found else "", self._database.file
        return self._notice

    async def rebuild(self) -> Rebuilt:
        """List the jobs of all owners again that have a folder and no row.

        Raises:
            Unavailable: the data directory cannot be used.
        """
        rebuilt = await to_thread.run_sync(self._rebuild)
        await self._try_to_ensure_runner()
        return rebuilt

    def require_directory(self) -> None:
        """Raise ``Unavailable`` if the data directory was there before and is gone."""
        self._database.require_directory()

    def changes(self, job: Job) -> AbstractAsyncContextManager[Changes]:
        self._require_entered()
        return self._polling.changes(job)

    async def ensure_runner(self) -> None:
        """Launch a runner process if there is work and none runs.

        Raises:
            Unavailable: the data directory cannot be used, or no process can be started.
        """
        await self._wait_for_launcher(await to_thread.run_sync(self._launch_if_needed))

    async def _read(self, read: Callable[[], T]) -> T:
        """Read from the database.

        An open database is read directly: a reader waits for no writer and takes less time than
        passing the read to a thread. Opening it may take long, so that is done in a thread.
        """
        return read() if self._database.open else await to_thread.run_sync(read)

    def _with_blockers(self, jobs: Sequence[Job]) -> Sequence[Job]:
        return with_blockers(jobs, root=self._paths.root, launch_error=self._launch_error)

    async def _write_once(self, job: Job, name: str, data: bytes) -> None:
        """Write a file of the job folder. If this fails, the runner process writes it later."""
        try:
            await self._folders.create(job.folder, name, data)
        except JobsError as error:
            log.warning("%s of job %s could not be written. %s", name, job.id, error)

    async def _wait_for_launcher(self, launcher: subprocess.Popen[bytes] | None) -> None:
        """Wait for the launcher, some milliseconds, even if this task is cancelled."""
        if launcher is None:
            return
        with anyio.CancelScope(shield=True):
            code = await to_thread.run_sync(launcher.wait)
        if code == ENDS_WITH_CLIENT:
            self.survives_client = False
        elif code != 0:
            log.warning("The launcher of the runner %s.", describe_exit(code))
            self._launcher.failed()

    async def _finish_removals(self) -> None:
        try:
            await to_thread.run_sync(self._removal.finish)
        except JobsError as error:
            log.warning("An interrupted removal could not be finished. %s", error)

    async def _keep_runner(self) -> None:
        """Replace a runner that was killed or never started, also while no caller waits."""
        while True:
            await self._try_to_ensure_runner()
            await anyio.sleep(self._keep_seconds)

    async def _try_to_ensure_runner(self) -> None:
        try:
            await self.ensure_runner()
            self._launch_error = None
        except JobsError as error:
            if str(error) != str(self._launch_error):
                log.warning("No runner could be launched; it is tried again later. %s", error)
            self._launch_error = error

    def _start(
        self, request: Request, owner: Owner, options: StartOptions
    ) -> tuple[Started, subprocess.Popen[bytes] | None]:
        """Insert the row, which commits the start, and launch a runner if none runs. Blocks."""
        with translate_errors():
            self._database.make_directories()
            if shutil.disk_usage(self._paths.root).free < self._min_free_bytes:
                raise Unavailable(
                    "The disk that holds the job folders is almost full.",
                    f"Free at least {self._min_free_bytes // 1_000_000} MB and try again.",
                )
            self._record_profile()
            started = self._store.start(
                request, owner=owner, options=options, profile=self._options.profile
            )
        if started.job.ended:
            return started, None
        try:
            return started, self._launcher.launch_if_missing()
        except OSError as error:
            # The row is committed, so a later call launches the runner.
            log.warning("No runner could be launched; it is tried again later. %s", error)
            return started, None

    def _record_profile(self) -> None:
        """Record the profile in each file of the database once, before its first job."""
        if not self._profile_recorded_in or self._profile_recorded_in != self._database.file:
            Profiles(self._database).record(self._profile)
            self._profile_recorded_in = self._database.file

    def _rebuild(self) -> Rebuilt:
        with translate_errors():
            self._database.make_directories()
            self._record_profile()
            return rebuild(self._database, self._paths, self._options.profile)

    def _launch_if_needed(self) -> subprocess.Popen[bytes] | None:
        """Take over jobs of other profiles, and launch a runner if there is work. Blocks."""
        with translate_errors():
            if not self._database.exists:
                return None
            now = self._clock()
            if fail_damaged(self._database, self._paths, now, also_claimed=False):
                self._noticed_in = None
            self._takeover.check(now)
            if not self._queue.has_work():
                return None
            return self._launcher.relaunch(check=self._database.check_writable)
