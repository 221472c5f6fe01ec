"""In-memory fakes of the ports ``Runner`` and ``Folders``, for tests here and in other projects.

They pass the same contract tests as the real backends. Jobs do not run by themselves: the test
changes their state.

    runner = MemoryRunner()
    started = await runner.start(request, owner=owner, options=StartOptions())
    runner.begin(started.job.id)
    runner.complete(started.job.id)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from statistics import median

from mcp_jobs_server.backends.changes import Subscription
from mcp_jobs_server.backends.conflicts import key_conflict, unended_job_conflict
from mcp_jobs_server.backends.folder_paths import checked_path
from mcp_jobs_server.core.errors import JobsError, dependent_job_error
from mcp_jobs_server.core.models import (
    ENDED_STATES,
    Job,
    JobState,
    Owner,
    Slice,
    Started,
    StartOptions,
    StopMode,
    Usage,
    one_line_summary,
)
from research_contract import records
from research_contract.files import encode
from research_contract.records import Ended, Failure, Outcome, Request, Run


@dataclass(eq=False)
class MemoryFolders:
    """``Folders`` in a dictionary. Every call raises ``failing`` while it is set."""

    distant = False

    failing: JobsError | None = field(default=None, init=False)
    _files: dict[str, bytes] = field(default_factory=dict, init=False)

    async def read(
        self, folder: str, name: str, *, start: int = 0, limit: int = -1
    ) -> Slice | None:
        data = self._files.get(self._path(folder, name))
        if data is None:
            return None
        begin = start if start >= 0 else max(0, len(data) + start)
        stop = len(data) if limit < 0 else begin + limit
        return Slice(data=data[begin:stop], start=begin, size=len(data))

    async def write(self, folder: str, name: str, data: bytes) -> None:
        self.put(folder, name, data)

    async def create(self, folder: str, name: str, data: bytes) -> bool:
        if self._path(folder, name) in self._files:
            return False
        self.put(folder, name, data)
        return True

    def location(self, folder: str, name: str = "") -> str:
        return f"/memory/{checked_path(folder, name)}"

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Write a file as a job does. Unlike ``write``, this is not a coroutine."""
        self._files[self._path(folder, name)] = data

    def clear(self, folder: str) -> None:
        """Remove a folder and its files."""
        prefix = f"{checked_path(folder)}/"
        self._files = {p: data for p, data in self._files.items() if not p.startswith(prefix)}

    def _path(self, folder: str, name: str) -> str:
        if self.failing is not None:
            raise self.failing
        return str(checked_path(folder, name))


@dataclass
class _Row:
    job: Job
    options: StartOptions
    active_seconds: float | None = None
    cost_usd: float = 0.0
    watches: set[Subscription] = field(default_factory=set)


