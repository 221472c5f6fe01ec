"""Whole jobs over real MCP servers: on stdio, over HTTP, and with servers that misbehave."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from research_contract.records import SourceRef
from researcher_job.core.errors import ExitCode
from researcher_job.records.job_folder import JobFolder
from tests.researcher_job.jobs import (
    WAIT,
    finished_job,
    make_folder,
    outcome_of,
    report_of,
    run_configured,
    steps_of,
)

SERVER = Path(__file__).with_name("library_server.py")
QUESTION = "How long is the retention of log files?"


def configured(folder: Path, mood: str = "good", **keys: object) -> Path:
    """Write a configuration with the server as the source ``library``, started for the job."""
    keys = {"args": [str(SERVER), str(folder / "calls"), mood], "seconds": 20, **keys}
    return write(folder, f"mcp+stdio:{sys.executable}", **keys)


def write(folder: Path, uri: str, **keys: object) -> Path:
    path = folder / "research.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"uri": uri, **keys}.items()]
    path.write_text("[sources.library]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def job(tmp_path: Path, config: Path, *more: SourceRef, **fields: object) -> JobFolder:
    """Run a job that asks the source ``library``, until it ends."""
    uri = next(
        json.loads(line.partition("= ")[2])
        for line in config.read_text().splitlines()
        if line.startswith("uri")
    )
    sources = (SourceRef(name="library", uri=uri), *more)
    defaults = {"question": QUESTION, "sources": sources}
    return finished_job(tmp_path, config, **{**defaults, **fields})


def calls(folder: Path) -> list[dict[str, str]]:
    """Return the tool calls that the server got."""
    path = folder / "calls"
    said = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [one for one in said if "tool" in one]


def test_pages_of_a_server_on_this_machine_are_quoted(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages", fetch_tool="read_page")
    folder = job(tmp_path, config)
    outcome = outcome_of(folder)
    assert outcome.outcome == "evidence"
    quote = next(one for one in folder.evidence() if "ninety days" in one.quote)
    assert (quote.uri, quote.source) == ("https://pages.example/logs", "library")
    assert quote.title == "Retention of logs"
    assert "ninety days" in report_of(folder)
    assert outcome.coverage.pages == outcome.coverage.read == 1
    assert [one["tool"] for one in calls(tmp_path)] == ["find_pages", "read_page"]
    assert outcome.spent.tool_calls == 2
    shown = [step.message for step in steps_of(folder) if step.kind == "tool_call"]
    assert shown == [
        f"Asking library: “{QUESTION}”",
        "Opening library: “https://pages.example/logs”",
    ]


def test_the_server_gets_named_secrets_and_no_other_variable(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages", token="env:LIBRARY_KEY")
    folder = make_folder(
        tmp_path / "job",
        question=QUESTION,
        sources=(SourceRef(name="library", uri=f"mcp+stdio:{sys.executable}"),),
    )
    secrets = {"LIBRARY_KEY": "the key", "SEEN_BY_JOB": "secret of the job"}
    done = run_configured(folder, config, **secrets)
    assert done.returncode == ExitCode.DONE
    names = json.loads((tmp_path / "calls").read_text().splitlines()[0])["names"]
    assert "LIBRARY_KEY" in names
    assert "PATH" in names
    assert "SEEN_BY_JOB" not in names


def test_a_missing_secret_costs_that_source_only(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages", token="env:NOT_SET_ANYWHERE")
    folder = job(tmp_path, config)
    assert not (tmp_path / "calls").exists()
    assert "source or page that failed" in outcome_of(folder).coverage.sentence()
    assert any("NOT_SET_ANYWHERE is not set" in step.message for step in steps_of(folder))


def test_the_server_has_ended_with_the_job(tmp_path: Path) -> None:
    job(tmp_path, configured(tmp_path, search_tool="find_pages"))
    pid = json.loads((tmp_path / "calls").read_text().splitlines()[0])["pid"]
    assert not psutil.pid_exists(pid)


@pytest.fixture
def http_server(tmp_path: Path) -> Iterator[int]:
    """Yield the port of the server over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, SERVER, tmp_path / "calls", "good", "--http", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(int(WAIT * 20)):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def test_pages_of_a_server_over_http_are_quoted(tmp_path: Path, http_server: int) -> None:
    uri = f"mcp+http://127.0.0.1:{http_server}/mcp"
    config = write(tmp_path, uri, search_tool="find_pages", fetch_tool="read_page")
    folder = job(tmp_path, config)
    assert any("ninety days" in one.quote for one in folder.evidence())
    assert [one["tool"] for one in calls(tmp_path)] == ["find_pages", "read_page"]


