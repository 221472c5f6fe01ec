"""The demo with a real client, server and documents, and the verification of its report."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.demo.__main__ import QUESTION
from tests.mcp_jobs_server.cli.command_line import SAFETY_SECONDS, CommandLine

QUESTIONS = re.findall(r"\S[^?]*\?", QUESTION)
ANSWERS = (
    """\
> When the lease ends, the tenant must:
>
> \\- remove the boat, its trailer and its cradle from the harbour;
> \\- return both keys of the gate to the harbour office;
> \\- pay for the electricity used up to that day;
> \\- leave the berth clean, with the mooring lines in place.
""",
    """\
- “Service: Lift by crane up to 5 t”
- “Unit: a lift”
- “Members: € 60”
- “Guests: € 95”
""",
    """\
> Swinging mooring
>
> A buoy on a chain that is fixed to the sea bed; the boat turns around it with wind and tide.
""",
)
"""The first quote for each: a whole list, a row of a table with its heads, a definition."""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    yield CommandLine(data_dir=tmp_path / "data", cwd=tmp_path)
    demo = CommandLine(data_dir=tmp_path / "data" / "demo", cwd=tmp_path)
    assert demo.run("stop").code == 0


def run_demo(shell: CommandLine, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mcp_jobs_server.demo", *words],
        cwd=shell.cwd,
        env=shell.environ(),
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )


def test_the_demo_starts_follows_reads_and_verifies(shell: CommandLine) -> None:
    process = run_demo(shell)
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout
    tools = ["start_research(", "get_status(", "fetch_report("]
    assert sorted(tools, key=output.index) == tools
    assert "progress │" in output
    for number, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True), 1):
        section = output.split(f"## {number}. {question}\n")[1]
        first = section.split(":\n\n", 1)[1]  # behind the place of the first quote
        assert first.startswith(answer)
        assert "sources differ" not in section
    assert "mcpServers" in output
    (folder,) = [line for line in output.splitlines() if line.startswith("Job folder: ")]
    path = Path(folder.removeprefix("Job folder: "))
    assert (path / "report.html").is_file()
    tampered = next(path.glob("snapshots/*.txt"))
    tampered.write_text(tampered.read_text().replace("e", "3"))
    again = subprocess.run(
        [sys.executable, "-m", "researcher_job", "verify", str(path)],
        capture_output=True,
        check=False,
        env=shell.environ(),
    )
    assert again.returncode != 0


def test_the_demo_takes_a_question_and_documents(shell: CommandLine) -> None:
    (shell.cwd / "my notes").mkdir()
    (shell.cwd / "my notes" / "a.md").write_text("The harbour master is Ada Marlowe.")
    process = run_demo(shell, "Who is the harbour master?", "my notes")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Ada Marlowe" in process.stdout
    assert f'"my-notes={shell.cwd / "my notes"}"' in process.stdout


def test_a_folder_that_cannot_be_a_source_is_an_error(shell: CommandLine) -> None:
    process = run_demo(shell, "Who?", "/etc")
    assert process.returncode == 1
    assert process.stderr.startswith("error: /etc cannot be a source")


def test_documents_need_a_question(shell: CommandLine, tmp_path: Path) -> None:
    process = run_demo(shell, "", str(tmp_path))
    assert process.returncode == 2
    assert "These documents need a question." in process.stderr


def test_a_closed_pipe_prints_no_traceback(shell: CommandLine) -> None:
    command = f"'{sys.executable}' -m mcp_jobs_server.demo | head -n 1"
    process = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=shell.cwd,
        env=shell.environ(),
        capture_output=True,
        text=True,
        timeout=SAFETY_SECONDS,
        check=False,
    )
    assert len(process.stdout.splitlines()) == 1
    assert process.stderr == ""
