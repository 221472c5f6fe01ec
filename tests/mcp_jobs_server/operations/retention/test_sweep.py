"""Retention deletes only expired jobs, and continues after an interruption."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.operations.retention.sweep import Swept, sweep
from research_contract.records import ENDED, OUTCOME, REQUEST, STATUS, new_job_id
from tests.mcp_jobs_server.operations.retention.volume import ANA, BEN, NOW, Volume
from tests.repository import ROOT

SAFETY_SECONDS = 60
CARL = "carl-example-com-0000000000000000"


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    (tmp_path / "volume").mkdir()
    return Volume(tmp_path / "volume")


def run(volume: Volume, days: int | None = 90, owner: str = "", *, apply: bool = True) -> Swept:
    return sweep(volume.root, days=days, owner=owner, now=NOW, apply=apply)


def test_expired_jobs_are_deleted_with_their_entries_and_keys(volume: Volume) -> None:
    old = volume.job(ANA, days=91, key="a")
    young = volume.job(ANA, days=89, key="b")
    other = volume.job(BEN, days=200)
    kept = volume.traces(young)
    swept = run(volume)
    assert sorted(swept.expired) == sorted([old, other])
    assert volume.traces(old) == volume.traces(other) == []
    assert volume.traces(young) == kept


def test_a_second_sweep_changes_nothing(volume: Volume) -> None:
    volume.job(ANA, days=91, key="a")
    volume.job(ANA, days=5, key="b")
    run(volume)
    there = volume.everything()
    assert run(volume).expired == []
    assert volume.everything() == there


def test_without_apply_nothing_changes(volume: Volume) -> None:
    old = volume.job(ANA, days=91, key="a")
    made = volume.start(ANA, NOW - timedelta(days=2))
    there = volume.everything()
    swept = run(volume, apply=False)
    assert (swept.expired, swept.never_ran) == ([old], [made])
    assert volume.everything() == there


def test_zero_days_keep_ended_jobs(volume: Volume) -> None:
    old = volume.job(ANA, days=2000)
    made = volume.start(ANA, NOW - timedelta(days=2))
    swept = run(volume, days=0)
    assert (swept.expired, swept.never_ran) == ([], [made])
    assert volume.traces(old)


def test_an_end_that_is_not_in_the_index_counts(volume: Volume) -> None:
    completed = volume.job(ANA, days=91, seen=False)
    failed = volume.job(ANA, days=91, ended=False)
    volume.fail(ANA, failed, NOW - timedelta(days=91))
    assert sorted(run(volume).expired) == sorted([completed, failed])


def test_the_day_of_the_end_counts_not_that_of_the_start(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100, ended=False)
    volume.fail(ANA, job_id, NOW - timedelta(days=80))
    assert run(volume).expired == []
    assert volume.traces(job_id)


def test_unended_jobs_are_kept(volume: Volume) -> None:
    job_id = volume.job(ANA, days=400, ended=False, key="a")
    there = volume.everything()
    swept = run(volume)
    assert (swept.expired, swept.never_ran, swept.unended) == ([], [], [job_id])
    assert volume.everything() == there


def test_jobs_that_an_active_job_builds_on_are_kept(volume: Volume) -> None:
    earlier = volume.job(ANA, days=100)
    volume.job(ANA, days=1, ended=False, builds_on=earlier)
    there = volume.everything()
    swept = run(volume)
    assert (swept.expired, swept.built_on) == ([], [earlier])
    assert volume.everything() == there


def test_jobs_that_an_ended_job_built_on_are_deleted(volume: Volume) -> None:
    earlier = volume.job(ANA, days=100)
    volume.job(ANA, days=1, builds_on=earlier)
    assert run(volume).expired == [earlier]


@pytest.mark.parametrize("request_", [b"{torn", b'{"format_version": 99}'])
def test_an_unreadable_request_keeps_all_jobs_of_its_owner(volume: Volume, request_: bytes) -> None:
    volume.job(ANA, days=100)
    unended = volume.job(ANA, days=1, ended=False)
    volume.put(volume.folder(ANA, unended) / REQUEST, request_)
    of_ben = volume.job(BEN, days=100)
    swept = run(volume)
    assert (swept.expired, swept.unreadable) == ([of_ben], [ANA])


def test_a_job_with_a_newer_outcome_is_kept(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100, seen=False)
    newer = b'{"format_version": 99, "ended_at": "2020-01-01T00:00:00Z"}'
    volume.put(volume.folder(ANA, job_id) / OUTCOME, newer)
    assert run(volume).unended == [job_id]


@pytest.mark.parametrize(("days", "goes"), [(0.9, False), (1.1, True)])
def test_a_start_without_a_request_is_deleted_after_a_day(
    volume: Volume, days: float, *, goes: bool
) -> None:
    job_id = volume.start(ANA, NOW - timedelta(days=days), key="a")
    assert run(volume).never_ran == ([job_id] if goes else [])
    assert bool(volume.traces(job_id)) is not goes


@pytest.mark.parametrize(("days", "goes"), [(1.5, False), (3.1, True)])
def test_a_request_without_a_run_is_deleted_after_three_days(
    volume: Volume, days: float, *, goes: bool
) -> None:
    job_id = volume.request(ANA, NOW - timedelta(days=days))
    assert run(volume).never_ran == ([job_id] if goes else [])
    assert bool(volume.traces(job_id)) is not goes


def test_a_request_with_a_status_counts_as_run(volume: Volume) -> None:
    job_id = volume.request(ANA, NOW - timedelta(days=5))
    volume.put(volume.folder(ANA, job_id) / STATUS, b"{}\n")
    assert run(volume).never_ran == []


def test_all_ended_jobs_of_one_owner_can_be_deleted(volume: Volume) -> None:
    old, young = volume.job(ANA, days=100), volume.job(ANA, days=1, key="a")
    running = volume.job(ANA, days=1, ended=False)
    of_ben = volume.job(BEN, days=100)
    swept = run(volume, days=None, owner=ANA)
    assert sorted(swept.expired) == sorted([old, young])
    assert volume.traces(running)
    assert volume.traces(of_ben)


def test_days_and_owner_can_be_combined(volume: Volume) -> None:
    old = volume.job(ANA, days=100)
    volume.job(ANA, days=1)
    assert run(volume, days=90, owner=ANA).expired == [old]


@pytest.mark.parametrize("owner", ["..", "../x", "ana", f"{ANA}/..", "/", f"../{ANA}", "index"])
def test_an_owner_name_cannot_leave_the_root(volume: Volume, owner: str) -> None:
    with pytest.raises(InvalidArgument):
        run(volume, owner=owner)


def test_all_jobs_of_all_owners_cannot_be_deleted(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100)
    with pytest.raises(InvalidArgument, match="one person only"):
        run(volume, days=None)
    assert volume.traces(job_id)


def test_an_unknown_owner_is_reported(volume: Volume) -> None:
    with pytest.raises(NotFound):
        run(volume, owner=BEN)


def test_probe_folders_are_deleted_after_a_day(volume: Volume) -> None:
    old, new = new_job_id(NOW - timedelta(days=3)), new_job_id(NOW)
    for probe in (old, new):
        volume.put(volume.root / "probe" / probe / "probe.json", b"{}")
    assert run(volume).probes == [old]
    assert [path.name for path in (volume.root / "probe").iterdir()] == [new]


# --- cut short ----------------------------------------------------------------------------


_DYING = """
import os, sys
from pathlib import Path
from mcp_jobs_server.operations.retention.sweep import sweep
from tests.mcp_jobs_server.operations.retention.volume import NOW