def test_documents_and_a_server_are_ranked_together(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "lunch.md").write_text("# Lunch\n\nLunch is at noon in the yard.\n")
    (notes / "logs.md").write_text("# Logs\n\nLog files of the yard are kept in the cellar.\n")
    config = configured(tmp_path, search_tool="find_pages", fetch_tool="read_page")
    folder = job(
        tmp_path,
        config,
        SourceRef(name="notes", uri=notes.as_uri()),
        plan={"questions": (QUESTION, "When is lunch in the yard?")},
    )
    first, second = outcome_of(folder).questions
    by_number = {one.n: one for one in folder.evidence()}
    assert by_number[first.evidence[0]].source == "library"
    assert "noon" in by_number[second.evidence[0]].quote
    coverage = outcome_of(folder).coverage
    assert (coverage.read, coverage.pages) == (3, 1)
    assert coverage.sentence() == "Read 3 of 3 files and pages."


def test_the_same_call_is_made_once_and_never_again_after_a_kill(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages", fetch_tool="read_page")
    folder = job(tmp_path, config)
    before = calls(tmp_path)
    evidence = [one.quote for one in folder.evidence()]
    # As after a kill before the question was finished.
    for name in ("outcome.json", "report.md", "report.html", "status.json"):
        (folder.path / name).unlink()
    for task in (folder.path / "work" / "tasks").iterdir():
        task.unlink()
    assert run_configured(folder, config).returncode == ExitCode.DONE
    assert calls(tmp_path) == before
    assert [one.quote for one in folder.evidence()] == evidence
    assert outcome_of(folder).spent.tool_calls == len(before)
    assert outcome_of(folder).coverage.pages == 1


@pytest.mark.parametrize(
    ("mood", "keys", "said"),
    [
        ("fails", {}, "The tool failed"),
        ("hangs", {"seconds": 3}, "It did not answer within 3 seconds."),
        ("dies", {}, "It broke off"),
        ("no_start", {}, "It cannot be reached"),
        ("silent", {"seconds": 1}, "It did not start in time."),
        ("good", {"search_tool": "no_such_tool"}, "It has no tool no_such_tool"),
        ("good", {"search_argument": "words"}, "has no argument words"),
    ],
)
def test_a_server_that_misbehaves_costs_only_its_own_findings(
    tmp_path: Path, mood: str, keys: dict[str, object], said: str
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "logs.md").write_text("# Logs\n\nThe retention of log files is thirty days.\n")
    config = configured(tmp_path, mood, **{"search_tool": "find_pages", **keys})
    folder = job(tmp_path, config, SourceRef(name="notes", uri=notes.as_uri()))
    outcome = outcome_of(folder)
    assert "thirty days" in outcome.answer
    assert [(kind.count, kind.examples) for kind in outcome.coverage.not_read] == [
        (1, ("library",))
    ]
    messages = [step.message for step in steps_of(folder) if step.kind == "tool_result"]
    assert any(message.startswith(said) or said in message for message in messages)
    assert "sk-1234567890abcdefghij" not in "".join(map(str, steps_of(folder)))
    assert {one["tool"] for one in calls(tmp_path)} <= {"find_pages"}


def test_a_huge_answer_is_cut_and_said_to_be(tmp_path: Path) -> None:
    folder = job(tmp_path, configured(tmp_path, "huge", search_tool="find_pages"))
    coverage = outcome_of(folder).coverage
    assert coverage.in_part
    assert "cut after 400,000 characters" in coverage.in_part.examples[0]
    assert all(
        len(one.read_bytes()) < 2_500_000 for one in folder.path.rglob("*.*") if one.is_file()
    )


def test_a_source_that_the_configuration_does_not_have_starts_no_command(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages")
    trap = tmp_path / "trap"
    sources = (SourceRef(name="library", uri=f"mcp+stdio:touch {trap}"),)
    folder = make_folder(tmp_path / "job", question=QUESTION, sources=sources)
    assert run_configured(folder, config).returncode == ExitCode.DONE
    assert not trap.exists()
    assert not (tmp_path / "calls").exists()
    assert "configuration does not have" in outcome_of(folder).coverage.sentence()


def test_limits_of_tool_calls_count_searches_and_pages(tmp_path: Path) -> None:
    config = configured(tmp_path, search_tool="find_pages", fetch_tool="read_page")
    folder = job(tmp_path, config, limits={"tool_calls": 1})
    assert [one["tool"] for one in calls(tmp_path)] == ["find_pages"]
    assert "page for which no tool call was left" in outcome_of(folder).coverage.sentence()
