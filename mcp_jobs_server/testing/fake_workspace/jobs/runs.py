"""Runs of jobs and their life cycle: queued, pending, running, terminated."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import MARK, TaskProcess

Accident = str
"""A failure before the start of the task: "internal error", "library error", "skipped", or any
termination code, such as CLOUD_FAILURE."""

_ACCIDENTS: dict[str, tuple[str, str, str]] = {
    "internal error": (
        "INTERNAL_ERROR",
        "INTERNAL_ERROR",
        "Unexpected failure while waiting for the serverless compute to be ready.",
    ),
    "library error": (
        "LIBRARY_INSTALLATION_ERROR",
        "CLIENT_ERROR",
        "Library installation failed for library due to user error.",
    ),
}
CANCELLED = "Run cancelled."
FAILED = "Workload failed, see run output for details"


def now() -> int:
    """Return the current time in epoch milliseconds."""
    return int(time.time() * 1000)


@dataclass
class Termination:
    """The end of a run or of an attempt, as ``termination_details`` shows it."""

    code: str
    type: str
    message: str = ""


@dataclass
class Attempt:
    """One run of the task. A retry is another attempt. Times are in epoch milliseconds."""

    run_id: int
    number: int
    state: str = "PENDING"
    start: int = 0
    end: int = 0
    termination: Termination | None = None
    log: str = ""
    trace: str = ""
    error: str = ""


@dataclass
class Run:
    """A run of a job. Times are in epoch milliseconds.

    ``arguments`` are the resolved parameters of the task. ``overrides`` replace fields of its
    response body. ``cancel`` is set to request its end. ``start_process`` starts an attempt.
    """

    run_id: int
    job: JobSettings
    parameters: dict[str, str]
    creator: Identity
    state: str = "QUEUED"
    start: int = field(default_factory=now)
    end: int = 0
    termination: Termination | None = None
    attempts: list[Attempt] = field(default_factory=list)
    cancel: Termination | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    timed_out: bool = False
    start_process: Callable[[], TaskProcess] | None = None
    process: TaskProcess | None = None

    @property
    def active(self) -> bool:
        return self.state != "TERMINATED"

    def close(self, termination: Termination) -> None:
        self.termination, self.end, self.state = termination, now(), "TERMINATED"


@dataclass(eq=False)
class Runs:
    """All jobs and runs, the oldest first. Runs proceed in the event loop of the workspace.

    ``tokens`` are the run ids by idempotency token.
    """

    jobs: dict[int, JobSettings] = field(default_factory=dict, init=False)
    all: dict[int, Run] = field(default_factory=dict, init=False)
    tokens: dict[str, int] = field(default_factory=dict, init=False)
    _ids: Iterator[int] = field(
        default_factory=lambda: itertools.count(890553971536365, 1111), init=False
    )
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _marks: list[str] = field(default_factory=list, init=False)

    def next_id(self) -> int:
        return next(self._ids)

    def start(self, run: Run) -> None:
        """Queue the run; without a queue, skip it if the job has no free place."""
        self.all[run.run_id] = run
        accident = run.job.accidents.pop(0) if run.job.accidents else None
        if accident == "skipped" or (not run.job.queue and self._must_wait(run)):
            limit = run.job.max_concurrent_runs
            message = (
                f"Skipping this run because the limit of {limit} maximum concurrent runs has been"
                " reached."
            )
            run.close(Termination("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR", message))
            return
        run.attempts.append(Attempt(self.next_id(), 0, "BLOCKED"))
        if run.job.by_hand:
            return
        task = asyncio.get_running_loop().create_task(self._proceed(run, accident))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def begin(self, run: Run) -> None:
        """Start a run of a job ``by_hand``, or its next attempt."""
        run.state = "RUNNING"
        if run.attempts[-1].termination:
            run.attempts.append(Attempt(self.next_id(), len(run.attempts)))
        run.attempts[-1].state, run.attempts[-1].start = "RUNNING", now()

    def end(self, run: Run, termination: Termination, *, error: str = "", ago: float = 0) -> None:
        """End a run of a job ``by_hand``, as if it had ended ``ago`` seconds before."""
        end = now() - int(ago * 1000)
        for attempt in run.attempts[-1:]:
            attempt.state, attempt.termination, attempt.error = "TERMINATED", termination, error
            attempt.end = end
        run.close(termination)
        run.end = end

    def find_attempt(self, run_id: int) -> tuple[Run, Attempt] | None:
        """Return the attempt with this run id and the run that it belongs to."""
        for run in self.all.values():
            for attempt in run.attempts:
                if attempt.run_id == run_id:
                    return run, attempt
        return None

    async def close(self) -> None:
        """Stop all runs and kill their processes."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._marks:
            # Also processes of tasks that left their session.
            marks = self._marks
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.Error, OSError):
                    if process.environ().get(MARK) in marks:
                        process.kill()

    def _must_wait(self, run: Run) -> bool:
        """Return whether the job has no free place, or an earlier run waits for it."""
        others = [other for other in self.all.values() if other.job is run.job and other is not run]
        running = sum(other.active and other.state != "QUEUED" for other in others)
        earlier = (
            other for other in others if other.run_id < run.run_id and other.state == "QUEUED"
        )
        follows = run.job.queue and any(not other.cancel for other in earlier)
        return follows or running >= run.job.max_concurrent_runs

    async def _proceed(self, run: Run, accident: Accident | None) -> None:
        """Move a run from the queue to its end."""
        await _poll(lambda: not self._must_wait(run) or run.cancel is not None)
        if not run.cancel:
            run.state = run.attempts[-1].state = "PENDING"
            await _poll(lambda: run.cancel is not None, run.job.start_seconds)
        if run.cancel:
            _close_cancelled(run)
        elif accident:
            default = (accident, "INTERNAL_ERROR", f"The run ended with {accident}.")
            termination = Termination(*_ACCIDENTS.get(accident, default))
            run.attempts[-1].state, run.attempts[-1].termination = "TERMINATED", termination
            run.close(termination)
        else:
            run.state = "RUNNING"
            while run.active:
                attempt = run.attempts[-1]
                exit_code = None if run.cancel else await self._run_process(run, attempt)
                if exit_code == 0:
                    attempt.termination = Termination("SUCCESS", "SUCCESS")
                    run.close(attempt.termination)
                elif exit_code is None or run.cancel:
                    _close_cancelled(run)
                else:
                    attempt.termination = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
                    lines = [
                        line for line in (attempt.trace or attempt.log).splitlines() if line.strip()
                    ]
                    attempt.error = (
                        textwrap.shorten(lines[-1], 2000) if lines else f"SystemExit: {exit_code}"
                    )
                    if attempt.number >= run.job.max_retries:
                        message = f"Task research failed with message: {FAILED}."
                        run.close(Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", message))
                        return
                    run.attempts.append(
                        Attempt(self.next_id(), attempt.number + 1, state="WAITING")
                    )
                    await _poll(lambda: run.cancel is not None, run.job.retry_seconds)

    async def _run_process(self, run: Run, attempt: Attempt) -> int:
        """Run one attempt and return its exit code."""
        attempt.state, attempt.start = "RUNNING", now()
        if run.start_process is None:
            return 0
        process = run.process = run.start_process()
        self._marks.append(process.mark)
        try:
            while (exit_code := process.exit_code()) is None:
                await asyncio.sleep(0.02)
                limit = run.job.timeout_seconds
                if limit and now() - run.start > limit * 1000 and not run.cancel:
                    message = f"Run exceeded the timeout of {limit:g} seconds."
                    run.cancel = Termination("CANCELED", "CLIENT_ERROR", message)
                    run.timed_out = True
                if run.cancel:
                    await _stop_process(run, process)
            attempt.log, attempt.trace = process.log(), process.errors()
        finally:  # also if the workspace is closed or the run was purged
            process.close()
        attempt.state, attempt.end = "TERMINATED", now()
        return exit_code


async def _stop_process(run: Run, process: TaskProcess) -> None:
    """End a cancelled run: its process continues for ``cancel_seconds``, and after its kill the
    run is TERMINATING for as long again."""
    seconds = run.job.cancel_seconds
    await _poll(lambda: process.exit_code() is not None, seconds)
    if process.exit_code() is None:
        run.state = run.attempts[-1].state = "TERMINATING"
        process.kill()
        await asyncio.sleep(seconds)


def _close_cancelled(run: Run) -> None:
    termination = run.cancel or Termination("USER_CANCELED", "SUCCESS", CANCELLED)
    task_termination = termination
    if run.timed_out:
        task_termination = Termination(termination.code, termination.type, CANCELLED)
    for attempt in run.attempts[-1:]:
        attempt.state, attempt.end, attempt.termination = "TERMINATED", now(), task_termination
    run.close(termination)


async def _poll(condition: Callable[[], bool], seconds: float = math.inf) -> None:
    """Wait until the condition is true, at most this many seconds.

    The condition is polled because other threads change the runs.
    """
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.02)
