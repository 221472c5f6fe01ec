"""Research from the command line: real jobs in real processes, on a terminal and in a pipe."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.locks import try_lock
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.cli.command_line import COMMAND, CommandLine, Done

LEAVE = """# Notice

The notice period of a permanent contract is three months.

# Leave

The head of the department grants annual leave.
"""
QUESTION = "What is the notice period of a permanent contract?"
FOUND = "The notice period of a permanent contract is three months."
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])[;m]")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    place = tmp_path_factory.mktemp("desk")
    (place / "handbook").mkdir()
    (place / "handbook" / "leave.md").write_text(LEAVE)
    (place / "handbook" / "canteen.txt").write_text("The canteen opens at noon.")
    shell = CommandLine(data_dir=place / "data", cwd=place)
    yield shell
    assert shell.run("stop").code == 0


@pytest.fixture(scope="module")
def answered(shell: CommandLine) -> Done:
    """The result of a job that was followed in a pipe, as JSON."""
    return shell.run("research", QUESTION, "--source", "handbook", "--title", "Leave", "--json")


def test_research_in_a_pipe_prints_json_and_plain_lines(answered: Done) -> None:
    assert answered.code == 0, answered.err
    found = answered.json
    assert (found["state"], found["outcome"]) == ("completed", "evidence")
    assert FOUND in found["report"]
    assert (Path(found["folder"]) / "report.html").exists()
    assert found["coverage"]["read"] == 2
    assert found["job_id"] in answered.err
    assert "\x1b" not in answered.out + answered.err
    assert "completed: " in answered.err


def test_research_in_a_pipe_prints_only_the_report(shell: CommandLine) -> None:
    done = shell.run("research", QUESTION, "--source", "h=handbook", "--depth", "quick", "--again")
    assert done.code == 0, done.err
    assert done.out.startswith("# ")
    assert FOUND in done.out
    (said,) = [line for line in done.err.splitlines() if line.startswith("Job folder: ")]
    folder = said.removeprefix("Job folder: ")
    written = (Path(folder) / "report.md").read_text().strip()
    assert done.out.strip() == written.replace("verify FOLDER", f"verify {folder}")
    assert f"To verify every quote: researcher-job verify {folder}" in done.out
    for unused in ("token", "$"):  # no model took part
        assert unused not in done.out
    read_later = shell.run("jobs", "report")
    assert read_later.out == done.out


def test_the_exit_code_depends_on_the_outcome(shell: CommandLine) -> None:
    nothing = shell.run("research", "Who invented the zeppelin airship?", "--source", "handbook")
    assert nothing.code == 4, nothing.err
    some = shell.run(
        *("research", "Leave and airships", "--source", "handbook", "--question", QUESTION),
        *("--question", "Who invented the zeppelin airship?"),
    )
    assert some.code == 0, some.err
    assert "Evidence was found for 1 of 2 questions." in some.out


def test_invalid_requests_are_reported_and_start_nothing(shell: CommandLine) -> None:
    before = shell.run("jobs", "list", "--all", "--json").json
    for words, code, said in (
        (["q?", "--source", "/etc"], 1, "belongs to the system"),
        (["q?", "--source", "handbok/"], 1, "There is no"),
        (["q?"], 1, "There is nothing to search"),
        ([""], 2, "QUESTION is wrong"),
        (["q?", "--source", "handbook", "--minutes", "soon"], 2, "--minutes is wrong"),
        (
            ["q?", "--source", "handbook", "--term", "t", "--term", "x" * 300],
            2,
            "--term number 2 is",
        ),
        (["q" * 5000, "--source", "handbook"], 2, "4,000 characters"),
    ):
        done = shell.run("research", *words)
        assert (done.code, done.out) == (code, ""), done.err
        assert said in done.err
        assert len(done.err.splitlines()) == 1
    assert shell.run("jobs", "list", "--all", "--json").json == before


def test_jobs_are_listed_shown_and_read(shell: CommandLine, answered: Done) -> None:
    job_id = answered.json["job_id"]
    listed = {job["job_id"]: job for job in shell.run("jobs", "list", "--all", "--json").json}
    assert listed[job_id]["title"] == "Leave"
    (row,) = [row for row in shell.run("jobs", "list", "--all").out.splitlines() if job_id in row]
    assert row.split("\t")[1] == "evidence"
    shown = shell.run("jobs", "show", job_id[:14])
    assert f"job\t{job_id}" in shown.out
    assert "coverage\tRead 2 of 2 files." in shown.out
    assert shell.run("jobs", "show", job_id, "--json").json["folder"] == answered.json["folder"]
    assert FOUND in shell.run("jobs", "report", job_id).out
    assert "[1]" in shell.run("jobs", "report", job_id, "--part", "evidence").out
    assert FOUND in shell.run("jobs", "report", job_id, "--citation", "1").out
    watched = shell.run("jobs", "watch", job_id)
    assert watched.code == 0
    assert watched.out.startswith(f"{job_id} evidence: ")


def test_a_draft_is_checked(shell: CommandLine, answered: Done) -> None:
    job_id = answered.json["job_id"]
    draft = shell.cwd / "answer.md"
    draft.write_text(f"{FOUND} [1]\n")
    fine = shell.run("jobs", "check", job_id, "answer.md")
    assert fine.code == 0, fine.err
    assert fine.out.startswith("Claims: 1 supported.")
    draft.write_text(f"{FOUND.replace('three', 'six')} [1]\n")
    wrong = shell.run("jobs", "check", job_id, "answer.md", "--json")
    assert wrong.code == 3
    assert wrong.json["counts"] == {"contradicted": 1}
    piped = subprocess.run(
        [*COMMAND, "jobs", "check", job_id, "-"],
        input=f"{FOUND} [1]",
        env=shell.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stdout.startswith("Claims: 1 supported."), piped.stderr


def test_a_draft_that_cannot_be_checked_is_reported(shell: CommandLine, answered: Done) -> None:
    job_id = answered.json["job_id"]
    (shell.cwd / "long.md").write_text("a" * 60_001)
    (shell.cwd / "empty.md").write_text("\n")
    for name, code, said in (
        ("nowhere.md", 1, "'nowhere.md' cannot be read"),
        (".", 1, "cannot be read"),
        ("long.md", 2, "longer than 60,000 characters"),
        ("empty.md", 2, "FILE is wrong"),
    ):
        done = shell.run("jobs", "check", job_id, name)
        assert (done.code, done.out) == (code, ""), done.err
        assert said in done.err


def test_the_error_for_an_unknown_job_names_the_newest_one(shell: CommandLine) -> None:
    newest = shell.run("research", QUESTION, "--source", "handbook", "--again", "--json").json
    for words in (["show", "../../etc"], ["report", "20200101-aaaaaaaaaaaaa"], ["cancel", "1"]):
        done = shell.run("jobs", *words)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("error: ")
        assert newest["job_id"] in done.err


def test_ended_jobs_are_removed_by_id_prefix_or_the_newest_after_a_question(
    shell: CommandLine,
) -> None:
    first, second, third = (
        shell.run("research", QUESTION, "--source", "handbook", "--again", "--json").json
        for _ in range(3)
    )
    assert shell.run("jobs", "remove", "").code == 2
    unasked = shell.run("jobs", "remove")
    assert unasked.code == 2
    assert third["job_id"] in unasked.err
    assert "--yes" in unasked.err
    asked = shell.terminal("jobs", "remove")
    asked.until(f"Remove {third['job_id']}")
    asked.type("n\n")
    assert asked.end() == 1
    assert all(Path(job["folder"]).exists() for job in (first, second, third))
    asked = shell.terminal("jobs", "remove")
    asked.until("[y/N]")
    asked.type("y\n")
    assert asked.end() == 0
    assert not Path(third["folder"]).exists()
    assert shell.run("jobs", "remove", "--yes").out == f"Removed {second['job_id']}.\n"
    prefix = first["job_id"][:18]
    assert shell.run("jobs", "remove", prefix).out == f"Removed {first['job_id']}.\n"
    assert not Path(first["folder"]).exists()
    assert shell.run("jobs", "remove", first["job_id"]).code == 1


def test_a_draft_is_checked_against_the_newest_job_unless_one_is_named(
    shell: CommandLine,
) -> None:
    newest = shell.run("research", QUESTION, "--source", "handbook", "--again", "--json").json
    (shell.cwd / "newest.md").write_text(f"{FOUND} [1]\n")
    for named in ([], [newest["job_id"][:18]]):
        checked = shell.run("jobs", "check", *named, "newest.md", "--json")
        assert checked.code == 0, checked.err
        assert checked.json["job_id"] == newest["job_id"]


def test_a_report_opens_in_the_browser(shell: CommandLine, answered: Done) -> None:
    browser = shell.cwd / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{shell.cwd}/opened"\n')
    browser.chmod(0o755)
    page = f"{answered.json['folder']}/report.html"
    shown = shell.run("jobs", "report", answered.json["job_id"], "--open", BROWSER=str(browser))
    assert (shown.code, shown.out) == (0, f"{page}\n"), shown.err
    assert (shell.cwd / "opened").read_text() == Path(page).as_uri()
    none = shell.run("jobs", "report", answered.json["job_id"], "--open", BROWSER="", PATH="")
    assert (none.code, none.out) == (0, f"{page}\n")
    assert "No browser" in none.err


def test_a_title_cannot_control_the_terminal(shell: CommandLine) -> None:
    title = "evil\x1b]0;owned\x07\u202etitle"
    shell.run("research", QUESTION, "--source", "handbook", "--title", title)
    piped = shell.run("jobs", "list", "--all")
    terminal = shell.terminal("jobs", "list", "--all", COLUMNS="200")
    assert terminal.end() == 0
    for seen in (piped.out, terminal.seen):
        assert "evil" in seen
        assert "\x1b]0;" not in seen
        assert "\u202e" not in seen


def test_an_empty_or_unreadable_folder_is_refused_at_the_start(shell: CommandLine) -> None:
    (shell.cwd / "nothing" / "deep").mkdir(parents=True)
    (shell.cwd / "nothing" / ".hidden").write_text("x")
    before = shell.run("jobs", "list", "--all", "--json").json
    for name in ("nothing", "./nothing"):
        done = shell.run("research", QUESTION, "--source", name)
        assert (done.code, done.out) == (1, "")
        assert "The source 'nothing' has no file to read" in done.err
    assert shell.run("jobs", "list", "--all", "--json").json == before


def test_what_was_not_read_is_told_once(shell: CommandLine) -> None:
    (shell.cwd / "mixed").mkdir()
    (shell.cwd / "mixed" / "leave.md").write_text(LEAVE)
    for number in range(4):
        (shell.cwd / "mixed" / f"broken{number}.pdf").write_bytes(b"%PDF-1.4 broken")
    done = shell.run("research", QUESTION, "--source", "mixed")
    assert done.code == 0, done.err
    assert [line for line in done.out.splitlines() if "broken" in line or "unread" in line] == [
        "*Read 1 of 5 files; not read: 4 broken PDFs (broken0.pdf, broken1.pdf …).*"
    ]
    assert "broken3.pdf" in shell.run("jobs", "report", "--part", "sources").out


# --- on a terminal ----------------------------------------------------------------------------


def test_a_terminal_shows_a_progress_bar_and_then_the_report(shell: CommandLine) -> None:
    terminal = shell.terminal("research", QUESTION, "--source", "handbook", "--again")
    assert terminal.end() == 0
    assert "0/1" in terminal.seen  # the bar
    assert FOUND in terminal.seen
    assert "Job folder: " in terminal.seen
    assert COLOUR.search(terminal.seen)


def test_no_color_is_respected(shell: CommandLine) -> None:
    terminal = shell.terminal("research", QUESTION, "--source", "handbook", "--again", NO_COLOR="1")
    assert terminal.end() == 0
    assert not COLOUR.search(terminal.seen)


@pytest.fixture
def nobody_runs(shell: CommandLine) -> Iterator[None]:
    """Keep jobs queued: the test holds the lock of the runner, so no runner starts."""
    shell.run("stop")
    paths = DataPaths(shell.data_dir)
    with try_lock(paths.runner_lock(Settings(data_dir=shell.data_dir).profile)) as mine:
        assert mine
        yield


@pytest.mark.usefixtures("nobody_runs")
def test_ctrl_c_keeps_the_job_and_prints_how_to_follow_it(shell: CommandLine) -> None:
    terminal = shell.terminal("research", QUESTION, "--source", "handbook", "--title", "Waiting")
    terminal.until("queued")
    terminal.interrupt()
    assert terminal.end() == 130
    (job,) = [job for job in shell.run("jobs", "list", "--json").json if job["title"] == "Waiting"]
    assert job["state"] == "queued"
    assert f"The job {job['job_id']} continues to run" in terminal.seen
    assert f"mcp-jobs-server jobs watch {job['job_id']}" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert shell.run("jobs", "remove", job["job_id"]).code == 1  # it has not ended
    again = shell.run(
        "research", QUESTION, "--source", "handbook", "--title", "Waiting", "--detach"
    )
    assert again.out.strip() == job["job_id"]
    assert "Pass --again for a new one." in again.err
    assert "again=true" not in again.err
    steered = shell.run("jobs", "steer", job["job_id"][:14], "And who pays for it?")
    assert (steered.code, "a question to add" in steered.out) == (0, True)
    cancelled = shell.run("jobs", "cancel", "--json").json  # the newest unfinished one
    assert cancelled["job_id"] == job["job_id"]
    assert (cancelled["state"], cancelled["changed"]) == ("cancelled", True)
    assert shell.run("jobs", "steer", job["job_id"], "drop: 1").code == 1  # it is too late
    watched = shell.run("jobs", "watch", job["job_id"])
    assert watched.code == 1
    assert "cancelled" in watched.err


def test_a_detached_job_can_be_watched_later(shell: CommandLine) -> None:
    started = shell.run("research", QUESTION, "--source", "handbook", "--again", "--detach")
    assert started.code == 0
    job_id = started.out.strip()
    assert f"jobs watch {job_id}" in started.err
    watched = shell.run("jobs", "watch", job_id, "--json")
    assert watched.code == 0
    assert watched.json["outcome"] == "evidence"
    assert Path(watched.json["folder"]).is_dir()
