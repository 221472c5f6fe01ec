"""The real command as a platform run, in a folder that behaves like a mount."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from research_contract import records
from research_contract.files import create_once, encode, write_whole
from research_contract.records import Run, SourceRef, Status
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from researcher_job.verification.verify import verify
from tests.researcher_job.command.test_job_command import HANDBOOK, handbook
from tests.researcher_job.jobs import (
    NOW,
    QUESTIONS,
    WAIT,
    make_folder,
    outcome_of,
    report_of,
    status_of,
    steps_of,
)

__all__ = ["handbook"]

RUN = "481516234200042"


def command(folder: JobFolder, *arguments: object, run_id: str = RUN) -> list[str]:
    """Return the command of the platform, in a process for which the folder is a mount."""
    program = [sys.executable, "-m", "tests.researcher_job.records.mount", str(folder.path)]
    said = [f"--folder={folder.path}", f"--run-id={run_id}", "--storage=mount"]
    return [*program, *said, *map(str, arguments)]


def run(
    folder: JobFolder, *arguments: object, run_id: str = RUN, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *arguments, run_id=run_id),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
        env={**os.environ, **environment},
    )


def files(folder: JobFolder) -> dict[str, bytes]:
    found = (path for path in folder.path.rglob("*") if path.is_file())
    return {path.relative_to(folder.path).as_posix(): path.read_bytes() for path in found}


@contextmanager
def status_of_run(folder: JobFolder, run_id: str, *, seconds_ago: float) -> Iterator[None]:
    """Write the status of another attempt, which must be unchanged afterwards."""
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    data = encode(Status(run_id=run_id, attempt=3, updated_at=at))
    write_whole(folder.file(records.STATUS), data)
    yield
    assert folder.file(records.STATUS).read_bytes() == data


def begin(folder: JobFolder, *, run_id: str = RUN) -> None:
    """Write ``run.json`` as the server does."""
    run = Run(runner="lakeflow", run_id=run_id, attempt=1, started_at=NOW)
    create_once(folder.file(records.RUN), encode(run))


def test_a_folder_on_a_mount_is_run(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    begin(folder)
    done = run(folder)
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    assert "thirty days" in outcome_of(folder).answer
    assert "> The retention of log files is thirty days." in report_of(folder)
    assert (status_of(folder).run_id, status_of(folder).attempt) == (RUN, 1)
    assert verify(folder.path).faults == ()
    left = {name for name in files(folder) if name.startswith(".") or "sqlite" in name}
    assert left == set()


def test_local_storage_fails_on_a_mount(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    assert run(folder, "--storage=local").returncode == ExitCode.FAILED


def test_a_folder_with_an_outcome_is_left_unchanged(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    run(folder)
    before = files(folder)
    begin(folder, run_id="another")
    assert run(folder).returncode == ExitCode.DONE
    assert files(folder).items() - before.items() == {
        (records.RUN, folder.file(records.RUN).read_bytes())
    }


def test_a_folder_owned_by_another_run_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job")
    begin(folder, run_id="another")
    before = files(folder)
    refused = run(folder)
    assert refused.returncode == ExitCode.LOCKED
    assert "belongs to another run" in refused.stderr
    assert files(folder) == before


def test_a_folder_that_another_run_works_on_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job")
    with status_of_run(folder, "another", seconds_ago=20):
        refused = run(folder)
    assert refused.returncode == ExitCode.LOCKED
    assert "Another run works on this job" in refused.stderr


@pytest.mark.parametrize(("run_id", "seconds_ago"), [("another", 61), (RUN, 1), ("", 1)])
def test_a_folder_without_another_live_run_continues(
    tmp_path: Path, handbook: SourceRef, run_id: str, seconds_ago: float
) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    status = Status(run_id=run_id, attempt=3, updated_at=at)
    write_whole(folder.file(records.STATUS), encode(status))
    assert run(folder).returncode == ExitCode.DONE
    assert (status_of(folder).run_id, status_of(folder).attempt) == (RUN, 4)


def test_a_job_stopped_before_its_start_does_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job")
    create_once(folder.file(records.STOP), b"")
    before = files(folder)
    assert run(folder).returncode == ExitCode.STOPPED
    assert files(folder) == before


def test_a_finish_request_before_the_start_only_writes_the_report(
    tmp_path: Path, handbook: SourceRef
) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    create_once(folder.file(records.FINISH_NOW), b"")
    assert run(folder).returncode == ExitCode.DONE
    assert [step.kind for step in steps_of(folder)] == ["completed"]
    assert status_of(folder).asked == "finish_now"
    assert outcome_of(folder).outcome == "insufficient_evidence"
    assert verify(folder.path).faults == ()


@pytest.mark.parametrize("seed", range(2))
def test_a_repeatedly_killed_job_loses_nothing_that_it_published(tmp_path: Path, seed: int) -> None:
    folder = make_folder(tmp_path / "job")
    program = [
        sys.executable,
        "-m",
        "tests.researcher_job.records.mounted_job",
        str(folder.path),
        str(seed),
    ]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=4 * WAIT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exit_code"] == ExitCode.DONE
    assert outcome_of(folder).outcome == "answered"
    assert [step.step for step in steps_of(folder)] == list(range(1, len(steps_of(folder)) + 1))
    assert verify(folder.path).faults == ()


def test_a_signal_stops_a_job_without_a_recorded_request(
    tmp_path: Path, handbook: SourceRef
) -> None:
    for number in range(3_000):
        (tmp_path / "handbook" / f"{number}.md").write_text(f"# Page {number}\n\nPlain words.\n")
    config = tmp_path / "research.toml"
    config.write_text('[researcher]\nlook_seconds = 0.02\n[sources.handbook]\nuri = "handbook"\n')
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    process = subprocess.Popen(command(folder, "--config", config))
    while not folder.file(records.STATUS).exists() and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(WAIT) == ExitCode.STOPPED
    assert status_of(folder).asked == ""
    assert "task" not in {step.kind for step in steps_of(folder)}, "it read all documents"
    assert status_of(folder).last_step == len(steps_of(folder))


# --- output -------------------------------------------------------------------------------


def words(folder: JobFolder) -> list[str]:
    """Return the words that must not be printed: those of the questions and the sources."""
    texts = [*QUESTIONS, *HANDBOOK, *HANDBOOK.values(), folder.request().question]
    long = {word.strip(".?#").lower() for text in texts for word in text.split()}
    return [word for word in long if len(word) > 5]


def test_no_text_of_question_or_sources_is_printed(tmp_path: Path, handbook: SourceRef) -> None:
    (tmp_path / "handbook" / "broken.pdf").write_bytes(b"%PDF-1.4 approval of purchases")
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    done = run(folder)
    assert done.returncode == ExitCode.DONE
    assert done.stdout.splitlines() == [
        f"job {folder.path.name}, run {RUN}: begins",
        f"job {folder.path.name}, run {RUN}: done",
    ]
    said = (done.stdout + done.stderr).lower()
    assert [word for word in words(folder) if word in said] == []


def test_a_failure_prints_only_its_kind(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    cache = tmp_path / "approval-of-purchases"
    cache.write_text("in the way")
    done = run(folder, "--cache", cache)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.endswith(": The job failed: FileExistsError.\n")
    assert "approval" in steps_of(folder)[-1].message


TALKATIVE = """
import logging, sys, threading, time, warnings

