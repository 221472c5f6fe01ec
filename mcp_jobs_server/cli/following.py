"""Following a job: a bar and the last steps on a terminal, plain lines elsewhere.

Both go to standard error, so that standard output holds the report alone.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from mcp_jobs_server.cli.output import one_line, print_note
from mcp_jobs_server.messages.results import StatusResult

if TYPE_CHECKING:
    from rich.console import Group

LAST_STEPS = 6
"""Steps under the bar."""

Standings = AsyncIterator[StatusResult]


class View(Protocol):
    """Shows where a job stands."""

    def show(self, standing: StatusResult) -> None:
        """Show the state and the steps that are new in it."""
        ...

    async def hear(self, standing: StatusResult) -> None:
        """Show a small change; its steps are shown later."""
        ...


@contextmanager
def view() -> Iterator[View]:
    """Give the view that suits where standard error goes."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.live import Live

    bar = Bar()
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    with Live(get_renderable=bar.draw, console=console, transient=True, refresh_per_second=8):
        yield bar


class Lines:
    """A line for each step and state."""

    def __init__(self) -> None:
        self._state = ""

    def show(self, standing: StatusResult) -> None:
        for step in standing.steps:
            print_note(f"{step.step:>4}  {one_line(step.message)}")
        if standing.state != self._state:
            self._state = standing.state
            print_note(f"      {standing.state}: {one_line(standing.summary)}")

    async def hear(self, standing: StatusResult) -> None:
        del standing


class Bar:
    """A progress bar, the summary and the last steps."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        self._bar = Progress(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._task = self._bar.add_task("research", total=None)
        self._summary = ""
        self._steps: deque[str] = deque(maxlen=LAST_STEPS)

    def show(self, standing: StatusResult) -> None:
        self._steps.extend(one_line(step.message) for step in standing.steps)
        self._update(standing)

    async def hear(self, standing: StatusResult) -> None:
        self._update(standing)

    def _update(self, standing: StatusResult) -> None:
        self._summary = f"{standing.state}: {one_line(standing.summary)}"
        progress = standing.progress
        self._bar.update(self._task, completed=progress.done, total=progress.total or None)

    def draw(self) -> Group:
        """Return what is on the screen now; each line is cut to its width."""
        from rich.console import Group
        from rich.text import Text

        lines = [Text(step, style="dim", no_wrap=True, overflow="ellipsis") for step in self._steps]
        said = Text(self._summary, style="bold", no_wrap=True, overflow="ellipsis")
        return Group(self._bar, said, *lines)
