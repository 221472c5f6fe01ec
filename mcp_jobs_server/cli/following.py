"""Views of a running job: a progress bar on a terminal, plain lines elsewhere.

Both write to standard error, so that standard output contains only the report.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_jobs_server.cli.output import one_line, print_note
from mcp_jobs_server.messages.results import StatusResult
from mcp_jobs_server.messages.wording import duration

if TYPE_CHECKING:
    from rich.console import Group

LAST_STEPS = 6
"""Number of steps below the progress bar."""


SHORTEST_LEFT = 5
"""Seconds below which the time left is not shown."""


@contextmanager
def view() -> Iterator[LineView | BarView]:
    """Yield the view that suits standard error."""
    if not sys.stderr.isatty():
        yield LineView()
        return
    from rich.console import Console
    from rich.live import Live

    bar = BarView()
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    with Live(get_renderable=bar.draw, console=console, transient=True, refresh_per_second=8):
        yield bar


@dataclass(eq=False)
class LineView:
    """Prints a line for each step and each change of state."""

    _state: str = field(default="", init=False)

    def show(self, status: StatusResult) -> None:
        """Print the new steps of ``status``, and its state if that changed."""
        for step in status.steps:
            left = _left(status) if step is status.steps[-1] else ""
            print_note(f"{step.step:>4}  {one_line(step.message)}{left and f' {left}.'}")
        if status.state != self._state:
            self._state = status.state
            print_note(f"      {status.state}: {one_line(status.summary)}")

    async def on_change(self, status: StatusResult) -> None:
        """Ignore changes between steps."""
        del status


class BarView:
    """Draws a progress bar, the summary and the last steps."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.completed:g}/{task.total:g} {task.description}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            expand=True,
        )
        self._task = self._bar.add_task("questions", total=1, left="")
        self._summary = ""
        self._steps: deque[str] = deque(maxlen=LAST_STEPS)

    def show(self, status: StatusResult) -> None:
        """Show the new steps of ``status``, its progress and its summary."""
        self._steps.extend(one_line(step.message) for step in status.steps)
        self._summary = f"{status.state}: {one_line(status.summary)}"
        done, total, counted = status.progress.done, status.progress.total, "questions"
        read = status.coverage
        if read and read.reached < read.found and not done:
            done, total, counted = read.reached, read.found, "files"
        self._bar.update(
            self._task, completed=done, total=total, description=counted, left=_left(status).lower()
        )

    async def on_change(self, status: StatusResult) -> None:
        """Show a change of progress or summary; the steps are shown later."""
        self.show(status.model_copy(update={"steps": ()}))

    def draw(self) -> Group:
        """Return the current screen content; each line is cut to the width of the terminal."""
        from rich.console import Group
        from rich.text import Text

        lines = [Text(step, style="dim", no_wrap=True, overflow="ellipsis") for step in self._steps]
        summary = Text(self._summary, style="bold", no_wrap=True, overflow="ellipsis")
        return Group(self._bar, summary, *lines)


def _left(status: StatusResult) -> str:
    """Return the time left as an estimate in words; "" where it is short or unknown."""
    seconds = status.seconds_left or 0
    known = status.state == "running" and seconds >= SHORTEST_LEFT
    return f"About {duration(seconds)} left" if known else ""
