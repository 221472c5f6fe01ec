"""What is shown while a job is followed: files while it reads, questions, and the time left."""

from __future__ import annotations

import anyio
import pytest
from rich.console import Console

from mcp_jobs_server.cli.following import BarView, LineView
from mcp_jobs_server.messages.results import Next, Progress, StatusResult, StepShown
from research_contract.records import NOT_REACHED, Coverage, NotRead, Spent


def status(
    *, reached: int, found: int = 400, done: int = 0, left: int | None = None
) -> StatusResult:
    waiting = found - reached
    not_read = (NotRead(reason=NOT_REACHED[1], count=waiting),) if waiting else ()
    return StatusResult(
        job_id="20260131-abcdefghijklm",
        state="running",
        summary="Reading handbook" if waiting else "Searching",
        progress=Progress(done=done, total=2),
        steps=(StepShown(step=3, at="2026-01-31T12:00:00Z", kind="status", message="Read on."),),
        cursor="c",
        elapsed_seconds=12,
        seconds_left=left,
        spent=Spent(),
        coverage=Coverage(found=found, read=reached, not_read=not_read),
        next=Next(action="call"),
    )


def drawn(view: BarView, columns: int) -> str:
    console = Console(width=columns, no_color=True)
    with console.capture() as captured:
        console.print(view.draw())
    return captured.get()


@pytest.mark.parametrize("columns", [60, 80])
def test_a_bar_counts_files_while_reading_then_questions(columns: int) -> None:
    view = BarView()
    view.show(status(reached=120, left=130))
    reading = drawn(view, columns)
    assert "120/400 files" in reading
    assert "about 2 minutes left" in reading
    assert max(map(len, reading.splitlines())) <= columns
    anyio.run(view.on_change, status(reached=240, left=40))
    assert "240/400 files" in drawn(view, columns)
    assert "about 40 seconds left" in drawn(view, columns)
    view.show(status(reached=400, done=1))
    searching = drawn(view, columns)
    assert "1/2 questions" in searching
    assert "files" not in searching.splitlines()[0]
    assert "left" not in searching.splitlines()[0]


def test_lines_name_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    view = LineView()
    view.show(status(reached=120, left=130))
    view.show(status(reached=400, done=1))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "   3  Read on. About 2 minutes left."
    assert lines[2] == "   3  Read on."
