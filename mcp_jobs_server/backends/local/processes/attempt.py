"""One attempt at a job under watch: its process, its clocks, and what became of it.

What a job's program is given: ``--folder DIR --lock FILE --cache DIR --attempt N`` and, to write
the report from the folder alone, ``--finish REASON``. Its exit codes stand in ``settle.py``.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.options import RunnerOptions
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.heartbeat import Progress
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
from mcp_jobs_server.backends.local.store.request_rows import stored_request
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

YOUNG_SECONDS = 5.0
"""How long a process found after a runner's death may take to lock its job."""


@dataclass(frozen=True)
class Place:
    """Where a runner works and how; ``boot`` is the boot of the machine, "" where unknown."""

    layout: Layout
    options: RunnerOptions
    boot: str = ""


class Attempt:
    """What the runner knows of a job that it claimed. All calls block, at most a second or so.

    ``adopted``: the process was started by a runner that is gone, and is followed by its lock.
    """

    def __init__(self, claim: Claim, place: Place, *, adopted: bool) -> None:
        self._claim = claim
        self._request = stored_request(claim.id, claim.request)
        self._place = place
        self._adopted = adopted
        self._process: subprocess.Popen[bytes] | None = None
        self._exit_code: int | None = None
        self._cause: KillReason | None = None
        self._report: ReportReason | None = None
        self._reports = 0
        self._killed = ""
        self._asked_seconds = 0.0
        self._age_seconds = 0.0
        self._progress = Progress(self.folder)

    @property
    def folder(self) -> Path:
        return self._place.layout.jobs / self._claim.folder

    @property
    def ending(self) -> str:
        """How its process came to its end, for the log."""
        killed = f", after the runner had killed it ({self._killed})" if self._killed else ""
        return os_processes.ending(self._exit_code) + killed

    @property
    def newer(self) -> bool:
        """Whether a newer program wrote in its folder, in which nothing may be changed then."""
        kinds: tuple[tuple[type[Record], str], ...] = (
            (Request, REQUEST),
            (Status, STATUS),
            (Outcome, OUTCOME),
            (Ended, ENDED),
        )
        try:
            for kind, name in kinds:
                decode(kind, read_whole(self.folder / name))
        except NewerFormat:
            return True
        return False

    @property
    def reports(self) -> int:
        """How often the writing of its report was begun."""
        return self._reports

    def begin(self, at: datetime) -> None:
        """Start the job's process; ``OSError``: it could not be started, which is a death."""
        if self._request is None or self.newer:
            self._exit_code = EXIT_UNREADABLE_REQUEST
            return
        if read_whole(self.folder / REQUEST) is None:
            create_once(self.folder / REQUEST, encode(self._request))
        self._start()
        run = Run(
            runner="local",
            run_id=str(self._pid or ""),
            attempt=self._claim.attempt,
            started_at=at,
        )
        write_whole(self.folder / RUN, encode(run))

    def write_report(self, reason: ReportReason) -> None:
        """Have the report written from the folder alone."""
        self._report = reason
        self._reports += 1
        self._cause = None
        self._age_seconds = 0.0
        self._start("--finish", reason)

    def look(self, claim: Claim, seconds: float) -> Verdict | None:
        """Look after the job, ``seconds`` after the last time; say what becomes of it once
        nothing works on it any more."""
        self._claim = claim
        self._age_seconds += seconds
        self._progress.look(seconds)
        if self._working() and not self._overdue(seconds):
            return None
        if not os_processes.end_job(self._claim.id, self._pid, wait_seconds=1):
            return None
        self._reap()
        with locks.taken(self._lock) as free:
            self._adopted = not free
            return settle_attempt(self._facts()) if free else None

    @property
    def _lock(self) -> Path:
        return self._place.layout.job_lock(self._claim.id)

    def _start(self, *more: str) -> None:
        layout = self._place.layout
        layout.rotate_log()
        command = (
            *self._place.options.job_command,
            *("--folder", str(self.folder)),
            *("--lock", str(self._lock)),
            *("--cache", str(layout.index)),
            *("--attempt", str(self._claim.attempt)),
            *more,
        )
        self._process = self._exit_code = None
        self._killed = ""
        self._process = os_processes.start_job(
            command, job_id=self._claim.id, log=layout.log, cwd=layout.root
        )

    def _working(self) -> bool:
        if self._process is not None:
            self._exit_code = self._process.poll()
            if self._exit_code is None:
                return True
            self._adopted = self._adopted or self._exit_code == EXIT_LOCKED
            self._process = None
        if not self._adopted:
            return False
        young = self._age_seconds < YOUNG_SECONDS
        return locks.held(self._lock) or (young and os_processes.has_job(self._claim.id, self._pid))

    def _overdue(self, seconds: float) -> bool:
        """Say whether the job must be killed, and remember why."""
        options = self._place.options
        if self._claim.requested is not None:
            self._ask(self._claim.requested)
            self._asked_seconds += seconds
        if self._claim.requested == "stop":
            return self._kills("stop", when=self._asked_seconds > options.stop_grace_seconds)
        if self._report is not None:
            return self._kills("report", when=self._age_seconds > options.report_seconds)
        self._cause = self._late()
        return self._kills(self._cause or "", when=self._cause is not None)

    def _kills(self, why: str, *, when: bool) -> bool:
        self._killed = why if when else self._killed
        return when

    def _late(self) -> KillReason | None:
        options = self._place.options
        asked = self._claim.requested == "finish_now"
        if asked and self._asked_seconds > options.finish_grace_seconds:
            return "finish_now"
        late = self._out_of_time()
        if late is not None and os_processes.suspended(self._claim.id, self._pid):
            self._progress.suspended()
            return self._out_of_time()
        return late

    def _out_of_time(self) -> KillReason | None:
        options = self._place.options
        minutes = self._request.limits.minutes if self._request else None
        # At its deadline a job writes its report, for which it has a time of its own.
        if minutes and self._progress.active_seconds > minutes * 60 + options.report_seconds:
            return "deadline"
        return "hung" if self._progress.quiet_seconds > options.hang_seconds else None

    def _ask(self, mode: str) -> None:
        """Repeat what was asked in the control file, which whoever asked may not have written."""
        path = self.folder / (STOP if mode == "stop" else FINISH_NOW)
        if not path.exists():
            create_once(path, b"")

    @property
    def _pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _reap(self) -> None:
        if self._process is not None:
            self._exit_code = self._process.wait()
            self._process = None

    def _facts(self) -> AttemptFacts:
        outcome, ended, exit_code = None, None, self._exit_code
        try:
            outcome = decode(Outcome, read_whole(self.folder / OUTCOME))
            ended = decode(Ended, read_whole(self.folder / ENDED))
        except NewerFormat:
            exit_code = EXIT_UNREADABLE_REQUEST
        boots = (self._claim.boot, self._place.boot)
        return AttemptFacts(
            outcome=outcome,
            ended=ended,
            stop_requested=self._claim.requested == "stop" or (self.folder / STOP).exists(),
            attempt=self._claim.attempt,
            charged=self._claim.charged,
            made_progress=self._progress.reached > self._claim.reached_before,
            exit_code=exit_code,
            kill_reason=self._cause,
            report_begun=self._report,
            report_written=self._exit_code == 0 and (self.folder / REPORT).exists(),
            report_given_up=self._killed == "report" or self._reports >= MAX_REPORTS,
            rebooted="" not in boots and boots[0] != boots[1],
            finish_requested=self._claim.requested == "finish_now",
        )