def talk():
    while "researcher_job.research.job" not in sys.modules:
        time.sleep(0.001)
    logging.warning("approval of purchases")
    warnings.warn("approval of purchases")
    print("approval of purchases")

threading.Thread(target=talk, daemon=True).start()
"""


def test_output_of_libraries_is_suppressed(tmp_path: Path, handbook: SourceRef) -> None:
    (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    done = run(folder, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[1:] == [f"job {folder.path.name}, run {RUN}: done"]


# --- the entry point ----------------------------------------------------------------------

CALLED = """
import sys
from importlib.metadata import distribution
points = distribution("mcp-jobs-server").entry_points
[point] = [one for one in points if one.name == "researcher-job"]
sys.argv = ["researcher-job", *sys.argv[1:]]
try:
    point.load()()
except BaseException as error:
    print(type(error).__mro__[1].__name__, getattr(error, "code", None), str(error), sep="|")
"""

IN_A_LOOP = """
import asyncio, sys
from researcher_job.__main__ import command
sys.argv = ["researcher-job", *sys.argv[1:]]
async def cell():
    command()
asyncio.run(cell())
"""


def call(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )


def test_the_entry_point_raises_a_failure_with_its_message(tmp_path: Path) -> None:
    begin(folder := make_folder(tmp_path / "job"), run_id="another")
    said = call(CALLED, f"--folder={folder.path}", f"--run-id={RUN}", "--storage=mount").stdout
    assert said.splitlines()[-1] == (
        "SystemExit|4|This job belongs to another run, so this run does not change it."
    )


def test_the_entry_point_returns_on_success(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    said = call(CALLED, f"--folder={folder.path}", f"--run-id={RUN}", "--storage=mount").stdout
    assert said.splitlines()[-1] == f"job {folder.path.name}, run {RUN}: done"


def test_it_runs_inside_a_running_event_loop(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    done = call(IN_A_LOOP, f"--folder={folder.path}", f"--run-id={RUN}", "--storage=mount")
    assert (done.returncode, done.stderr) == (0, "")
    assert outcome_of(folder).coverage.read == 3


@pytest.mark.parametrize("run_id", ["", "a b", "../x", "{{job.run_id}}"])
def test_an_invalid_run_id_is_a_usage_error(tmp_path: Path, run_id: str) -> None:
    folder = make_folder(tmp_path / "job")
    assert run(folder, run_id=run_id).returncode == ExitCode.USAGE


def test_it_waits_for_a_request_that_becomes_visible_late(
    tmp_path: Path, handbook: SourceRef
) -> None:
    process = subprocess.Popen(command(folder := JobFolder(tmp_path / "job")))
    time.sleep(2)
    assert process.poll() is None
    make_folder(folder.path, sources=(handbook,))
    assert process.wait(WAIT) == ExitCode.DONE
    assert outcome_of(folder).coverage.read == 3