left = int(sys.argv[2])

def die(event, args):
    global left
    if event in ("os.remove", "os.rmdir"):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(die)
sweep(Path(sys.argv[1]), days=90, now=NOW, apply=True)
"""


@pytest.mark.parametrize("seen", [True, False])
def test_a_sweep_continues_after_any_interruption(volume: Volume, *, seen: bool) -> None:
    """Kill the process before its first deletion, its second, and so on."""
    deletions, code = 0, 9
    while code == 9:
        job_id = volume.job(ANA, days=100, key="a", seen=seen)
        command = [sys.executable, "-c", _DYING, str(volume.root), str(deletions)]
        code = subprocess.run(command, timeout=SAFETY_SECONDS, check=False, cwd=ROOT).returncode
        left = volume.traces(job_id)
        if any(".ended." in path for path in map(str, left)):  # it is still listed
            assert (volume.folder(ANA, job_id) / "report.md").exists()
        if left:
            swept = run(volume)
            assert [*swept.expired, *swept.never_ran] == [job_id], f"after {deletions} deletions"
        assert volume.traces(job_id) == []
        deletions += 1
    assert code == 0
    assert deletions > 10


_REFUSING = """
import sys
from pathlib import Path
from mcp_jobs_server.operations.retention.sweep import sweep
from tests.mcp_jobs_server.operations.retention.volume import NOW

def refuse(event, args):
    if event == "os.remove" and str(args[0]).endswith("00000001.jsonl") and refuse.left:
        refuse.left -= 1
        raise PermissionError("not this one")

