"""The work of a runner process: claims queued jobs, looks after them, records how they end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.blockers import has_room
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import Attempt, Place
from mcp_jobs_server.backends.local.processes.heartbeat import Progress
from mcp_jobs_server.backends.local.processes.settle import (
    MAX_DEATHS,
    ReportDue,
    Requeued,
    Verdict,
    describe,
)
from mcp_jobs_server.backends.local.store.queue import Claim, Queue
from mcp_jobs_server.backends.settle import Cancelled, Completed, Failed, Recorded
from mcp_jobs_server.core.errors import Unavailable
from research_contract.files import create_once, encode
from research_contract.records import ENDED, RESERVE, Ended, Failure

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.1
"""How often the jobs are looked at. What happens in other processes announces itself to none."""

MOST_SECONDS = 5.0
"""The most that one round counts: a laptop that slept costs its jobs nothing."""

FREE_SECONDS = 3.0
"""How often it is looked whether jobs of profiles without a runner take places, and whether the
runner of a job that is to go first is suspended."""

LOCK_SECONDS = 5.0
"""How long the runner's lock is waited for: jobs of a runner that is gone may be being settled."""

RETRY_SECONDS, GIVE_UP_SECONDS = 1.0, 60.0
"""How soon the data directory is tried again, and for how long. Jobs go on without a runner;
the next one takes them over."""


