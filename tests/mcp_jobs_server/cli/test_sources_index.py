"""A source is read ahead; jobs take their settings from the configuration of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from research_contract.files import decode_lines
from research_contract.records import Step
from tests.mcp_jobs_server.cli.command_line import CommandLine

TEXT = "The notice period of a permanent contract is three months."
QUESTION = "What is the notice period of a permanent contract?"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "notice.md").write_text(f"# Notice\n\n{TEXT}\n")
    (tmp_path / "handbook" / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    shell = CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)
    yield shell
    assert shell.run("stop").code == 0


def researched(shell: CommandLine, **environ: str) -> tuple[str, list[str]]:
    """Return the report of a job and the messages of its steps."""
    done = shell.run("research", QUESTION, "--source", "handbook", "--json", **environ)
    assert done.code == 0, done.err
    folder = Path(done.json["folder"])
    lines = [line for part in sorted((folder / "steps").iterdir()) for line in [part.read_bytes()]]
    steps = [step for data in lines for step, _ in decode_lines(Step, data) if step]
    return (folder / "report.md").read_text(), [step.message for step in steps]


def test_a_source_that_was_read_ahead_is_not_read_again(shell: CommandLine) -> None:
    assert shell.run("sources", "add", "handbook", "handbook").code == 0
    indexed = shell.run("sources", "index", "handbook")
    assert indexed.code == 0, indexed.err
    assert indexed.out.startswith("Read 1 of 2 files; not read: 1 sound or video recording")
    kept = {path: path.stat().st_ino for path in (shell.data_dir / "index").glob("*.sqlite")}
    assert len(kept) == 1
    _, messages = researched(shell)
    assert {path: path.stat().st_ino for path in kept} == kept
    assert any("notice period" in message for message in messages)


def test_patterns_hold_when_a_source_is_read_ahead_and_for_its_jobs(shell: CommandLine) -> None:
    (shell.cwd / "handbook" / "notice.txt").write_text(f"{TEXT} So says the draft.\n")
    patterns = ("--include", "*.md", "--include=*.mp4", "--exclude", "clip.*")
    assert shell.run("sources", "add", "handbook", "handbook", *patterns).code == 0
    assert "(only *.md, *.mp4; without clip.*)" in shell.run("sources", "list").out
    left_out = "2 files and folders left out by the patterns of their source (clip.mp4, notice.txt)"
    assert left_out in shell.run("sources", "index", "handbook").out
    kept = list((shell.data_dir / "index").glob("*.sqlite"))
    report, _ = researched(shell)
    assert "2 files and folders left out by the patterns of their source" in report
    assert "So says the draft" not in report
    assert list((shell.data_dir / "index").glob("*.sqlite")) == kept


def test_a_source_that_is_not_granted_is_not_read_ahead(shell: CommandLine) -> None:
    refused = shell.run("sources", "index", "handbok")
    assert refused.code != 0
    assert "handbok" in refused.err
    assert not list(shell.data_dir.glob("index/*.sqlite"))


def test_the_table_of_the_researcher_reaches_jobs_on_this_computer(shell: CommandLine) -> None:
    configuration = shell.cwd / "research.toml"
    configuration.write_text(
        f"[sources.handbook]\nuri = {json.dumps((shell.cwd / 'handbook').as_uri())}\n"
        "[researcher]\nembeddings = []\n"
    )
    report, _ = researched(shell, MCP_JOBS_CONFIG=str(configuration))
    assert "Found by words only" in report
    report, _ = researched(shell)
    assert "Found by words and, with wordllama" in report
