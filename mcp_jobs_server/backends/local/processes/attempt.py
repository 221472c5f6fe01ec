"""One attempt at a job as its runner follows it: the process, its time, and how it ends.

The program of a job gets ``--folder DIR --lock FILE --cache DIR --attempt N``, ``--without=NAME``
for each source that is not granted any more and, to write the report from the folder alone,
``--finish REASON``. The bundled researcher also gets ``--settings`` with the configuration.
``settle.py`` lists its exit codes.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mcp_jobs_server.backends.folder_paths import make_private_directory
from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.heartbeat import Heartbeat
from mcp_jobs_server.backends.local.processes.left_out import left_out
from mcp_jobs_server.backends.local.processes.settle import (
    EXIT_LOCKED,
    MAX_REPORTS,
    AttemptFacts,
    KillReason,
    ReportReason,
    Verdict,
    settle_attempt,
)
from mcp_jobs_server.backends.local.store.queue import Claim
from mcp_jobs_server.backends.local.store.rows import stored_request
from mcp_jobs_server.backends.settle import EXIT_UNREADABLE_REQUEST
from research_contract.files import (
    NewerFormat,
    create_once,
    decode,
    encode,
    read_whole,
    write_whole,
)
from research_contract.records import (
    ENDED,
    FINISH_NOW,
    OUTCOME,
    REPORT,
    REQUEST,
    RUN,
    STATUS,
    STOP,
    Ended,
    Outcome,
    Record,
    Request,
    Run,
    Status,
)

STARTUP_SECONDS = 5.0
"""Time for a process, found after the death of its runner, to lock its job."""


@dataclass(frozen=True)
class RunnerContext:
    """Where and how a runner works; ``boot`` is the id of the boot of the machine, or ""."""

    paths: DataPaths
    options: RunnerOptions
    boot: str = ""


class Attempt:
    """A claimed job and its process. All calls block, a second or so at most.

    Args:
        claim: the row of the job.
        context: where and how the runner works.
        adopted: the process was started by an earlier runner, and is followed by its lock.

    Attributes:
        folder: the job folder.
        reports: how often the writing of its report was begun.
    """

    def __init__(self, claim: Claim, context: RunnerContext, *, adopted: bool) -> None:
        self.folder = context.paths.jobs / claim.folder
        self.reports = 0
        self._claim = claim
        self._context = context
        self._adopted = adopted
        self._request = stored_request(claim.id, claim.request)
        self._lock = context.paths.job_lock(claim.id)
        self._heartbeat = Heartbeat(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._exit_code: int | None = None
        self._kill_reason: KillReason | None = None
        self._killed_for = ""
        self._report_reason: ReportReason | None = None
        self._seconds_since_request = 0.0
        self._seconds_since_start = 0.0

    @property
    def exit_description(self) -> str:
        """How its process ended, for the log."""
        killed = f", after the runner had killed it ({self._killed_for})"
        return os_processes.describe_exit(self._exit_code) + (killed if self._killed_for else "")

    @property
    def has_newer_format(self) -> bool:
        """Whether a newer program wrote in the folder, which must not be changed then."""
        records: tuple[tuple[type[Record], str], ...] = (
            (Request, REQUEST),
            (Status, STATUS),
            (Outcome, OUTCOME),
            (Ended, ENDED),
        )
        try:
            for kind, name in records:
                decode(kind, read_whole(self.folder / name))
        except NewerFormat:
            return True
        return False

    def make_folder(self) -> None:
        """Make the job folder if it is missing, but never a data directory that was moved."""
        make_private_directory(self.folder, within=self._context.paths.root)

    def begin(self, at: datetime) -> None:
        """Start the process of the job.

        Raises:
            OSError: it could not be started. That counts as a death.
        """
        if self._request is None or self.has_newer_format:
            self._exit_code = EXIT_UNREADABLE_REQUEST
            return
        if read_whole(self.folder / REQUEST) is None:
            # The server writes it after the row is committed, and may have died in between.
            self.make_folder()
            create_once(self.folder / REQUEST, encode(self._request))
        options = self._context.options
        names = left_out(self._request, data_dir=options.data_dir, config=options.config)
        self._start(*(f"--without={name}" for name in names))
        run = Run(
            runner="local",
            run_id=str(self._pid or ""),
            attempt=self._claim.attempt,
            started_at=at,
        )
        write_whole(self.folder / RUN, encode(run))

    def write_report(self, reason: ReportReason) -> None:
        """Start a process that writes the report from the folder alone."""
        self.reports += 1
        self._report_reason = reason
        self._kill_reason = None
        self._seconds_since_start = 0.0
        self._start("--finish", reason)

    def look(self, claim: Claim, seconds: float) -> Verdict | None:
        """Look at the job, ``seconds`` after the last time, and kill it if it is overdue.

        Returns the verdict once nothing works on the job any more, which its free lock proves.
        """
        self._claim = claim
        self._seconds_since_start += seconds
        self._heartbeat.look(seconds)
        if self._is_working() and not self._must_be_killed(seconds):
            return None
        processes = partial(os_processes.job_processes, self._claim.id, self._pid)
        if os_processes.kill(processes, wait_seconds=1):
            return None
        if self._process is not None:
            self._exit_code = self._process.wait()
            self._process = None
        with locks.try_lock(self._lock) as acquired:
            self._adopted = not acquired
            return settle_attempt(self._facts()) if acquired else None

    def _start(self, *more_arguments: str) -> None:
        paths = self._context.paths
        paths.rotate_log()
        command = (
            *self._context.options.job_command,
            *("--folder", str(self.folder)),
            *("--lock", str(self._lock)),
            *("--cache", str(paths.index)),
            *("--attempt", str(self._claim.attempt)),
            *self._context.options.researcher_settings(),
            *more_arguments,
        )
        self._process = self._exit_code = None
        self._killed_for = ""
        self._process = os_processes.start_job(
            command, job_id=self._claim.id, log=paths.log, cwd=paths.root
        )

    def _is_working(self) -> bool:
        if self._process is not None:
            self._exit_code = self._process.poll()
            if self._exit_code is None:
                return True
            self._adopted = self._adopted or self._exit_code == EXIT_LOCKED
            self._process = None
        if not self._adopted:
            return False
        if locks.is_held(self._lock):
            return True
        may_be_starting = self._seconds_since_start < STARTUP_SECONDS
        return may_be_starting and bool(os_processes.job_processes(self._claim.id))

    def _must_be_killed(self, seconds: float) -> bool:
        """Return whether the job is overdue, and remember why."""
        options, requested = self._context.options, self._claim.requested
        if requested is not None:
            # The server that recorded the request may have died before it wrote this file.
            control_file = self.folder / (STOP if requested == "stop" else FINISH_NOW)
            if not control_file.exists():
                self.make_folder()
                create_once(control_file, b"")
            self._seconds_since_request += seconds
        if requested == "stop":
            overdue, reason = self._seconds_since_request > options.stop_grace_seconds, "stop"
        elif self._report_reason is not None:
            overdue, reason = self._seconds_since_start > options.report_seconds, "report"
        else:
            self._kill_reason = self._find_kill_reason()
            overdue, reason = self._kill_reason is not None, str(self._kill_reason)
        if overdue:
            self._killed_for = reason
        return overdue

    def _find_kill_reason(self) -> KillReason | None:
        finishing = self._claim.requested == "finish_now"
        if finishing and self._seconds_since_request > self._context.options.finish_grace_seconds:
            return "finish_now"
        reason = self._out_of_time()
        if reason is not None and os_processes.is_suspended(self._claim.id, self._pid):
            self._heartbeat.forget_suspended_time()
            return self._out_of_time()
        return reason

    def _out_of_time(self) -> KillReason | None:
        options = self._context.options
        minutes = self._request.limits.minutes if self._request else None
        # A job writes its report when its minutes are over, and has extra time for that.
        if minutes and self._heartbeat.active_seconds > minutes * 60 + options.report_seconds:
            return "deadline"
        return "hung" if self._heartbeat.quiet_seconds > options.hang_seconds else None

    @property
    def _pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _facts(self) -> AttemptFacts:
        outcome, ended, exit_code = None, None, self._exit_code
        try:
            outcome = decode(Outcome, read_whole(self.folder / OUTCOME))
            ended = decode(Ended, read_whole(self.folder / ENDED))
        except NewerFormat:
            exit_code = EXIT_UNREADABLE_REQUEST
        boots = (self._claim.boot, self._context.boot)
        return AttemptFacts(
            outcome=outcome,
            ended=ended,
            stop_requested=self._claim.requested == "stop" or (self.folder / STOP).exists(),
            attempt=self._claim.attempt,
            charged=self._claim.charged,
            made_progress=self._heartbeat.progress > self._claim.progress_before,
            exit_code=exit_code,
            kill_reason=self._kill_reason,
            report_begun=self._report_reason,
            report_written=self._exit_code == 0 and (self.folder / REPORT).exists(),
            report_given_up=self._killed_for == "report" or self.reports >= MAX_REPORTS,
            rebooted="" not in boots and boots[0] != boots[1],
            finish_requested=self._claim.requested == "finish_now",
        )
