"""Runs of a job and how they move: queued, pending, running, terminated."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mcp_jobs_server.testing.fake_workspace.execution import LOG_BYTES, Execution, end_all, error_of
from mcp_jobs_server.testing.fake_workspace.job_settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.principals import Identity

__all__ = ["Accident", "Attempt", "JobSettings", "Run", "Runs", "Termination"]

Accident = str
"""What keeps a run from starting: "internal error", "library error", "skipped", or any code of a
termination, such as CLOUD_FAILURE."""

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
QUEUED = "MAX_CONCURRENT_RUNS_REACHED"
CANCELLED = "Run cancelled."
FAILED = "Workload failed, see run output for details"


def now() -> int:
    """Return epoch milliseconds."""
    return int(time.time() * 1000)


@dataclass
class Termination:
    """How a run or an attempt ended."""

    code: str
    type: str
    message: str = ""

    def body(self) -> dict[str, str]:
        return {"code": self.code, "type": self.type, "message": self.message}


@dataclass
class Attempt:
    """One run of the task; a retry is another."""

    run_id: int
    number: int
    state: str = "PENDING"
    start: int = 0
    end: int = 0
    ended: Termination | None = None
    log: str = ""
    trace: str = ""
    error: str = ""

    @property
    def truncated(self) -> bool:
        """Whether the beginning of the log is missing."""
        return len(self.log.encode()) >= LOG_BYTES


@dataclass
class Run:
    """A run of a job. ``words`` replace parts of what is answered of it, such as enum values;
    ``arguments`` are the parameters of the task with their references replaced."""

    run_id: int
    job: JobSettings
    parameters: dict[str, str]
    by: Identity
    state: str = "QUEUED"
    start: int = field(default_factory=now)
    end: int = 0
    ended: Termination | None = None
    attempts: list[Attempt] = field(default_factory=list)
    cancel: Termination | None = None
    words: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    timed_out: bool = False
    begin: Callable[[], Execution] | None = None
    execution: Execution | None = None

    @property
    def active(self) -> bool:
        return self.state != "TERMINATED"

    def close(self, ended: Termination) -> None:
        self.ended, self.end, self.state = ended, now(), "TERMINATED"


class Runs:
    """All runs, newest last, moved by tasks of the event loop that the workspace runs in."""

    def __init__(self) -> None:
        self.jobs: dict[int, JobSettings] = {}
        self.all: dict[int, Run] = {}
        self.tokens: dict[str, int] = {}
        self._numbers: Iterator[int] = itertools.count(890553971536365, 1111)
        self._moves: set[asyncio.Task[None]] = set()
        self._marks: list[str] = []

    def start(self, run: Run) -> None:
        """Put the run into the queue, or skip it where the job has none."""
        self.all[run.run_id] = run
        accident = run.job.accidents.pop(0) if run.job.accidents else None
        if accident == "skipped" or (not run.job.queue and self._is_full(run)):
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
        move = asyncio.get_running_loop().create_task(self._move(run, accident))
        self._moves.add(move)
        move.add_done_callback(self._moves.discard)

    def begin(self, run: Run) -> None:
        """Let a run that is moved by hand be at work."""
        run.state = "RUNNING"
        if run.attempts[-1].ended:
            run.attempts.append(Attempt(self.next_id(), len(run.attempts)))
        run.attempts[-1].state, run.attempts[-1].start = "RUNNING", now()

    def end(self, run: Run, ended: Termination, *, error: str = "", ago: float = 0) -> None:
        """End a run that is moved by hand, ``ago`` seconds before now."""
        for attempt in run.attempts[-1:]:
            attempt.state, attempt.ended, attempt.error = "TERMINATED", ended, error
            attempt.end = now() - int(ago * 1000)
        run.close(ended)
        run.end = now() - int(ago * 1000)

    def next_id(self) -> int:
        return next(self._numbers)

    def task_run(self, run_id: int) -> tuple[Run, Attempt] | None:
        """Return the attempt that has this run id, and the run that it belongs to."""
        for run in self.all.values():
            for attempt in run.attempts:
                if attempt.run_id == run_id:
                    return run, attempt
        return None

    async def close(self) -> None:
        for move in list(self._moves):
            move.cancel()
        await asyncio.gather(*self._moves, return_exceptions=True)
        if self._marks:
            end_all(self._marks)

    def _is_full(self, run: Run) -> bool:
        """Say whether a run must wait: for those that are at work, or that came before it."""
        others = [one for one in self.all.values() if one.job is run.job and one is not run]
        running = sum(one.active and one.state != "QUEUED" for one in others)
        before = (one for one in others if one.run_id < run.run_id and one.state == "QUEUED")
        waiting = run.job.queue and any(not one.cancel for one in before)
        return waiting or running >= run.job.max_concurrent_runs

    async def _move(self, run: Run, accident: Accident | None) -> None:
        await self._look_until(lambda: not self._is_full(run) or run.cancel is not None)
        if not run.cancel:
            run.state = run.attempts[-1].state = "PENDING"
            await self._pass(run, run.job.start_seconds)
        if run.cancel:
            self._cancelled(run)
        elif accident:
            usual = (accident, "INTERNAL_ERROR", f"The run ended with {accident}.")
            ended = Termination(*_ACCIDENTS.get(accident, usual))
            run.attempts[-1].state, run.attempts[-1].ended = "TERMINATED", ended
            run.close(ended)
        else:
            run.state = "RUNNING"
            await self._attempts(run)

    async def _attempts(self, run: Run) -> None:
        """Execute the task until it succeeds, is cancelled or has no retry left."""
        while run.active:
            attempt = run.attempts[-1]
            code = None if run.cancel else await self._execute(run, attempt)
            if code == 0:
                attempt.ended = Termination("SUCCESS", "SUCCESS")
                run.close(attempt.ended)
            elif code is None or run.cancel:
                self._cancelled(run)
            else:
                await self._failed(run, attempt, code)

    async def _failed(self, run: Run, attempt: Attempt, code: int) -> None:
        attempt.ended = Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", FAILED)
        attempt.error = error_of(attempt.trace or attempt.log, code)
        if attempt.number >= run.job.max_retries:
            message = f"Task research failed with message: {FAILED}."
            return run.close(Termination("RUN_EXECUTION_ERROR", "CLIENT_ERROR", message))
        run.attempts.append(Attempt(self.next_id(), attempt.number + 1, state="WAITING"))
        await self._pass(run, run.job.retry_seconds)
        return None

    async def _execute(self, run: Run, attempt: Attempt) -> int:
        attempt.state, attempt.start = "RUNNING", now()
        if run.begin is None:
            return 0
        execution = run.execution = run.begin()
        self._marks.append(execution.mark)
        try:
            code = await self._until_ended(run, execution)
            attempt.log, attempt.trace = execution.log(), execution.errors()
        finally:  # also where the workspace ends, or has forgotten the run
            execution.close()
        attempt.state, attempt.end = "TERMINATED", now()
        return code

    async def _until_ended(self, run: Run, execution: Execution) -> int:
        while (code := execution.returned()) is None:
            await asyncio.sleep(0.02)
            limit = run.job.timeout_seconds
            if limit and now() - run.start > limit * 1000 and not run.cancel:
                message = f"Run exceeded the timeout of {limit:g} seconds."
                run.cancel, run.timed_out = Termination("CANCELED", "CLIENT_ERROR", message), True
            if run.cancel:
                await self._stop(run, execution)
        return code

    async def _stop(self, run: Run, execution: Execution) -> None:
        """End a run that is to be: it goes on for a while, and then takes a while to be gone."""
        until = time.monotonic() + run.job.cancel_seconds
        await self._look_until(
            lambda: execution.returned() is not None or time.monotonic() >= until
        )
        if execution.returned() is None:
            run.state = run.attempts[-1].state = "TERMINATING"
            execution.kill()
            await asyncio.sleep(run.job.cancel_seconds)

    def _cancelled(self, run: Run) -> None:
        ended = run.cancel or Termination("USER_CANCELED", "SUCCESS", CANCELLED)
        of_task = Termination(ended.code, ended.type, CANCELLED) if run.timed_out else ended
        for attempt in run.attempts[-1:]:
            attempt.state, attempt.end, attempt.ended = "TERMINATED", now(), of_task
        run.close(ended)

    async def _pass(self, run: Run, seconds: float) -> None:
        until = time.monotonic() + seconds
        await self._look_until(lambda: time.monotonic() >= until or run.cancel is not None)

    async def _look_until(self, so: Callable[[], bool]) -> None:
        """Look again and again: what is looked at may be changed from any thread."""
        while not so():  # noqa: ASYNC110 - an event of this loop could not be set from there
            await asyncio.sleep(0.02)