class Supervisor:
    """Carries the jobs of one profile until nothing is left to do.

    ``leaving`` is called after the last look at the queue, before the lock is let go.
    """

    def __init__(
        self,
        queue: Queue,
        place: Place,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        leaving: Callable[[], None] = lambda: None,
    ) -> None:
        self._monotonic = monotonic
        self._leaving = leaving
        self._queue = queue
        self._place = place
        self._clock = clock
        self._attempts: dict[str, Attempt] = {}
        self._pause = threading.Event()
        self._since_freed = FREE_SECONDS
        self._suspended: set[str] = set()
        self._since_suspended = FREE_SECONDS
        self._unusable_seconds = 0.0
        self._had_room = True

    def serve(self) -> None:
        """Work while there is work, under the runner's lock; return once there is none, or at
        once where another runner of this profile works."""
        layout, profile = self._place.layout, self._place.options.profile
        while True:
            with locks.taken(layout.runner_lock(profile), wait_seconds=LOCK_SECONDS) as alone:
                if not alone:
                    return
                layout.came_up(profile).write_text("")
                self._work_until_idle()
                self._leaving()
            # Whoever looked at the lock until now left its job to this runner: look once more.
            if not self._queue.has_work():
                return

    def release(self) -> None:
        """Settle what ended, and queue again without charge that on which nothing works.

        For a profile that has no runner; does nothing while one works. One that is launched
        meanwhile waits for this, and whoever starts a job meanwhile sees that there is none.
        """
        layout = self._place.layout
        runner = layout.runner_lock(self._place.options.profile)
        with locks.taken(layout.locks / "release.lock") as alone, locks.barred(runner) as free:
            for claim in self._queue.claimed().values() if alone and free else ():
                attempt = Attempt(claim, self._place, adopted=True)
                match self._verdict(attempt, claim, 0):
                    case None:
                        continue
                    case Requeued() | ReportDue():
                        self._queue.requeue(claim, charge=False)
                    case Failed() if attempt.newer:
                        self._queue.requeue(claim, charge=False)
                    case verdict:
                        self._recorded(verdict, claim, attempt)

    def _work_until_idle(self) -> None:
        idle, last = 0.0, self._monotonic()
        while idle < self._place.options.idle_seconds:
            now = self._monotonic()
            seconds, last = min(now - last, MOST_SECONDS), now
            idle = 0.0 if self._round(seconds) else idle + seconds
            self._pause.wait(ROUND_SECONDS)

    def _round(self, seconds: float) -> bool:
        """Look at everything once; say whether there is work."""
        try:
            busy = self._work(seconds)
        except (Unavailable, OSError) as error:
            self._unusable_seconds += seconds
            if self._unusable_seconds > GIVE_UP_SECONDS:
                raise
            log.warning("the data directory cannot be used: %s", error)
            self._pause.wait(RETRY_SECONDS)
            return True
        self._unusable_seconds = 0.0
        return busy

    def _work(self, seconds: float) -> bool:
        claims = self._queue.claimed()
        self._look(claims, seconds)
        self._free_places(seconds)
        self._claim(seconds)
        return bool(self._attempts) or self._queue.has_work()

    def _look(self, claims: dict[str, Claim], seconds: float) -> None:
        for job_id in set(self._attempts) - set(claims):
            del self._attempts[job_id]
        for job_id, claim in claims.items():
            attempt = self._attempts.get(job_id) or Attempt(claim, self._place, adopted=True)
            self._attempts[job_id] = attempt
            try:
                verdict = self._verdict(attempt, claim, seconds)
                if verdict is not None and self._recorded(verdict, claim, attempt):
                    del self._attempts[job_id]
            except (Unavailable, OSError) as error:
                log.warning("job %s could not be looked after: %s", job_id, error)
                self._pause.wait(RETRY_SECONDS)

    def _verdict(self, attempt: Attempt, claim: Claim, seconds: float) -> Verdict | None:
        verdict = attempt.look(claim, seconds)
        if verdict is not None and not isinstance(verdict, Completed):
            log.warning(
                "job %s: attempt %s %s: %s",
                claim.id,
                claim.attempt,
                attempt.ending,
                describe(verdict),
            )
        return verdict

    def _recorded(self, verdict: Verdict, claim: Claim, attempt: Attempt) -> bool:
        """Record the verdict; ``False``: the job is to be looked at again."""
        match verdict:
            case Completed(outcome):
                self._queue.complete(claim, outcome)
                return True
            case Recorded(ended):
                return self._end(claim, attempt, ended, recorded=True)
            case Requeued(charge):
                return self._queue.requeue(claim, charge=charge)
            case Cancelled():
                return self._end(claim, attempt, self._ended(claim, None))
            case Failed(error):
                return self._end(claim, attempt, self._ended(claim, error))
            case ReportDue(reason):
                if reason == "died" and not attempt.reports and claim.charged < MAX_DEATHS:
                    self._queue.charge(claim)
                attempt.write_report(reason)
                return False

    def _ended(self, claim: Claim, error: Failure | None) -> Ended:
        return Ended(
            state="failed" if error else "cancelled",
            error=error,
            attempts=claim.attempt,
            ended_at=self._clock(),
        )

    def _end(self, claim: Claim, attempt: Attempt, ended: Ended, *, recorded: bool = False) -> bool:
        """Record the end in the row, then in the folder, unless a newer program wrote there."""
        if not self._queue.end(claim, ended, recorded=recorded):
            return False
        if not attempt.newer:
            (attempt.folder / RESERVE).unlink(missing_ok=True)
            create_once(attempt.folder / ENDED, encode(ended))
        return True

    def _free_places(self, seconds: float) -> None:
        """Let the dead jobs of profiles without a runner take no place under the limit."""
        self._since_freed += seconds
        if self._since_freed < FREE_SECONDS:
            return
        self._since_freed = 0.0
        for profile in self._queue.profiles():
            if profile != self._place.options.profile:
                options = replace(self._place.options, profile=profile)
                place = replace(self._place, options=options)
                Supervisor(self._queue.of(profile), place, clock=self._clock).release()

    def _has_room(self) -> bool:
        room = has_room(self._place.layout.root)
        if self._had_room and not room:
            log.warning("no job is begun: the disk is almost full")
        self._had_room = room
        return room

    def _gives_way(self, waiting: Claim, seconds: float) -> bool:
        """Whether an earlier job, whose runner works, is to begin first.

        Where its limit is lower it waits for more than one place, and would never get one if
        others took each that is free.
        """
        lock = self._place.layout.runner_lock
        ahead = {name for name in self._queue.earlier(waiting) if locks.held(lock(name))}
        self._since_suspended += seconds
        if ahead and self._since_suspended >= FREE_SECONDS:
            self._since_suspended = 0.0
            self._suspended = os_processes.suspended_runners(self._place.layout.root, ahead)
        return not ahead <= self._suspended

    def _claim(self, seconds: float) -> None:
        most = self._place.options.max_running
        while self._has_room() and (waiting := self._queue.next(max_running=most)) is not None:
            if self._gives_way(waiting, seconds):
                return
            folder = self._place.layout.jobs / waiting.folder
            claim = self._queue.claim(
                waiting,
                max_running=most,
                reached=Progress(folder).reached,
                at=self._clock(),
                boot=self._place.boot,
            )
            if claim is None:
                return
            attempt = Attempt(claim, self._place, adopted=False)
            self._attempts[claim.id] = attempt
            try:
                attempt.begin(self._clock())
            except OSError as error:
                log.warning("job %s could not be started: %s", claim.id, error)
