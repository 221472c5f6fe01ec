"""``jobs list``: which jobs, in which order, and how they look on narrow and wide terminals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.locks import try_lock
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.cli.command_line import CommandLine

TITLES = ("Leave of staff", "Notice periods of all kinds of contracts", "Canteen", "Travel costs")
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Four jobs, one a title: the first two cancelled, the others queued, since nobody runs."""
    place = tmp_path_factory.mktemp("desk")
    (place / "handbook").mkdir()
    (place / "handbook" / "leave.md").write_text("The head of the department grants leave.")
    shell = CommandLine(data_dir=place / "data", cwd=place)
    assert shell.run("jobs").code == 0  # makes the data directory
    paths = DataPaths(shell.data_dir)
    with try_lock(paths.runner_lock(Settings(data_dir=shell.data_dir).profile)) as mine:
        assert mine
        for number, title in enumerate(TITLES):
            started = shell.run(
                *("research", f"Question {number}?", "--source", "handbook"),
                *("--title", title, "--detach"),
            )
            assert started.code == 0, started.err
            if number < 2:
                assert shell.run("jobs", "cancel", started.out.strip()).code == 0
        yield shell


def titles(shell: CommandLine, *words: str) -> list[str]:
    return [job["title"] for job in shell.run("jobs", "list", *words, "--json").json]


def test_jobs_are_listed_newest_first(shell: CommandLine) -> None:
    newest_first = [TITLES[3], TITLES[2], TITLES[1], TITLES[0]]
    assert titles(shell) == newest_first
    assert titles(shell, "--all") == newest_first
    rows = shell.run("jobs").out.splitlines()
    assert [row.split("\t")[4] for row in rows] == newest_first


def test_jobs_are_chosen_by_state_number_age_and_words(shell: CommandLine) -> None:
    assert titles(shell, "--state", "cancelled") == [TITLES[1], TITLES[0]]
    assert titles(shell, "--state", "queued", "--limit", "1") == [TITLES[3]]
    assert titles(shell, "--limit", "2") == [TITLES[3], TITLES[2]]
    assert titles(shell, "--since", "1h", "--limit", "1") == [TITLES[3]]
    assert titles(shell, "--since", "2100-01-01") == []
    assert titles(shell, "notice") == [TITLES[1]]
    assert titles(shell, "CONTRACTS", "--state", "queued") == []
    assert titles(shell, "all kinds") == [TITLES[1]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "0"], "'0' is not a number of jobs"),
        (["--since", "yesterday"], "'yesterday' is not an age or a date; write 30d or 2026-01-31"),
        (["--state", "finished"], "'finished' is none of queued, running"),
    ],
)
def test_a_wrong_choice_is_told(shell: CommandLine, words: list[str], said: str) -> None:
    done = shell.run("jobs", "list", *words)
    assert done.code == 2
    assert said in done.err


def test_that_no_job_fits_is_told(shell: CommandLine) -> None:
    done = shell.run("jobs", "list", "zeppelin")
    assert (done.code, done.out) == (0, "")
    assert "No job fits; to list all: mcp-jobs-server jobs list --all" in done.err


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_list_is_readable_at_any_width(shell: CommandLine, columns: int) -> None:
    terminal = shell.terminal("jobs", "list", COLUMNS=str(columns))
    assert terminal.end() == 0
    lines = STYLE.sub("", terminal.seen).replace("\r", "").split("\n")
    assert max(map(len, lines)) <= columns
    for title in TITLES:
        assert any(title in line for line in lines), terminal.seen
    ids = [job["job_id"] for job in shell.run("jobs", "list", "--json").json]
    for job_id in ids:
        assert any(line.startswith(job_id) for line in lines)


def test_paths_are_never_cut_on_a_terminal(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 12) / ("name" * 12)
    (place / "hand book").mkdir(parents=True)
    (place / "hand book" / "leave.md").write_text("The head of the department grants leave.")
    shell = CommandLine(data_dir=place / "data", cwd=place)
    assert shell.run("sources", "add", "handbook", "hand book").code == 0
    listed = shell.terminal("sources", "list", COLUMNS="60")
    assert listed.end() == 0
    assert str(place / "hand book") in listed.seen
    paths = DataPaths(shell.data_dir)
    assert shell.run("jobs").code == 0
    with try_lock(paths.runner_lock(Settings(data_dir=shell.data_dir).profile)):
        assert shell.run("research", "Who grants leave?", "--detach").code == 0
        shown = shell.terminal("jobs", "show", COLUMNS="60")
        assert shown.end() == 0
        folder = shell.run("jobs", "show", "--json").json["folder"]
        assert folder in shown.seen
