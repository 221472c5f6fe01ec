"""Every backend passes instructions on to its jobs, each under a number of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest

from mcp_jobs_server.jobs.steering import steer
from research_contract.files import decode
from research_contract.steering import Steering, steering_name
from tests.mcp_jobs_server.backends.bench import Bench, start

pytestmark = pytest.mark.anyio


async def test_instructions_at_the_same_time_get_different_numbers(bench: Bench) -> None:
    job = await start(bench)
    await bench.run(job)
    numbers: dict[str, int] = {}

    async def ask(text: str) -> None:
        steering = Steering(kind="add", text=text, at=datetime.now(UTC))
        numbers[text] = await steer(bench.folders, job, steering)

    async with anyio.create_task_group() as tasks:
        for text in ("Who?", "When?", "Where?"):
            tasks.start_soon(ask, text)
    assert sorted(numbers.values()) == [1, 2, 3]
    for text, number in numbers.items():
        found = await bench.folders.read(job.folder, steering_name(number))
        written = decode(Steering, found.data if found else None)
        assert written
        assert written.text == text
    await bench.complete(job)
