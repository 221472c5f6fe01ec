"""Writing through a mount: whole files, buffered lines, and their order."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest

from research_contract import records as contract
from research_contract.files import decode, read_whole
from research_contract.records import Evidence, Spent, Status, Step
from researcher_job.core.clock import Clock
from researcher_job.evidence.evidence_book import EvidenceBook
from researcher_job.records.journal import LOST, Journal
from researcher_job.records.progress_page import ProgressPage
from researcher_job.records.segments import read_segments
from researcher_job.records.status import StatusWriter
from researcher_job.records.storage import LOCAL, SEGMENT_BYTES, MountedStorage, storage_of
from researcher_job.sources.base import Quote
from researcher_job.testing import FakeSource
from tests.researcher_job.jobs import NOW, QUESTIONS, TEXTS, WAIT, make_folder

CLOCK = Clock(now=lambda: NOW)


def status_writer(root: Path, storage: MountedStorage) -> StatusWriter:
    first = Status(updated_at=NOW)
    return StatusWriter(root, first, clock=CLOCK, spent=Spent, storage=storage)


def journal_of(root: Path, storage: MountedStorage, *, segment_records: int = 200) -> Journal:
    writer = status_writer(root, storage)
    return Journal(root, writer, clock=CLOCK, segment_records=segment_records, storage=storage)


def messages(root: Path) -> list[str]:
    records = read_segments(root, contract.STEPS, Step).records
    return [step.message for step in records if step]


def status(root: Path) -> Status | None:
    return decode(Status, read_whole(root / contract.STATUS))


def segments(root: Path, folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / folder).glob("*"))}


def quotes() -> list[tuple[Quote, str]]:
    source = FakeSource(TEXTS)
    passages = [one for title in TEXTS for one in source._passages(title)]
    return [(Quote(one, one.start, one.end, one.text, 1.0), TEXTS[one.title]) for one in passages]


@pytest.mark.parametrize(
    ("root", "kind", "mounted"),
    [
        ("/Volumes/main/research/jobs/x", "auto", sys.platform != "darwin"),
        ("/Volumes/main/research/jobs/x", "local", False),
        ("/home/me/Volumes/x", "auto", False),
        ("/home/me/x", "mount", True),
    ],
)
def test_a_folder_below_the_volumes_is_written_as_a_mount(
    root: str, kind: str, *, mounted: bool
) -> None:
    assert (storage_of(Path(root), kind) is not LOCAL) == mounted


def test_steps_are_buffered_and_written_before_their_status(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, MountedStorage())
    journal.step("status", "one")
    journal.step("status", "two")
    assert segments(tmp_path, contract.STEPS) == {}
    assert status(tmp_path) is None
    journal.status.write()
    assert messages(tmp_path) == ["one", "two"]
    written = status(tmp_path)
    assert written
    assert (written.last_step, written.step_part) == (2, 1)


def test_a_segment_only_grows_up_to_its_maximum_of_records(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, MountedStorage(), segment_records=3)
    before: dict[str, bytes] = {}
    for number in range(8):
        journal.step("status", f"step {number}")
        journal.status.write()
        now = segments(tmp_path, contract.STEPS)
        assert all(now[name].startswith(data) for name, data in before.items())
        before = now
    assert list(before) == ["00000001.jsonl", "00000004.jsonl", "00000007.jsonl"]
    assert messages(tmp_path) == [f"step {number}" for number in range(8)]


def test_a_segment_ends_at_its_maximum_of_bytes(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, MountedStorage(), segment_records=100_000)
    for _ in range(100):
        journal.step("status", "said", payload={"text": "x" * 3_500})
    journal.close()
    sizes = [len(data) for data in segments(tmp_path, contract.STEPS).values()]
    assert len(sizes) > 2
    assert max(sizes) < SEGMENT_BYTES + 5_000
    assert len(messages(tmp_path)) == 100


def test_a_late_write_of_older_lines_removes_nothing(tmp_path: Path) -> None:
    storage = MountedStorage()
    journal = journal_of(tmp_path, storage)
    journal.step("status", "one")
    late = storage.pending_writes()
    journal.step("status", "two")
    storage.pending_writes()()
    late()
    assert messages(tmp_path) == ["one", "two"]


def test_evidence_is_written_once_and_before_references_to_it(tmp_path: Path) -> None:
    storage = MountedStorage()
    journal = journal_of(tmp_path, storage)
    book = EvidenceBook(tmp_path, (), limit=200, storage=storage)
    written: dict[str, bytes] = {}
    for quote, text in quotes():
        evidence, _ = book.record(0, quote, text)
        journal.step("finding", f"[{evidence.n}]")
        assert (
            len(read_segments(tmp_path, contract.EVIDENCE_SEGMENTS, Evidence).records) < evidence.n
        )
        book.flush()
        now = segments(tmp_path, contract.EVIDENCE_SEGMENTS)
        assert written.items() <= now.items()
        written = now
    assert len(written) == len(quotes()) == 3
    records = read_segments(tmp_path, contract.EVIDENCE_SEGMENTS, Evidence).records
    assert [item.n for item in records if item] == [1, 2, 3]


def test_buffered_lines_are_written_at_the_end(tmp_path: Path) -> None:
    storage = MountedStorage()
    journal = journal_of(tmp_path, storage)
    book = EvidenceBook(tmp_path, (), limit=200, storage=storage)
    book.record(0, *quotes()[0])
    journal.step("status", "the last one")
    book.close()
    journal.close()
    assert len(read_segments(tmp_path, contract.EVIDENCE_SEGMENTS, Evidence).records) == 1
    assert messages(tmp_path) == ["the last one"]


def test_the_status_is_written_in_a_thread(tmp_path: Path) -> None:
    threads: set[int] = set()

    class Noting(MountedStorage):
        def write(self, path: Path, data: bytes) -> None:
            threads.add(threading.get_ident())
            super().write(path, data)

    writer = status_writer(tmp_path, Noting())

    async def keep() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(writer.write_periodically, least=0.001, most=0.005))
            with anyio.fail_after(WAIT):
                while status(tmp_path) is None:  # noqa: ASYNC110 - a file has no event
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    anyio.run(keep)
    assert threads
    assert threading.get_ident() not in threads


def test_numbers_that_a_status_named_are_not_reused(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, MountedStorage())
    for number in range(4):
        journal.step("status", f"step {number}")
    journal.close()
    part = tmp_path / contract.segment_name(contract.STEPS, 1)
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:2]))
    journal = journal_of(tmp_path, MountedStorage())
    journal.fill_lost_steps(4)
    journal.step("status", "again")
    journal.close()
    assert messages(tmp_path) == ["step 0", "step 1", LOST, LOST, "again"]
    assert "00000005.jsonl" in segments(tmp_path, contract.STEPS)


def test_a_failed_write_is_retried(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.mkdir()
    threading.Timer(0.2, blocked.rmdir).start()
    MountedStorage().write(blocked, b"whole")
    assert blocked.read_bytes() == b"whole"


def test_progress_is_written_less_often_but_always_at_the_end(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    journal = journal_of(tmp_path, MountedStorage())
    progress = ProgressPage(folder, "Title", QUESTIONS, least=1_000)
    for said in ("one", "two"):
        journal.set_summary(said)
        progress.write(journal)
    shown = folder.file(contract.PROGRESS)
    assert "one" in shown.read_text()
    progress.write(journal, now=True)
    assert "two" in shown.read_text()


ATTEMPTS: dict[str, Callable[[Path], str]] = {
    "rename": lambda root: f"__import__('os').rename('{root}/a', '{root}/b')",
    "append": lambda root: f"open('{root}/a', 'a')",
    "write in the middle": lambda root: f"open('{root}/a', 'r+')",
    "lock": lambda root: f"__import__('filelock').FileLock('{root}/l').acquire()",
    "database": lambda root: f"__import__('sqlite3').connect('{root}/d')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_simulated_mount_refuses(tmp_path: Path, attempt: str) -> None:
    (tmp_path / "a").touch()
    program = (
        "from pathlib import Path\n"
        "from tests.researcher_job.records.mount import behave_like_mount\n"
        f"behave_like_mount(Path('{tmp_path}'))\n"
        f"open('{tmp_path}/a', 'w').write('x')\nassert open('{tmp_path}/a').read() == 'x'\n"
        f"print('so far')\n{ATTEMPTS[attempt](tmp_path)}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=WAIT
    )
    assert (done.returncode, done.stdout) == (1, "so far\n")
    assert "OSError" in done.stderr or "NotImplementedError" in done.stderr
