"""A job whose disk fills up still writes its report, or reports that it could not."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from research_contract import records as contract
from research_contract.records import RESERVE, Step
from researcher_job.core.clock import Clock
from researcher_job.core.errors import ExitCode
from researcher_job.limits.disk_reserve import DISK_FULL, DiskReserve, is_disk_full
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.segments import SegmentWriter, read_segments
from researcher_job.report.conclusion import finish
from researcher_job.research.job import Job
from researcher_job.testing import FakeSource
from researcher_job.verification.verify import verify
from tests.researcher_job.jobs import (
    NOW,
    QUESTIONS,
    TEXTS,
    command,
    make_folder,
    make_job,
    outcome_of,
    report_of,
    run_job,
    steps_of,
)
from tests.small_disk import SmallDisk, small_disk

SIZE = 200_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 6) as disk:
        yield disk


def filling(disk: SmallDisk, folder: JobFolder, *, at: str) -> Job:
    """Return a job during whose search for ``at`` another program fills the disk."""

    async def fill(question: str) -> None:
        if at in question:
            disk.fill()

    job = make_job(folder, FakeSource(TEXTS, watcher=fill))
    settings = replace(job.settings, reserve_bytes=SIZE, concurrency=1)
    return replace(job, settings=settings)


def test_a_job_whose_disk_fills_up_writes_its_report_from_its_reserve(disk: SmallDisk) -> None:
    folder = make_folder(disk.path / "job")
    assert anyio.run(filling(disk, folder, at=QUESTIONS[1]).run) is ExitCode.DONE
    outcome = outcome_of(folder)
    assert (outcome.outcome, outcome.reason) == ("partial", DISK_FULL)
    assert [result.state for result in outcome.questions] == ["answered", "not_found"]
    assert "thirty days" in report_of(folder)
    assert verify(folder.path).faults == ()
    assert not folder.file(RESERVE).exists()


def test_a_snapshot_that_does_not_fit_ends_the_whole_job(
    disk: SmallDisk,
) -> None:
    folder = make_folder(disk.path / "job")
    texts = {**TEXTS, "logs": TEXTS["logs"] + " Nothing else is kept." * 50_000}

    async def fill(_question: str) -> None:
        if disk.free > 500_000:
            disk.fill(but=500_000)  # room for steps, none for a snapshot of a megabyte

    job = make_job(folder, FakeSource(texts, watcher=fill))
    job = replace(job, settings=replace(job.settings, reserve_bytes=SIZE, concurrency=1))
    assert anyio.run(job.run) is ExitCode.DONE
    assert outcome_of(folder).reason == DISK_FULL
    assert not any(" failed (" in step.message for step in steps_of(folder))
    assert verify(folder.path).faults == ()


def test_the_next_attempt_repairs_lines_cut_by_a_full_disk(disk: SmallDisk) -> None:
    folder = make_folder(disk.path / "job")
    job = filling(disk, folder, at=QUESTIONS[1])
    job = replace(job, settings=replace(job.settings, reserve_bytes=0))
    with pytest.raises((OSError, ExceptionGroup)) as raised:
        anyio.run(job.run)
    assert is_disk_full(raised.value)
    assert not folder.file(contract.OUTCOME).exists()
    disk.empty()
    assert run_job(folder, attempt=2) is ExitCode.DONE
    assert outcome_of(folder).outcome == "answered"
    assert [step.step for step in steps_of(folder)] == list(range(1, len(steps_of(folder)) + 1))
    assert verify(folder.path).faults == ()


def test_a_partly_written_line_means_a_full_disk_and_is_ignored(disk: SmallDisk) -> None:
    parts = SegmentWriter(disk.path, contract.STEPS, Step, limit=1_000_000)

    def step(number: int) -> Step:
        return Step(step=number, at=NOW, kind="status", message="x" * 300)

    parts.append(step)
    disk.fill()
    with pytest.raises(OSError, match=r"room|space") as raised:
        while True:  # the first file of the log has a little room left
            parts.append(step)
    assert is_disk_full(raised.value)
    written = parts.last
    disk.empty()
    parts.append(step)
    parts.close()
    found = read_segments(disk.path, contract.STEPS, Step).records
    assert [one.step for one in found if one] == list(range(1, written + 2))


def test_an_index_that_does_not_fit_leads_to_a_report(disk: SmallDisk, tmp_path: Path) -> None:
    pond = tmp_path / "pond"
    pond.mkdir()
    text = "\n\n".join(f"Newt number {n} lays {n} eggs a season." for n in range(60_000))
    (pond / "newts.md").write_text(text)
    folder = make_folder(
        disk.path / "job", sources=(contract.SourceRef(name="pond", uri=pond.as_uri()),)
    )
    done = command("--folder", folder.path, "--cache", disk.path / "cache")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert outcome_of(folder).reason == DISK_FULL
    assert "The disk is full" in report_of(folder)
    assert verify(folder.path).faults == ()


def test_without_space_for_a_report_the_command_fails_and_changes_nothing(
    disk: SmallDisk,
) -> None:
    folder = make_folder(disk.path / "job")
    before = folder.file(contract.REQUEST).read_bytes()
    disk.fill()
    done = command("--folder", folder.path, "--cache", disk.path / "cache")
    assert done.returncode == ExitCode.DISK_FULL, done.stderr
    assert "No space left" in done.stderr
    left = [path.name for path in folder.path.rglob("*") if path.is_file() and path.stat().st_size]
    assert left == [contract.REQUEST]
    assert folder.file(contract.REQUEST).read_bytes() == before


def test_a_read_only_disk_is_reported(disk: SmallDisk) -> None:
    folder = make_folder(disk.path / "job")
    disk.make("ro")
    done = command("--folder", folder.path, "--lock", disk.path.parent / "lock")
    assert done.returncode == ExitCode.DISK_FULL, done.stderr
    assert "Read-only" in done.stderr


def test_the_reserve_exists_only_while_the_job_runs(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    sizes = []

    async def look(_question: str) -> None:
        sizes.append(folder.file(RESERVE).stat().st_size)

    job = make_job(folder, FakeSource(TEXTS, watcher=look))
    anyio.run(job.run)
    assert sizes == [job.settings.reserve_bytes] * 2
    assert not folder.file(RESERVE).exists()
    assert RESERVE not in outcome_of(folder).files


def test_the_reserve_of_a_dead_job_is_released_for_its_report(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    DiskReserve(tmp_path, SIZE).allocate()
    finish(folder, "died", clock=Clock())
    assert not folder.file(RESERVE).exists()
    assert folder.file(contract.REPORT).exists()


def test_a_reserve_that_does_not_fit_leaves_no_file(disk: SmallDisk) -> None:
    with pytest.raises(OSError, match="No space left"):
        DiskReserve(disk.path, 7_000_000).allocate()
    assert list(disk.path.iterdir()) == []


def test_a_reserve_is_allocated_once(tmp_path: Path) -> None:
    reserve = DiskReserve(tmp_path, SIZE)
    reserve.allocate()
    before = (tmp_path / RESERVE).read_bytes()
    reserve.allocate()
    assert (tmp_path / RESERVE).read_bytes() == before
    DiskReserve(tmp_path, SIZE + 1).allocate()
    assert (tmp_path / RESERVE).stat().st_size == SIZE + 1


def _sqlite_full() -> sqlite3.Error:
    with pytest.raises(sqlite3.OperationalError) as raised:
        connection = sqlite3.connect(":memory:")
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE t AS SELECT randomblob(100000)")
    connection.close()
    return raised.value


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (OSError(errno.ENOSPC, "no"), True),
        (OSError(errno.EROFS, "no"), True),
        (OSError(errno.EACCES, "no"), False),
        (ExceptionGroup("all", [ValueError(), OSError(errno.EDQUOT, "no")]), True),
        (_sqlite_full(), True),
        (sqlite3.OperationalError("other"), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_errors_that_mean_a_full_disk(error: Exception, *, lacks: bool) -> None:
    assert is_disk_full(error) is lacks
    outer = RuntimeError()
    outer.__cause__ = error
    assert is_disk_full(outer) is lacks
