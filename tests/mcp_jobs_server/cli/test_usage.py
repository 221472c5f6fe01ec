"""Which words the command line understands, and what it proposes for others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_jobs_server.cli.parser import parse
from tests.mcp_jobs_server.cli.command_line import CommandLine


@pytest.fixture
def shell(tmp_path: Path) -> CommandLine:
    return CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reserch", "q?"], "there is no command 'reserch'; did you mean research?"),
        (["jobs", "lits"], "there is no command 'lits'; did you mean list?"),
        (["jobs", "delete"], "there is no command 'delete'; the commands are list, show,"),
        (["sources", "ad", "a", "b"], "there is no command 'ad'; did you mean add?"),
        (["research", "q?", "--depth", "depp"], "'depp' is none of quick, standard, deep"),
        (["connect", "cursr"], "'cursr' is none of"),
        (["connect", "cursr"], "did you mean cursor?"),
        (["jobs", "list", "--stat", "failed"], "did you mean --state?"),
    ],
)
def test_a_wrong_word_names_the_nearest(shell: CommandLine, words: list[str], said: str) -> None:
    done = shell.run(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 2


def test_jobs_and_sources_alone_list(shell: CommandLine) -> None:
    for group, empty in (("jobs", "No jobs."), ("sources", "No source yet.")):
        alone = shell.run(group)
        assert alone.code == 0
        assert empty in alone.err
        assert shell.run(group, "--json").json == []
        assert "COMMAND" in shell.run(group, "--help").out


def test_options_of_jobs_alone_are_those_of_its_list() -> None:
    assert vars(parse(["jobs", "--limit", "3"])) == vars(parse(["jobs", "list", "--limit", "3"]))


@pytest.mark.parametrize("given", [[], ["20260131-abc"]])
def test_each_command_about_one_job_takes_a_prefix_or_the_newest(given: list[str]) -> None:
    named = given[0] if given else ""
    for command in ("show", "watch", "report", "cancel"):
        assert vars(parse(["jobs", command, *given]))["id"] == named
    assert vars(parse(["jobs", "check", *given, "answer.md"]))["id"] == named
    assert vars(parse(["jobs", "check", *given, "answer.md"]))["file"] == "answer.md"
    assert vars(parse(["jobs", "remove", *given]))["ids"] == given


# --- completion -------------------------------------------------------------------------------

BASH = """
source <(mcp-jobs-server completion bash)
for line in "mcp-jobs-server jobs ca" "mcp-jobs-server research q --de" \
    "mcp-jobs-server research q --depth d" "mcp-jobs-server connect cu"; do
    COMP_LINE=$line COMP_POINT=${#line} COMP_TYPE=9
    COMP_WORDS=($line) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    $(complete -p mcp-jobs-server | sed 's/.*-F \\([^ ]*\\).*/\\1/') mcp-jobs-server
    echo "${COMPREPLY[*]}"
done
"""


def test_bash_completes_commands_options_and_choices(shell: CommandLine) -> None:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["/bin/bash", "-c", BASH],
        env=shell.environ(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    assert found == [["cancel"], ["--depth", "--detach"], ["deep"], ["cursor"]], done.stderr


@pytest.mark.parametrize(
    ("shell_name", "hook"),
    [
        ("bash", "complete -o"),
        ("zsh", "#compdef mcp-jobs-server"),
        ("fish", "complete --command mcp-jobs-server"),
    ],
)
def test_completion_is_printed_for_each_shell(
    shell: CommandLine, shell_name: str, hook: str
) -> None:
    done = shell.run("completion", shell_name)
    assert done.code == 0, done.err
    assert hook in done.out
    assert str(Path.home()) not in done.out
