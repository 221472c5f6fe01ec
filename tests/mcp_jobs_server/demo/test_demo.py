"""The demo: a real client, a real server, real documents, and its own verification."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.demo.__main__ import LIBRARIES, installed_documents
from tests.mcp_jobs_server.cli.command_line import SAFETY_SECONDS, CommandLine


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    yield CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)
    demo = CommandLine(data_dir=tmp_path / "data" / "demo", cwd=tmp_path)
    assert demo.run("stop").code == 0


def demonstrate(shell: CommandLine, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mcp_jobs_server.demo", *words],
        cwd=shell.cwd,
        env=shell.environ(),
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )


def test_the_installed_libraries_ship_their_documents() -> None:
    found = dict(entry.split("=", 1) for entry in installed_documents())
    assert set(found) == set(LIBRARIES)
    assert all((Path(folder) / "METADATA").is_file() for folder in found.values())


def test_the_demo_tells_the_whole_story(shell: CommandLine) -> None:
    done = demonstrate(shell)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    tools = ["start_research(", "get_status(", "fetch_report("]
    assert sorted(tools, key=said.index) == tools
    assert "progress │" in said
    assert "asynchronous networking and concurrency library" in said
    assert "mcpServers" in said
    (folder,) = [line for line in said.splitlines() if line.startswith("Job folder: ")]
    place = Path(folder.removeprefix("Job folder: "))
    assert (place / "report.html").is_file()
    tampered = next(place.glob("snapshots/*.txt"))
    tampered.write_text(tampered.read_text().replace("e", "3"))
    again = subprocess.run(
        [sys.executable, "-m", "researcher_job", "verify", str(place)],
        capture_output=True,
        check=False,
        env=shell.environ(),
    )
    assert again.returncode != 0


def test_the_demo_asks_a_question_of_ones_own(shell: CommandLine) -> None:
    (shell.cwd / "my notes").mkdir()
    (shell.cwd / "my notes" / "a.md").write_text("The harbour master is Ada Marlowe.")
    done = demonstrate(shell, "Who is the harbour master?", "my notes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ada Marlowe" in done.stdout
    assert f'"my-notes={shell.cwd / "my notes"}"' in done.stdout


def test_the_demo_explains_a_folder_that_cannot_be_read(shell: CommandLine) -> None:
    done = demonstrate(shell, "Who?", "/etc")
    assert done.returncode == 1
    assert done.stderr.startswith("error: /etc cannot be a source")


def test_own_documents_need_a_question(shell: CommandLine, tmp_path: Path) -> None:
    done = demonstrate(shell, "", str(tmp_path))
    assert done.returncode == 2
    assert "There is no question to ask of these documents." in done.stderr


def test_who_reads_only_the_beginning_sees_no_traceback(shell: CommandLine) -> None:
    command = f"'{sys.executable}' -m mcp_jobs_server.demo | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=shell.cwd,
        env=shell.environ(),
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