@dataclass(eq=False)
class MemoryRunner:
    """``Runner`` whose jobs are driven by the test: ``begin``, ``write``, ``complete`` …

    Every call of the port raises ``failing`` while it is set; ``noticed`` is its notice. Use it in
    one event loop only.
    """

    folders: MemoryFolders = field(default_factory=MemoryFolders)
    _: KW_ONLY
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    failing: JobsError | None = field(default=None, init=False)
    noticed: str = field(default="", init=False)
    survives_client: bool = field(default=True, init=False)
    startup_seconds: float = field(default=0.0, init=False)
    _rows: dict[str, _Row] = field(default_factory=dict, init=False)

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        earlier = self._earlier(request, owner, options)
        if earlier is not None:
            return Started(job=self._snapshot(earlier), created=False)
        same = self._same(owner, options)
        row = _Row(job=Job(owner=owner, request=request, state="queued"), options=options)
        self._rows[request.job_id] = row
        self.folders.put(row.job.folder, records.REQUEST, encode(request))
        return Started(job=self._snapshot(row), created=True, same=same[-1] if same else None)

    async def earlier(self, request: Request, *, owner: Owner, options: StartOptions) -> Job | None:
        row = self._earlier(request, owner, options)
        return self._snapshot(row) if row else None

    async def usage(self, owner: Owner, since: datetime) -> Usage:
        mine = self._mine(owner)
        recent = [row for row in mine if row.job.request.created_at >= since]
        return Usage(
            active=sum(not row.job.ended for row in mine),
            starts=len(recent),
            cost_usd=sum(row.cost_usd for row in recent),
            first=min((row.job.request.created_at for row in recent), default=None),
        )

    async def waiting(self) -> int:
        if self.failing is not None:
            raise self.failing
        return sum(row.job.state == "queued" for row in self._rows.values())

    async def job(self, owner: Owner, job_id: str) -> Job | None:
        row = self._row(owner, job_id)
        return self._snapshot(row) if row else None

    async def match(self, owner: Owner, prefix: str) -> Sequence[Job]:
        matches = [
            self._snapshot(row)
            for row in self._mine(owner)
            if row.job.id.startswith(prefix) or row.job.id[9:].startswith(prefix)
        ]
        return matches[::-1][:3]

    async def active(self, owner: Owner, *, limit: int, before: str = "") -> Sequence[Job]:
        newest_first = self._mine(owner)[::-1]
        start = next((i + 1 for i, row in enumerate(newest_first) if row.job.id == before), 0)
        active = [row for row in newest_first[start:] if not row.job.ended]
        return [self._snapshot(row) for row in active[:limit]]

    async def ended(
        self, owner: Owner, *, limit: int, before: tuple[datetime, str] | None = None
    ) -> Sequence[Job]:
        jobs = self._ended(owner)
        return [job for job in jobs if before is None or _end_key(job) < before][:limit]

    async def unfetched(self, owner: Owner, *, since: datetime, limit: int) -> Sequence[Job]:
        jobs = [job for job in self._ended(owner) if _end_key(job)[0] > since]
        return sorted(jobs, key=lambda job: job.fetched_at is not None)[:limit]

    async def counts(self, owner: Owner) -> Mapping[JobState, int]:
        states = [row.job.state for row in self._mine(owner)]
        return {state: states.count(state) for state in states}

    async def stop(self, owner: Owner, job_id: str, mode: StopMode) -> Job | None:
        row = self._row(owner, job_id)
        if row is None:
            return None
        if not row.job.ended and row.job.requested not in ("stop", mode):
            queued = row.job.state == "queued"
            with self._changed(row.job.id):
                row.job = replace(row.job, requested=mode)
                if mode == "stop" and not queued:
                    row.job = replace(row.job, state="cancelling")
                name = records.STOP if mode == "stop" else records.FINISH_NOW
                self.folders.put(row.job.folder, name, b"")
            if mode == "stop" and queued:
                self.obey(row.job.id)
        return self._snapshot(row)

    async def fetched(self, owner: Owner, job_id: str, at: datetime) -> None:
        row = self._row(owner, job_id)
        if row is not None and row.job.fetched_at is None:
            row.job = replace(row.job, fetched_at=at)

    async def remove(self, owner: Owner, job_id: str) -> bool:
        row = self._row(owner, job_id)
        if row is None:
            return False
        if not row.job.ended:
            raise unended_job_conflict()
        for other in self._mine(owner):
            request = other.job.request
            if not other.job.ended and job_id in (request.follow_up_of, request.refresh_of):
                raise dependent_job_error(other.job.id)
        self.folders.clear(row.job.folder)
        del self._rows[job_id]
        return True

    async def typical_seconds(self, owner: Owner, request: Request) -> float | None:
        completed = [
            row
            for row in self._mine(owner)
            if row.active_seconds is not None and _kind(row.job.request) == _kind(request)
        ]
        completed.sort(key=lambda row: _end_key(row.job))
        return median(row.active_seconds or 0 for row in completed[-5:]) if completed else None

    async def notice(self) -> str:
        return self.noticed

    @asynccontextmanager
    async def changes(self, job: Job) -> AsyncIterator[Subscription]:
        row = self._row(job.owner, job.id)
        watch = Subscription()
        watches = row.watches if row else set()
        watches.add(watch)
        try:
            yield watch
        finally:
            watches.discard(watch)

    # --- for tests: actions of the job ----------------------------------------------------------

    def begin(self, job_id: str) -> None:
        """Start a queued job."""
        with self._changed(job_id) as row:
            job = row.job
            now = self.clock()
            row.job = replace(
                job, state="running", attempt=job.attempt + 1, started_at=job.started_at or now
            )
            run = Run(runner="memory", run_id="1", attempt=row.job.attempt, started_at=now)
            self.folders.put(job.folder, records.RUN, encode(run))

    def write(self, job_id: str, name: str, data: bytes) -> None:
        """Write a file of the job folder as the job does, and report the change."""
        with self._changed(job_id) as row:
            self.folders.put(row.job.folder, name, data)

    def complete(self, job_id: str, outcome: Outcome | None = None) -> None:
        """End a job with an outcome (default: ``answered``, without content)."""
        outcome = outcome or Outcome(outcome="answered", ended_at=self.clock())
        with self._changed(job_id) as row:
            self.folders.put(row.job.folder, records.OUTCOME, encode(outcome))
            row.active_seconds = outcome.spent.active_seconds
            row.cost_usd = outcome.spent.cost_usd
            row.job = replace(
                row.job,
                state="completed",
                outcome=outcome.outcome,
                summary=one_line_summary(outcome),
                ended_at=outcome.ended_at,
            )

    def fail(self, job_id: str, error: Failure) -> None:
        """End a job with an error and without an outcome."""
        self._end(job_id, "failed", error)

    def obey(self, job_id: str) -> None:
        """End a job as cancelled, after a request to stop."""
        self._end(job_id, "cancelled", None)

    def _end(self, job_id: str, state: JobState, error: Failure | None) -> None:
        with self._changed(job_id) as row:
            now = self.clock()
            summary = error.message if error else "Cancelled."
            row.job = replace(row.job, state=state, error=error, summary=summary, ended_at=now)
            ended = Ended(
                state="failed" if error else "cancelled",
                error=error,
                attempts=row.job.attempt,
                ended_at=now,
            )
            self.folders.put(row.job.folder, records.ENDED, encode(ended))

    @contextmanager
    def _changed(self, job_id: str) -> Iterator[_Row]:
        """Yield the row of a job to change it; then wake its subscribers."""
        row = self._rows[job_id]
        yield row
        for watch in row.watches:
            watch.wake()

    def _mine(self, owner: Owner) -> list[_Row]:
        if self.failing is not None:
            raise self.failing
        return [row for row in self._rows.values() if row.job.owner == owner]

    def _row(self, owner: Owner, job_id: str) -> _Row | None:
        return next((row for row in self._mine(owner) if row.job.id == job_id), None)

    def _ended(self, owner: Owner) -> list[Job]:
        """Return the ended jobs, the latest end first."""
        ended = [row.job for row in self._mine(owner) if row.job.state in ENDED_STATES]
        return sorted(ended, key=_end_key, reverse=True)

    def _snapshot(self, row: _Row) -> Job:
        """Return a job with its position in the queue."""
        if row.job.state != "queued":
            return row.job
        queued = [other.job.id for other in self._rows.values() if other.job.state == "queued"]
        return replace(row.job, queue_position=queued.index(row.job.id) + 1)

    def _earlier(self, request: Request, owner: Owner, options: StartOptions) -> _Row | None:
        """Return the row of the job to return for a repeated start: same id, same idempotency key
        or, if allowed, a recent unfinished job with the same fingerprint."""
        for row in self._mine(owner):
            if row.job.id == request.job_id or (options.key and row.options.key == options.key):
                if row.options.fingerprint != options.fingerprint:
                    raise key_conflict(row.job.id)
                return row
        after = options.reuse_after or datetime.max.replace(tzinfo=UTC)
        reusable = [
            job
            for job in self._same(owner, options)
            if job.state in ("queued", "running") and job.request.created_at >= after
        ]
        return self._row(owner, reusable[-1].id) if reusable else None

    def _same(self, owner: Owner, options: StartOptions) -> list[Job]:
        """Return the jobs of the same request, the last one last."""
        if not options.fingerprint or options.reuse_after is None:
            return []
        rows = [row for row in self._mine(owner) if row.options.fingerprint == options.fingerprint]
        return [self._snapshot(row) for row in rows]


def _end_key(job: Job) -> tuple[datetime, str]:
    """Return the sort key of a job by its end."""
    return (job.ended_at or datetime.min.replace(tzinfo=UTC), job.id)


def _kind(request: Request) -> tuple[str, list[str]]:
    """Return depth and sources: jobs with equal ones take about the same time."""
    return (request.depth, sorted(source.name for source in request.sources))
