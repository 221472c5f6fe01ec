"""Entering a runner starts its background tasks; leaving it cancels them and releases the rest."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from mcp_jobs_server.backends.lifecycle import Lifecycle

pytestmark = pytest.mark.anyio


class Recorder(Lifecycle):
    """Records what happens to its only background task."""

    def __init__(self) -> None:
        super().__init__(background=(self._work,), release=lambda: self.events.append("released"))
        self.events: list[str] = []

    def run(self) -> None:
        self._run_in_background(self._work)

    async def _work(self) -> None:
        self.events.append("task started")
        try:
            await anyio.sleep_forever()
        finally:
            self.events.append("task cancelled")


async def test_leaving_cancels_the_background_tasks_and_then_releases_the_resources() -> None:
    runner = Recorder()
    for _ in range(2):  # it may be entered again
        runner.events.clear()
        async with runner:
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
        assert runner.events == ["task started", "task cancelled", "released"]


async def test_an_error_of_the_block_propagates_unwrapped() -> None:
    runner = Recorder()
    with pytest.raises(KeyError, match="mine"):
        async with runner:
            raise KeyError("mine")
    assert runner.events[-1] == "released"


async def test_outside_the_block_the_error_shows_how_to_enter_it() -> None:
    with pytest.raises(RuntimeError, match=r"inside `async with Recorder\("):
        Recorder().run()
