"""``mcp-jobs-server retention`` as the scheduled task calls it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.mcp_jobs_server.cli.command_line import CommandLine
from tests.mcp_jobs_server.operations.retention.volume import ANA, NOW, Volume


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    (tmp_path / "volume").mkdir()
    return Volume(tmp_path / "volume")


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "data", tmp_path)


def test_it_prints_what_would_be_deleted_and_deletes_it(volume: Volume, cli: CommandLine) -> None:
    old = volume.job(ANA, days=4000)
    words = ("retention", "--root", str(volume.root), "--days", "90")
    said = cli.run(*words)
    assert said.out.splitlines() == [
        f"Would delete 1 folder that ended before: {old}",
        "Nothing was deleted; --apply does it.",
    ]
    assert cli.run(*words, "--apply").out == f"Deleted 1 folder that ended before: {old}\n"
    assert volume.traces(old) == []
    assert cli.run(*words, "--apply").out == "There was nothing to delete.\n"


def test_json_output_has_ids(volume: Volume, cli: CommandLine) -> None:
    old = volume.job(ANA, days=4000)
    running = volume.job(ANA, days=4000, ended=False)
    said = cli.run("retention", "--root", str(volume.root), "--days", "90", "--json").json
    assert (said["expired"], said["unended"], said["applied"]) == ([old], [running], False)


def test_all_jobs_of_one_owner(volume: Volume, cli: CommandLine) -> None:
    job_id = volume.job(ANA, days=0)
    words = ("--days", "all", "--owner", ANA, "--apply")
    done = cli.run("retention", "--root", str(volume.root), *words)
    assert (done.code, volume.traces(job_id)) == (0, [])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--days", "9"), 1, "root does not exist"),
        ((), 2, "--days"),
        (("--days", "all"), 2, "one person only"),
        (("--days", "-1"), 2, "not a number of days"),
        (("--days", "²"), 2, "not a number of days"),
        (("--days", "9", "--owner", ".."), 2, "not the folder name of a person"),
    ],
)
def test_invalid_arguments_fail(
    volume: Volume, cli: CommandLine, words: tuple[str, ...], code: int, said: str
) -> None:
    if code == 1:
        shutil.rmtree(volume.root)
    done = cli.run("retention", "--root", str(volume.root), *words)
    assert (done.code, said in done.err) == (code, True), done.err


def test_a_job_of_today_is_kept(volume: Volume, cli: CommandLine) -> None:
    days = (NOW - datetime.now(UTC)) / timedelta(days=1)
    volume.job(ANA, days=days)
    done = cli.run("retention", "--root", str(volume.root), "--days", "1", "--apply")
    assert done.out == "There was nothing to delete.\n"
