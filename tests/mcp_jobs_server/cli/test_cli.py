"""The command line without jobs: usage, sources, doctor, connect, and errors."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from mcp_jobs_server import __version__
from mcp_jobs_server.cli.output import one_line
from mcp_jobs_server.cli.parser import CLIENTS, DEPTHS, PARTS, build
from mcp_jobs_server.operations.install.snippets import CLIENTS as KNOWN_CLIENTS
from research_contract.text.safe import visible
from tests.mcp_jobs_server.cli.command_line import COMMAND, CommandLine


@pytest.fixture
def shell(tmp_path: Path) -> CommandLine:
    return CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "Hand Book"
    place.mkdir()
    (place / "leave.md").write_text("Staff have 30 days of leave.")
    return place


# --- usage ------------------------------------------------------------------------------------


def test_version_and_help(shell: CommandLine) -> None:
    assert shell.run("--version").out.strip() == f"mcp-jobs-server {__version__}"
    said = shell.run("--help")
    assert said.code == 0
    for command in ("serve", "research", "jobs", "sources", "connect", "doctor", "stop"):
        assert f"\n    {command} " in said.out


def test_every_command_has_a_description() -> None:
    seen = 0
    waiting = [build()]
    while waiting:
        parser = waiting.pop()
        for action in parser._actions:
            if isinstance(action.choices, dict):
                waiting.extend(action.choices.values())
        assert parser.description
        seen += 1
    assert seen == 24


def test_the_choices_of_the_parser_match_their_definitions() -> None:
    from typing import get_args

    from mcp_jobs_server.messages.arguments import ReportPart
    from research_contract.records import Depth

    assert get_args(ReportPart) == PARTS
    assert get_args(Depth) == DEPTHS
    assert tuple(KNOWN_CLIENTS) == CLIENTS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["research", "x", "--depht", "quick"], "did you mean --depth?"),
        (["research"], "QUESTION"),
        (["serve", "--port", "x"], "not a port"),
        (["research", "q", "--dept", "deep"], "--dept"),
        (["stop", "--wait", "-1"], "not a number of seconds"),
    ],
)
def test_wrong_usage_prints_two_lines_and_exits_with_2(
    shell: CommandLine, words: list[str], said: str
) -> None:
    done = shell.run(*words)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err
    assert len(done.err.splitlines()) == 2


def test_without_arguments_a_terminal_shows_how_to_connect(shell: CommandLine) -> None:
    terminal = shell.terminal()
    assert terminal.end() == 0
    assert "mcp-jobs-server connect claude-desktop" in terminal.seen


def test_options_without_a_command_start_the_server(shell: CommandLine, folder: Path) -> None:
    for words in ([], ["--source", str(folder)], ["serve"]):
        assert shell.run(*words).code == 0  # its input is at its end at once
    assert "whole home" in shell.run("--source", str(Path.home())).err


def test_starting_a_server_imports_no_other_command_and_no_drawing_library() -> None:
    script = (
        "import sys; from mcp_jobs_server.cli.parser import parse; parse(['serve']).load();"
        "print([name for name in sys.modules if name.split('.')[0] in ('rich', 'anyio', 'mcp',"
        " 'databricks') or name.startswith('mcp_jobs_server.cli.research')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- errors -----------------------------------------------------------------------------------


def test_an_error_is_one_line_with_a_hint(shell: CommandLine) -> None:
    done = shell.run("sources", "add", "home", "~")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: ~ cannot be a source: it is a whole home folder.")
    assert len(done.err.splitlines()) == 1


def test_with_json_an_error_is_printed_as_json_too(shell: CommandLine) -> None:
    done = shell.run("sources", "remove", "nothing", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "not_found"
    assert done.json["error"]["hint"]
    assert done.err.startswith("error: ")


def test_an_unknown_setting_is_named(shell: CommandLine) -> None:
    done = shell.run("sources", "list", MCP_JOBS_MAX_MINUTE="3")
    assert done.code == 2
    assert "Unknown environment variable MCP_JOBS_MAX_MINUTE" in done.err


def test_a_closed_output_pipe_exits_with_141(shell: CommandLine, folder: Path) -> None:
    for number in range(30):
        shell_name = f"n{number}"
        (folder.parent / shell_name).mkdir()
    grants = [
        {"name": f"n{number}", "uri": (folder.parent / f"n{number}").as_uri()}
        for number in range(30)
    ]
    shell.data_dir.mkdir()
    text = json.dumps({"format_version": 1, "sources": grants})
    (shell.data_dir / "sources.json").write_text(text)
    process = subprocess.Popen(
        [*COMMAND, "sources", "list"],
        env=shell.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert said == b""


# --- what reaches the terminal ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "<U+001B>[31mred<U+001B>[0m"),
        ("title\x1b]0;owned\x07", "title<U+001B>]0;owned<U+0007>"),
        ("\x9b31mc1", "<U+009B>31mc1"),
        ("safe\u202egpj.exe", "safe<U+202E>gpj.exe"),
        ("a\u2066b\u200f", "a<U+2066>b"),
        ("tab\tnewline\n", "tab\tnewline\n"),
        ("over\rwritten", "over\nwritten"),
        ("Grüße, 世界 – ok", "Grüße, 世界 – ok"),
    ],
)
def test_text_cannot_control_the_terminal(text: str, safe: str) -> None:
    assert visible(text) == safe


def test_lines_are_cut_by_columns_not_by_characters() -> None:
    assert one_line("a  b\n c") == "a b c"
    assert one_line("世界世界", 5) == "世界…"
    assert one_line("abcde", 5) == "abcde"


# --- sources ----------------------------------------------------------------------------------


def test_sources_are_added_listed_and_removed(shell: CommandLine, folder: Path) -> None:
    assert "No source yet" in shell.run("sources", "list").err
    added = shell.run("sources", "add", "handbook", "Hand Book")
    assert added.code == 0, added.err
    assert shell.run("sources", "list").out == f"handbook\t{folder}\tyes\n"
    (listed,) = shell.run("sources", "list", "--json").json
    assert listed["name"] == "handbook" and listed["uri"] == folder.as_uri()
    assert listed["readable"] is True
    (folder / "leave.md").unlink()
    folder.rmdir()
    assert "gone" in shell.run("sources", "list").out
    assert shell.run("sources", "remove", "handbook", "--json").json == {"removed": "handbook"}
    assert shell.run("sources", "list", "--json").json == []


def test_a_table_is_drawn_on_a_terminal(shell: CommandLine, folder: Path) -> None:
    shell.run("sources", "add", "handbook", str(folder))
    terminal = shell.terminal("sources", "list", COLUMNS="240")
    assert terminal.end() == 0
    assert "readable" in terminal.seen
    assert "──" in terminal.seen


# --- doctor, stop -----------------------------------------------------------------------------


def test_doctor_reports_that_everything_works(shell: CommandLine, folder: Path) -> None:
    shell.run("sources", "add", "handbook", str(folder))
    done = shell.run("doctor")
    assert done.code == 0, done.out
    assert done.out.endswith("Everything works.\n")
    found = shell.run("doctor", "--json").json
    assert found["ok"] is True
    assert {check["state"] for check in found["checks"]} == {"ok"}
    names = {check["name"] for check in found["checks"]}
    assert {"Python", "data directory", "SQLite", "locks", "runner", "source handbook"} <= names
    (vectors,) = [check for check in found["checks"] if check["name"] == "vectors"]
    assert vectors["found"].startswith("wordllama ")
    assert [path.name for path in shell.data_dir.glob(".doctor*")] == []


def test_doctor_reports_what_is_broken_with_advice(shell: CommandLine, folder: Path) -> None:
    shell.run("sources", "add", "handbook", str(folder))
    folder.rename(folder.with_name("moved"))
    done = shell.run("doctor", "--json")
    assert done.code == 1
    (broken,) = [check for check in done.json["checks"] if check["state"] == "broken"]
    assert broken["name"] == "source handbook"
    assert broken["advice"]


def test_doctor_reports_an_unusable_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shell = CommandLine(data_dir=tmp_path / "file" / "data", cwd=tmp_path)
    done = shell.run("doctor")
    assert done.code == 1
    assert "MCP_JOBS_DATA_DIR" in done.out
    assert "Traceback" not in done.err


def test_stop_without_a_runner(shell: CommandLine) -> None:
    assert shell.run("stop").out == "No runner was running.\n"
    assert shell.run("stop", "--json").json == {"stopped": 0}


# --- connect ----------------------------------------------------------------------------------


def test_connect_prints_a_configuration_that_starts_this_server(
    shell: CommandLine, folder: Path
) -> None:
    done = shell.run("connect", "claude-desktop", "--source", "Hand Book")
    server = json.loads(done.out[done.out.index("{") :])["mcpServers"]["research"]
    assert Path(server["command"]).is_absolute()
    assert server["args"][-2:] == ["--source", f"hand-book={folder}"]
    assert server["env"]["PYTHONUNBUFFERED"] == "1"
    assert server["env"]["MCP_JOBS_DATA_DIR"] == str(shell.data_dir)
    started = subprocess.run(
        [server["command"], *server["args"]],
        env=shell.environ(**server["env"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (started.returncode, started.stdout) == (0, b"")


def test_connect_shows_the_interpreter_for_clients_that_refuse_unknown_commands(
    shell: CommandLine, folder: Path
) -> None:
    done = shell.run("connect", "other", "--source", "Hand Book")
    server = json.loads(done.out[done.out.index("{") :])["mcpServers"]["research"]
    assert server["command"] == sys.executable
    assert server["args"][:3] == ["-m", "mcp_jobs_server", "serve"]
    assert server["args"][3:] == ["--source", f"hand-book={folder}"]
    assert server["env"]["MCP_JOBS_DATA_DIR"] == str(shell.data_dir)
    assert "refuse" in done.out


def test_connect_supports_each_client(shell: CommandLine) -> None:
    said = shell.run("connect").out
    for client in ("Claude Desktop", "Cursor", "VS Code", "Claude Code", "Other clients"):
        assert f"{client}: " in said
    plain = shell.run("connect", "--json").json
    link = next(line for line in said.splitlines() if line.startswith("cursor://"))
    (config,) = parse_qs(urlsplit(link).query)["config"]
    inner = json.loads(base64.b64decode(config))
    assert inner == {key: plain[key] for key in ("command", "args", "env")}
    assert '"servers": {\n    "research": {\n      "type": "stdio"' in said
    assert "claude mcp add research --env PYTHONUNBUFFERED=1" in said
