"""A small job that keeps the contract of the job command; its question decides its behaviour.

``answer``: writes its outcome. ``wait``: works until the file ``go`` is in its folder, and obeys
control files. ``die``: ends at once without an outcome. ``progress``: finds evidence, then dies,
until its fourth attempt. ``repeat``: writes steps and finds the same evidence each time, then
dies. ``hang``: writes no status. ``stubborn``: like ``wait``, but ignores control files.
``orphan``: ``stubborn``, with a child in a session of its own. ``unreadable``: exit code 5.
``no room``: exit code 6, as on a full disk. ``reluctant``: dies, and so does the first process
that writes its report. ``lingering``: like ``wait``, but does not exit after its outcome.
``parent``: like ``wait``, with a child like that of ``orphan``. ``slow to report``: dies, and
writes its report slowly. ``short``: like ``wait``, but for half a second only. ``family``:
``short``, with such a child.

Every start adds a line to ``starts`` in its folder, and its variable TEAM, interpreter and version
to ``environment``. Every end of ``wait`` adds a line to ``ends``.
"""

from __future__ import annotations

import argparse
import errno
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from research_contract import records
from research_contract.files import decode, encode, read_whole, write_whole
from researcher_job import __version__ as version


class Job:
    def __init__(self, folder: Path, attempt: int) -> None:
        self.folder = folder
        self.attempt = attempt
        self.began = self.ticked = time.monotonic()
        found = decode(records.Request, read_whole(folder / records.REQUEST))
        if found is None:
            sys.exit(5 if folder.is_dir() else 1)
        self.question = found.question
        old = decode(records.Status, read_whole(folder / records.STATUS))
        self.last_step = old.last_step if old else 0
        self.evidence = old.last_evidence if old else 0
        self.spent = old.spent.active_seconds if old else 0.0

    def note(self, name: str, text: str = "x") -> None:
        with (self.folder / name).open("a") as file:
            file.write(text + "\n")

    def tick(self) -> float:
        """Count active seconds as jobs do, without the time in which the process was suspended."""
        now = time.monotonic()
        self.spent += min(now - self.ticked, 0.2)
        self.ticked = now
        return self.spent

    def beat(self, *, steps: int = 0) -> None:
        self.last_step += steps
        status = records.Status(
            attempt=self.attempt,
            state="researching",
            summary="working",
            spent=records.Spent(active_seconds=self.tick()),
            last_step=self.last_step,
            last_evidence=self.evidence,
            coverage=records.Coverage(found=2, read=2) if self.evidence else None,
            updated_at=datetime.now(UTC),
        )
        write_whole(self.folder / records.STATUS, encode(status))

    @property
    def done(self) -> bool:
        short = self.question in ("short", "family")
        return short and self.spent > 0.5

    def outcome(self, kind: records.OutcomeKind, reason: str = "") -> int:
        outcome = records.Outcome(
            outcome=kind,
            reason=reason,
            answer="Forty-two." if kind == "answered" else "",
            spent=records.Spent(active_seconds=self.tick()),
            attempts=self.attempt,
            ended_at=datetime.now(UTC),
        )
        write_whole(self.folder / records.REPORT, b"# Report\n")
        write_whole(self.folder / records.OUTCOME, encode(outcome))
        return 0

    def work(self, *, ignores_control: bool = False) -> int:
        while True:
            if self.done or (self.folder / "go").exists():
                self.note("ends")
                return self.outcome("answered")
            if not ignores_control and (self.folder / records.STOP).exists():
                return 3
            if not ignores_control and (self.folder / records.FINISH_NOW).exists():
                return self.outcome("partial", "finish_now")
            self.beat()
            time.sleep(0.05)


def do(job: Job) -> int:
    if job.question in ("orphan", "family", "parent"):
        command = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
        child = subprocess.Popen(command, start_new_session=True)
        job.note("child", str(child.pid))
    job.note("environment", f"{os.environ.get('TEAM', '')} {sys.executable} {version}")
    job.note("starts", str(job.attempt))
    if job.question == "answer":
        return job.outcome("answered")
    if job.question in ("die", "reluctant", "slow to report"):
        return 1
    if job.question == "unreadable":
        return 5
    if job.question == "no room":
        return 6
    if job.question == "progress":
        job.evidence += 1
        job.beat(steps=1)
        return 1 if job.attempt < 5 else job.outcome("answered")
    if job.question == "repeat":
        job.evidence = 1
        job.beat(steps=3)
        return 1
    if job.question == "hang":
        time.sleep(600)
    if job.question == "lingering":
        job.work()
        time.sleep(600)
    return job.work(ignores_control=job.question in ("stubborn", "orphan"))


def finish(job: Job, reason: str) -> int:
    job.note("finishes", reason)
    if job.question == "slow to report":
        time.sleep(600)
    if job.question == "reluctant" and len((job.folder / "finishes").read_text().split()) == 1:
        return 1
    if reason != "died":
        return job.outcome("partial", reason)
    write_whole(job.folder / records.REPORT, b"# Report of a job that died\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("folder", "lock", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--finish")
    told = parser.parse_args()
    try:
        told.lock.parent.stat()  # the lock would make a directory anew that was moved
        with FileLock(told.lock, timeout=1):
            job = Job(told.folder, told.attempt)
            if told.finish:
                return finish(job, told.finish)
            return do(job)
    except Timeout:
        return 4
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return 6


if __name__ == "__main__":
    sys.exit(main())
