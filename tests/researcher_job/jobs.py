"""Helpers for tests of the job: job folders, jobs over texts in memory, and the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import anyio

from research_contract import records as contract
from research_contract.files import create_once, encode
from research_contract.records import Evidence, Outcome, Request, SourceRef, Status, Step
from researcher_job.core.errors import ExitCode
from researcher_job.core.settings import JobSettings
from researcher_job.records.control import Control
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.segments import read_segments
from researcher_job.research.job import Job
from researcher_job.testing import FakeSource, FakeStrategy
from researcher_job.verification.verify import verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = {
    "logs": "Retention of log files lasts thirty days.\n\nBackup files are kept for ninety days.",
    "buying": "Purchases above 500 euro need approval of the board.",
}
QUESTIONS = ("How long is the retention of log files?", "Who grants approval of purchases?")
WAIT = 60.0
"""Seconds after which a process that should have ended is abandoned."""


def make_folder(root: Path, **fields: object) -> JobFolder:
    """Create a job folder with a request that has these ``fields``."""
    request = Request.model_validate(
        {
            "job_id": "20260301-aaaaaaaaaaaaa",
            "question": " ".join(QUESTIONS),
            "sources": (SourceRef(name="texts", uri="memory:"),),
            "created_at": NOW,
            **fields,
        }
    )
    root.parent.mkdir(parents=True, exist_ok=True)
    create_once(root / contract.REQUEST, encode(request))
    return JobFolder(root)


def make_job(folder: JobFolder, source: FakeSource | None = None, *, attempt: int = 1) -> Job:
    """Return a job over texts in memory."""
    return Job(
        folder=folder,
        request=folder.request(),
        attempt=attempt,
        settings=JobSettings(cache_dir=folder.path / "unused", look_seconds=0.01),
        open_source=(source or FakeSource(TEXTS)).open,
        strategy=FakeStrategy(),
        control=Control(folder.path),
    )


def run_job(folder: JobFolder, source: FakeSource | None = None, *, attempt: int = 1) -> ExitCode:
    return anyio.run(make_job(folder, source, attempt=attempt).run)


def nearest_of(folder: JobFolder, question: int) -> list[Evidence]:
    """Return the nearest passages of the question with this index, best first."""
    by_number = {item.n: item for item in folder.quotes()}
    return [by_number[n] for n in outcome_of(folder).questions[question].nearest]


def outcome_of(folder: JobFolder) -> Outcome:
    outcome = folder.outcome()
    assert outcome
    return outcome


def status_of(folder: JobFolder) -> Status:
    status = folder.status()
    assert status
    return status


def steps_of(folder: JobFolder) -> list[Step]:
    """Return the steps in the order of the journal; all must be valid."""
    records = read_segments(folder.path, contract.STEPS, Step).records
    steps = [step for step in records if step]
    assert len(steps) == len(records)
    return steps


def report_of(folder: JobFolder) -> str:
    return folder.file(contract.REPORT).read_text(encoding="utf-8")


def finished_job(root: Path, config: Path, **fields: object) -> JobFolder:
    """Run a job with the configuration and these fields, until it ends well; it verifies."""
    folder = make_folder(root / "jobs" / "job", **fields)
    done = run_configured(folder, config)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.DONE, "", "")
    assert verify(folder.path).faults == ()
    return folder


def run_configured(
    folder: JobFolder, config: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the job with the tables of the configuration and a cache beside its folder."""
    cache = folder.path.parent / "cache"
    arguments = ("--folder", folder.path, "--settings", config, "--cache", cache)
    return command(*arguments, **environment)


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real command until it ends; ``environment`` is added to that of this process."""
    return subprocess.run(
        [sys.executable, "-m", "researcher_job", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
        env={**os.environ, **environment},
    )
