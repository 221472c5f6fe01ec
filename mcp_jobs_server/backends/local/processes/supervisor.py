"""The work of a runner process: it claims queued jobs, follows them and records how they end."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.blockers import has_space
from mcp_jobs_server.backends.local.damage import fail_damaged
from mcp_jobs_server.backends.local.paths import file_id
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.attempt import Attempt, RunnerContext
from mcp_jobs_server.backends.local.processes.heartbeat import Heartbeat
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
from research_contract.records import ENDED, RESERVE, Ended

log = logging.getLogger(__name__)

ROUND_SECONDS = 0.1
"""How often the jobs are looked at. Processes that are no children do not announce their end."""

MAX_ROUND_SECONDS = 5.0
"""The most that one round counts, so that jobs are not charged for the time a laptop slept."""

OTHERS_SECONDS = 3.0
"""How often to look for dead jobs of profiles without a runner, which take slots, and for
suspended runners of profiles whose jobs are ahead in the queue."""

LOCK_SECONDS = 5.0
"""How long to wait for the runner's lock: another process may be settling the jobs of a runner that
is gone."""

RETRY_SECONDS, GIVE_UP_SECONDS = 1.0, 60.0
"""How soon an unusable data directory is tried again, and for how long. Jobs go on without a
runner; the next one takes them over."""


@dataclass(eq=False)
class Supervisor:
    """Runs the jobs of one profile until there is no work left.

    Args:
        queue: the rows of the profile.
        context: where and how the runner works.
        clock: returns the time, in UTC.
        monotonic: returns seconds; only differences count.
        before_exit: called after the last look at the queue, before the lock is released.
    """

    queue: Queue
    context: RunnerContext
    _: KW_ONLY
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    before_exit: Callable[[], None] = lambda: None
    _attempts: dict[str, Attempt] = field(default_factory=dict, init=False)
    _pause: threading.Event = field(default_factory=threading.Event, init=False)
    _since_others_released: float = field(default=OTHERS_SECONDS, init=False)
    _suspended_profiles: set[str] = field(default_factory=set, init=False)
    _since_suspended_read: float = field(default=OTHERS_SECONDS, init=False)
    _had_space: bool = field(default=True, init=False)
    _version_checked: object = field(default=None, init=False)

    def serve(self) -> None:
        """Work under the runner's lock until there is no work.

        Returns at once if another runner of this profile works.
        """
        paths, profile = self.context.paths, self.context.options.profile
        while True:
            lock = paths.runner_lock(profile)
            with locks.try_lock(lock, wait_seconds=LOCK_SECONDS) as acquired:
                if not acquired:
                    return
                paths.runner_started(profile).write_text("")
                if not self._work_until_idle(lock):
                    return
                self.before_exit()
            # A server that found the lock held until now left its job to this runner: look again.
            if not self.queue.has_work():
                return

    def release(self) -> None:
        """Settle the ended jobs of a profile without a runner; requeue, uncharged, the dead ones.

        Does nothing while a runner of the profile works. A runner that is launched meanwhile waits
        for this to end. A server that starts a job meanwhile sees that no runner works.
        """
        paths = self.context.paths
        runner_lock = paths.runner_lock(self.context.options.profile)
        with (
            locks.try_lock(paths.locks / "release.lock") as acquired,
            locks.reserve(runner_lock) as was_free,
        ):
            for claim in self.queue.claimed().values() if acquired and was_free else ():
                attempt = Attempt(claim, self.context, adopted=True)
                match self._verdict(attempt, claim, 0):
                    case None:
                        continue
                    case Requeued() | ReportDue():
                        self.queue.requeue(claim, charge=False)
                    case Failed() if attempt.has_newer_format:
                        self.queue.requeue(claim, charge=False)
                    case verdict:
                        self._record(verdict, claim, attempt)

    def _work_until_idle(self, lock: Path) -> bool:
        """Work until there is no work; ``False``: another directory is in the place of this one.

        The lock is then one of the old directory, and a runner of the new one may work already.
        The jobs of the old one notice the same by their own locks.
        """
        held = file_id(lock)
        idle_seconds, unusable_seconds = 0.0, 0.0
        last = self.monotonic()
        while idle_seconds < self.context.options.idle_seconds:
            now = self.monotonic()
            seconds, last = min(now - last, MAX_ROUND_SECONDS), now
            try:
                if (found := file_id(lock)) not in (None, held):
                    log.warning("the data directory was replaced: the runner of the old one ends")
                    return False
                if found is None:
                    raise FileNotFoundError(errno.ENOENT, "its lock is gone")
                self._fail_damaged()
                self._follow_claimed(seconds)
                self._release_others(seconds)
                self._claim_queued(seconds)
                has_work = bool(self._attempts) or self.queue.has_work()
                unusable_seconds = 0.0
            except (Unavailable, OSError) as error:
                has_work = True
                unusable_seconds += seconds
                if unusable_seconds > GIVE_UP_SECONDS:
                    raise
                log.warning("the data directory cannot be used: %s", error)
                self._pause.wait(RETRY_SECONDS)
            idle_seconds = 0.0 if has_work else idle_seconds + seconds
            self._pause.wait(ROUND_SECONDS)
        return True

    def _fail_damaged(self) -> None:
        """Fail the jobs whose rows are damaged, which others do; look when others have written."""
        database = self.queue.database
        if (version := database.data_version()) == self._version_checked:
            return
        self._version_checked = version
        paths = self.context.paths
        for job_id in fail_damaged(database, paths, self.clock(), also_claimed=True):
            self._attempts.pop(job_id, None)
            os_processes.kill(partial(os_processes.job_processes, job_id), wait_seconds=1)

    def _follow_claimed(self, seconds: float) -> None:
        claims = self.queue.claimed()
        for job_id in set(self._attempts) - set(claims):
            del self._attempts[job_id]
        for job_id, claim in claims.items():
            attempt = self._attempts.get(job_id) or Attempt(claim, self.context, adopted=True)
            self._attempts[job_id] = attempt
            try:
                verdict = self._verdict(attempt, claim, seconds)
                if verdict is not None and self._record(verdict, claim, attempt):
                    del self._attempts[job_id]
            except (Unavailable, OSError) as error:
                log.warning("job %s could not be followed: %s", job_id, error)
                self._pause.wait(RETRY_SECONDS)

    def _verdict(self, attempt: Attempt, claim: Claim, seconds: float) -> Verdict | None:
        verdict = attempt.look(claim, seconds)
        if verdict is not None and not isinstance(verdict, Completed):
            words = (claim.id, claim.attempt, attempt.exit_description, describe(verdict))
            log.warning("job %s: attempt %s %s: %s", *words)
        return verdict

    def _record(self, verdict: Verdict, claim: Claim, attempt: Attempt) -> bool:
        """Record the verdict in the row, then in the folder.

        Returns ``False`` if the job must be looked at again: its report is being written, or a stop
        was requested meanwhile.
        """
        attempts, now = claim.attempt, self.clock()
        match verdict:
            case Completed(outcome):
                self.queue.complete(claim, outcome)
                return True
            case Requeued(charge):
                return self.queue.requeue(claim, charge=charge)
            case ReportDue(reason):
                if reason == "died" and not attempt.reports and claim.charged < MAX_DEATHS:
                    self.queue.charge(claim)
                attempt.write_report(reason)
                return False
            case Recorded():
                ended = verdict.ended
            case Cancelled():
                ended = Ended(state="cancelled", attempts=attempts, ended_at=now)
            case Failed(error):
                ended = Ended(state="failed", error=error, attempts=attempts, ended_at=now)
        if not self.queue.end(claim, ended, recorded=isinstance(verdict, Recorded)):
            return False
        if not attempt.has_newer_format:
            attempt.make_folder()
            (attempt.folder / RESERVE).unlink(missing_ok=True)
            create_once(attempt.folder / ENDED, encode(ended))
        return True

    def _release_others(self, seconds: float) -> None:
        """Release the dead jobs of profiles without a runner, which count for the limit."""
        self._since_others_released += seconds
        if self._since_others_released < OTHERS_SECONDS:
            return
        self._since_others_released = 0.0
        for profile in self.queue.claimed_profiles():
            if profile != self.context.options.profile:
                options = replace(self.context.options, profile=profile)
                context = replace(self.context, options=options)
                queue = replace(self.queue, profile=profile)
                Supervisor(queue, context, clock=self.clock).release()

    def _claim_queued(self, seconds: float) -> None:
        """Claim queued jobs and start their processes, up to the limit."""
        limit = self.context.options.max_running
        while True:
            has_space_now = has_space(self.context.paths.root)
            if self._had_space and not has_space_now:
                log.warning("no job is begun: the disk is almost full")
            self._had_space = has_space_now
            waiting = self.queue.next(max_running=limit) if has_space_now else None
            if waiting is None or self._must_wait_for_others(waiting, seconds):
                return
            claim = self.queue.claim(
                waiting,
                max_running=limit,
                progress=Heartbeat(self.context.paths.jobs / waiting.folder).progress,
                at=self.clock(),
                boot=self.context.boot,
            )
            if claim is None:
                return
            attempt = self._attempts[claim.id] = Attempt(claim, self.context, adopted=False)
            try:
                attempt.begin(self.clock())
            except OSError as error:
                log.warning("job %s could not be started: %s", claim.id, error)

    def _must_wait_for_others(self, waiting: Claim, seconds: float) -> bool:
        """Return whether a job of another profile, whose runner works, has to begin first.

        If the limit of that profile is lower, its job waits until several slots are free. It would
        never begin if others took each slot that becomes free.
        """
        lock = self.context.paths.runner_lock
        ahead = {
            profile
            for profile in self.queue.profiles_ahead(waiting)
            if locks.is_held(lock(profile))
        }
        self._since_suspended_read += seconds
        if ahead and self._since_suspended_read >= OTHERS_SECONDS:
            self._since_suspended_read = 0.0
            root = self.context.paths.root
            self._suspended_profiles = os_processes.suspended_runners(root, ahead)
        return not ahead <= self._suspended_profiles