refuse.left = 1
sys.addaudithook(refuse)
swept = sweep(Path(sys.argv[1]), days=90, now=NOW, apply=True)
print(len(swept.expired), *swept.failed)
"""


def test_a_failed_deletion_is_reported_and_retried(volume: Volume) -> None:
    job_id, other = volume.job(ANA, days=100), volume.job(BEN, days=100)
    command = [sys.executable, "-c", _REFUSING, str(volume.root)]
    done = subprocess.run(
        command, timeout=SAFETY_SECONDS, check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == f"1 {job_id}\n"
    assert volume.traces(other) == []
    assert (volume.folder(ANA, job_id) / OUTCOME).exists()
    assert run(volume).expired == [job_id]


# --- hostile names and links --------------------------------------------------------------


def test_links_are_never_followed(volume: Volume, tmp_path: Path) -> None:
    outside = Volume(tmp_path / "outside")
    theirs = outside.job(ANA, days=100, key="a")
    there = outside.everything()
    # an owner, a month, a job folder, an index, keys and things within a job folder
    (volume.root / ANA).symlink_to(outside.root / ANA, target_is_directory=True)
    mine = volume.job(BEN, days=100)
    ben = volume.root / BEN
    (ben / "2026-08").mkdir(exist_ok=True)
    (ben / "2026-07").symlink_to(outside.folder(ANA, theirs).parent, target_is_directory=True)
    linked = new_job_id(NOW - timedelta(days=100))
    place = volume.folder(BEN, linked)
    place.symlink_to(outside.folder(ANA, theirs), target_is_directory=True)
    volume.entry(BEN, linked, "ended.1.completed.answered.00000000.1.0")
    (ben / "keys").symlink_to(outside.root / ANA / "keys", target_is_directory=True)
    inside = volume.folder(BEN, mine)
    (inside / "snapshots" / "link").symlink_to(outside.root, target_is_directory=True)
    (inside / "extra").symlink_to(outside.root, target_is_directory=True)
    (volume.root / CARL).mkdir()
    (volume.root / CARL / "index").symlink_to(outside.root / ANA / "index")
    (inside / "evidence.jsonl").symlink_to(outside.folder(ANA, theirs) / OUTCOME)
    (inside / "work" / "results").symlink_to(outside.root, target_is_directory=True)
    run(volume)
    assert outside.everything() == there
    assert volume.traces(mine) == []


def test_an_outcome_that_is_a_link_is_ignored(volume: Volume, tmp_path: Path) -> None:
    job_id = volume.job(ANA, days=100, ended=False)
    real = tmp_path / "outcome.json"
    real.write_bytes((volume.folder(ANA, volume.job(ANA, days=100)) / OUTCOME).read_bytes())
    for name in (OUTCOME, ENDED):
        (volume.folder(ANA, job_id) / name).symlink_to(real)
    assert job_id in run(volume).unended


@pytest.mark.parametrize(
    "name",
    [
        "..ended.1.completed",
        "20260101-aaaaaaaaaaaaa.ended.x.completed",
        "20260101-aaaaaaaaaaaaa.ended.99999999999999999999.completed",
        "20260101-AAAAAAAAAAAAA.ended.1.completed",
        "20260101-aaaaaaaaaaaaa",
        "%2e%2e%2fother.ended.1",
        "x" * 200,
    ],
)
def test_invalid_index_entries_are_kept(volume: Volume, name: str) -> None:
    path = volume.root / ANA / "index" / "2026-01" / name
    volume.put(path, b"")
    run(volume)
    assert path.exists()


def test_a_job_id_with_an_invalid_date_is_kept(volume: Volume) -> None:
    job_id = "20260231-aaaaaaaaaaaaa"
    volume.put(volume.folder(ANA, job_id) / "x", b"")
    swept = run(volume)
    assert (swept.expired, swept.never_ran) == ([], [])
    assert volume.traces(job_id)


def test_a_key_that_names_a_path_is_kept(volume: Volume) -> None:
    key = volume.root / ANA / "keys" / f"{'a' * 64}.json"
    volume.put(key, b'{"job_id": "../../x", "fingerprint": "f"}')
    run(volume)
    assert key.exists()


def test_unknown_files_are_kept(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100)
    strange = [
        volume.root / "notes" / "2026-01" / job_id / OUTCOME,
        volume.root / ANA / "2026-13" / job_id / OUTCOME,
        volume.root / ANA / "2020-01" / job_id / "file",
        volume.root / "file",
    ]
    for path in strange:
        volume.put(path, b"x")
    run(volume)
    assert all(path.exists() for path in strange)


def test_a_large_outcome_file_is_not_read(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100, seen=False)
    outcome = volume.folder(ANA, job_id) / OUTCOME
    with outcome.open("ab") as file:
        file.write(b" " * 1_000_001)
    assert run(volume).unended == [job_id]


def test_a_pipe_does_not_block_the_sweep(volume: Volume) -> None:
    job_id = volume.job(ANA, days=100, ended=False)
    os.mkfifo(volume.folder(ANA, job_id) / OUTCOME)
    assert run(volume).unended == [job_id]
