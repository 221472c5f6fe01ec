"""Services as sources of the server: listed, checked, named, refused, and asked by a whole job."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp_jobs_server.cli.command_line import CommandLine
from tests.repository import ROOT

SERVER = ROOT / "tests/researcher_job/sources/mcp/library_server.py"
QUESTION = "How long is the retention of log files?"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    shell = CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)
    yield shell
    assert shell.run("stop").code == 0


def environ(shell: CommandLine, toml: str) -> dict[str, str]:
    (shell.cwd / "research.toml").write_text(toml, encoding="utf-8")
    return {"MCP_JOBS_CONFIG": str(shell.cwd / "research.toml")}


def library(shell: CommandLine, mood: str = "good", **keys: object) -> str:
    said = {
        "uri": f"mcp+stdio:{sys.executable}",
        "args": [str(SERVER), str(shell.cwd / "calls"), mood],
        **keys,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
    return "\n".join(("[sources.library]", *lines, ""))


def test_a_job_asks_a_configured_server(shell: CommandLine) -> None:
    config = environ(shell, library(shell, search_tool="find_pages", fetch_tool="read_page"))
    listed = shell.run("sources", "list", "--json", **config)
    assert [(one["name"], one["readable"]) for one in listed.json] == [("library", True)]
    done = shell.run("research", QUESTION, "--source", "library", "--json", **config)
    assert done.code == 0, done.err
    report = (Path(done.json["folder"]) / "report.md").read_text()
    assert "The retention of log files is ninety days." in report
    assert "https://pages.example/logs" in report
    assert "Read 1 of 1 page." in report


def test_the_doctor_asks_the_server_for_its_tools(shell: CommandLine) -> None:
    config = environ(shell, library(shell, search_tool="find_pages", fetch_tool="read_page"))
    checks = {one["name"]: one for one in shell.run("doctor", "--json", **config).json["checks"]}
    assert checks["source library"]["state"] == "ok"
    assert checks["source library"]["found"].endswith("calls find_pages and read_page")
    config = environ(shell, library(shell, "no_start"))
    checks = {one["name"]: one for one in shell.run("doctor", "--json", **config).json["checks"]}
    assert checks["source library"]["state"] == "broken"
    assert "It cannot be reached" in checks["source library"]["found"]


def test_a_service_that_may_see_no_word_is_refused_in_words(shell: CommandLine) -> None:
    config = environ(shell, '[sources.web]\nuri = "search:https://search.example"\npages = 0\n')
    done = shell.run("research", QUESTION, "--source", "web", **config)
    assert done.code != 0
    assert "may see no word of a question" in done.err
    assert 'egress = "question" in [sources.web]' in done.err
    assert not shell.run("sources", "list", "--json", **config).json[0]["readable"]
    checks = {one["name"]: one for one in shell.run("doctor", "--json", **config).json["checks"]}
    assert checks["source web"]["state"] == "broken"
