"""The real command on real folders with real documents, and killed while it runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from research_contract import records
from research_contract.files import create_once, encode
from research_contract.records import LeftOut, SourceRef
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import LOCK, JobFolder
from researcher_job.verification.verify import verify
from tests.researcher_job.files import pdf
from tests.researcher_job.jobs import (
    QUESTIONS,
    TEXTS,
    WAIT,
    command,
    make_folder,
    outcome_of,
    report_of,
    status_of,
    steps_of,
)

HANDBOOK = {
    "logs.md": "# Logs\n\n## Retention\n\nThe retention of log files is thirty days. After that"
    " they are deleted.\n",
    "buying.md": "# Buying\n\nPurchases above 500 euro need the approval of the board.\n",
    "travel.txt": "Trips are booked by the office. A trip abroad needs a visa.\n",
}


@pytest.fixture
def handbook(tmp_path: Path) -> SourceRef:
    folder = tmp_path / "handbook"
    folder.mkdir()
    for name, text in HANDBOOK.items():
        (folder / name).write_text(text, encoding="utf-8")
    return SourceRef(name="handbook", uri=folder.as_uri())


def run(folder: JobFolder, *arguments: object) -> subprocess.CompletedProcess[str]:
    return command("--folder", folder.path, "--cache", folder.path.parent / "cache", *arguments)


def test_a_folder_is_run_and_verified(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    done = run(folder)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.DONE, "", "")
    outcome = outcome_of(folder)
    assert outcome.coverage.read == 3
    assert "thirty days" in outcome.answer
    assert "> The retention of log files is thirty days." in report_of(folder)
    checked = command("verify", folder.path)
    assert (checked.returncode, checked.stderr) == (ExitCode.DONE, "")
    assert checked.stdout.rstrip().endswith("all verified")


def test_a_copied_folder_is_verified_without_its_sources(
    tmp_path: Path, handbook: SourceRef
) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    run(folder)
    copied = tmp_path / "elsewhere" / "received"
    copied.parent.mkdir()
    folder.path.rename(copied)
    (tmp_path / "handbook").rename(tmp_path / "gone")
    checked = command("verify", copied, "--json")
    assert checked.returncode == ExitCode.DONE
    said = json.loads(checked.stdout)
    assert said["verified"] is True
    assert said["quotes"] >= 2


def test_running_a_completed_folder_again_does_nothing(tmp_path: Path, handbook: SourceRef) -> None:
    folder = make_folder(tmp_path / "job", sources=(handbook,))
    run(folder)
    before = folder.file(records.OUTCOME).read_bytes()
    assert run(folder).returncode == ExitCode.DONE
    assert run(folder, "--finish", "deadline").returncode == ExitCode.DONE
    assert folder.file(records.OUTCOME).read_bytes() == before


def test_a_missing_source_gives_insufficient_evidence(tmp_path: Path) -> None:
    gone = SourceRef(name="gone", uri=(tmp_path / "gone").as_uri())
    folder = make_folder(tmp_path / "job", sources=(gone,))
    assert run(folder).returncode == ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "insufficient_evidence"
    assert "Nothing could be read" in outcome.reason


def test_unread_files_are_reported_everywhere_the_most_relevant_first(
    tmp_path: Path, handbook: SourceRef
) -> None:
    place = tmp_path / "handbook"
    for name in ("a.png", "b.png", "c.png", "Dragon nests.png"):
        (place / name).write_bytes(b"\x89PNG")
    (place / "scan.pdf").write_bytes(pdf("", ""))
    folder = make_folder(
        tmp_path / "job", question="Where do dragons nest, says whom?", sources=(handbook,)
    )
    assert run(folder).returncode == ExitCode.DONE
    said = (
        "Read 3 of 8 files; not read: 4 pictures (“Dragon nests.png”, a.png …),"
        " 1 scanned PDF without text (scan.pdf)."
    )
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.reason) == (
        "insufficient_evidence",
        "Not found in the files that could be read.",
    )
    assert outcome.coverage.sentence() == said
    assert status_of(folder).coverage == outcome.coverage
    head = report_of(folder).split("\n## ")[0]
    assert "Not found in the files that could be read." in head
    assert said in head
    page = folder.file(records.REPORT_HTML).read_text(encoding="utf-8")
    assert page.index(said) < page.index("What was not established")


def test_a_job_without_readable_files_ends_with_the_reason(tmp_path: Path) -> None:
    place = tmp_path / "album"
    place.mkdir()
    for number in range(500):
        (place / f"{number:03}.jpg").write_bytes(b"\xff\xd8\xff")
    source = SourceRef(name="album", uri=place.as_uri())
    folder = make_folder(tmp_path / "job", sources=(source,))
    assert run(folder).returncode == ExitCode.DONE
    outcome = outcome_of(folder)
    assert outcome.outcome == "insufficient_evidence"
    assert outcome.reason == (
        "Nothing could be read in the sources. Read 0 of 500 files;"
        " not read: 500 pictures (000.jpg, 001.jpg …)."
    )
    assert outcome.reason in report_of(folder).split("\n## ")[0]
    assert not [step for step in steps_of(folder) if step.kind == "tool_call"]


def test_a_held_lock_is_respected_and_nothing_is_written(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job")
    lock = tmp_path / "lock"
    with FileLock(lock):
        refused = run(folder, "--lock", lock)
        finishing = run(folder, "--lock", lock, "--finish", "died")
    assert refused.returncode == finishing.returncode == ExitCode.LOCKED
    assert refused.stderr == "Another process works on this job; wait until it has ended.\n"
    assert [path.name for path in folder.path.iterdir()] == [records.REQUEST]


def test_the_directory_of_the_lock_is_not_made_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "job")
    failed = run(folder, "--lock", tmp_path / "moved" / "locks" / "lock")
    assert failed.returncode == ExitCode.FAILED
    assert failed.stderr == "The lock file cannot be opened (No such file or directory).\n"
    assert not (tmp_path / "moved").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no request.json in this folder."),
        (b'{"job_id": "x"', "request.json does not hold a valid request."),
        (b'{"format_version": 99}', "format version 99"),
    ],
)
def test_an_unreadable_request_is_left_unchanged(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / records.REQUEST).write_bytes(content)
    for arguments in ((), ("--finish", "deadline")):
        refused = command("--folder", tmp_path, *arguments)
        assert refused.returncode == ExitCode.NO_REQUEST
        assert sentence in refused.stderr
        assert refused.stderr.count("\n") == 1
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert there == ({} if content is None else {records.REQUEST: content})


def test_wrong_arguments_are_a_usage_error() -> None:
    assert command().returncode == ExitCode.USAGE
    assert command("--folder", "x", "--finish", "because").returncode == ExitCode.USAGE


def test_help_and_start_import_no_document_reader() -> None:
    program = (
        "import sys, researcher_job.__main__ as main\n"
        "try:\n    main.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'lxml', 'pypdf', 'docx', 'pydantic', 'anyio', 'sqlite3'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=WAIT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_killed_job_continues_where_it_was(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    process = _held(folder, "purchases", attempt=1)
    _until(process, lambda: _in_the_middle(folder))
    process.kill()
    assert process.wait(WAIT) == -signal.SIGKILL
    before = steps_of(folder)
    assert folder.outcome() is None
    process = _held(folder, "nothing", attempt=2)
    assert process.wait(WAIT) == ExitCode.DONE
    steps = steps_of(folder)
    assert steps[: len(before)] == before
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    searched = [step.message for step in steps if step.kind == "tool_call"]
    assert searched.count(f"Searching for: {QUESTIONS[0]}") == 1
    assert outcome_of(folder).outcome == "answered"
    assert outcome_of(folder).spent.tool_calls == 3
    assert verify(tmp_path).faults == ()


def test_a_source_that_the_server_left_out_is_not_read(tmp_path: Path, handbook: SourceRef) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "leave.md").write_text(
        "Every employee has 30 days of leave in the notes."
    )
    notes = SourceRef(name="notes", uri=(tmp_path / "notes").as_uri())
    folder = make_folder(tmp_path / "job", sources=(handbook, notes))
    left_out = encode(LeftOut(sources=("notes",)))
    create_once(folder.file(records.LEFT_OUT), left_out)
    assert run(folder).returncode == ExitCode.DONE
    coverage = outcome_of(folder).coverage
    assert coverage.read == 3
    assert [(kind.reason, kind.examples) for kind in coverage.not_read] == [
        ("source that may not be read any more", ("notes",))
    ]
    assert verify(folder.path).faults == ()


@pytest.mark.parametrize("by", ["file", "signal"])
def test_a_running_job_is_stopped(tmp_path: Path, by: str) -> None:
    folder = make_folder(tmp_path)
    process = _held(folder, "purchases", attempt=1)
    _until(process, lambda: _in_the_middle(folder))
    if by == "file":
        create_once(folder.file(records.STOP), b"")
    else:
        os.kill(process.pid, signal.SIGTERM)
    assert process.wait(WAIT) == ExitCode.STOPPED
    assert folder.outcome() is None
    assert status_of(folder).summary == "Stopped on request"
    assert status_of(folder).last_step == len(steps_of(folder))


def test_a_stop_does_not_wait_for_a_hanging_thread(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    process = _held(folder, "a thread", attempt=1)
    _until(process, lambda: any(step.kind == "tool_call" for step in steps_of(folder)))
    create_once(folder.file(records.STOP), b"")
    assert process.wait(WAIT) == ExitCode.STOPPED
    assert folder.outcome() is None


@pytest.mark.parametrize("replaced", [False, True])
def test_a_job_whose_directory_is_moved_ends_and_does_not_make_it_anew(
    tmp_path: Path, *, replaced: bool
) -> None:
    """Another process may work on a copy of its folder at the same path."""
    place = tmp_path / "data"
    (place / "jobs" / "ada" / "2026-11").mkdir(parents=True)
    folder = make_folder(place / "jobs" / "ada" / "2026-11" / "job")
    process = _held(folder, "purchases", attempt=1, lock=place / "job.lock")
    _until(process, lambda: _in_the_middle(folder))
    if replaced:
        shutil.copytree(place, tmp_path / "copy")
    place.rename(tmp_path / "aside")
    if replaced:
        (tmp_path / "copy").rename(place)
        assert process.wait(WAIT) == ExitCode.LOCKED
    else:
        assert process.wait(WAIT) in (ExitCode.LOCKED, ExitCode.FAILED)
    assert place.exists() == replaced


def test_a_missing_folder_is_no_unreadable_request(tmp_path: Path) -> None:
    """It may have been moved for a moment, so the job must not fail for good."""
    missing = command("--folder", tmp_path / "job")
    assert (missing.returncode, missing.stderr) == (ExitCode.FAILED, "There is no such folder.\n")


def test_a_running_job_writes_its_report_on_request(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    process = _held(folder, "purchases", attempt=1)
    _until(process, lambda: _in_the_middle(folder))
    create_once(folder.file(records.FINISH_NOW), b"")
    assert process.wait(WAIT) == ExitCode.DONE
    assert outcome_of(folder).outcome == "partial"
    assert TEXTS["logs"].split("\n")[0] in report_of(folder)


def _held(
    folder: JobFolder, holding: str, *, attempt: int, lock: Path | None = None
) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "tests.researcher_job.research.held_job"]
    file = str(lock or folder.path / LOCK)
    return subprocess.Popen([*program, str(folder.path), holding, str(attempt), file])


def _in_the_middle(folder: JobFolder) -> bool:
    """Return whether the first question is done and the second is being searched."""
    searches = [step for step in steps_of(folder) if step.kind == "tool_call"]
    first = folder.task(0)
    return len(searches) == 2 and first is not None and first.state == "done"


def _until(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and process.poll() is None:
        if reached():
            return
        time.sleep(0.02)
    process.kill()
    pytest.fail("The job did not reach this state.")
