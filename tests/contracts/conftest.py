"""Each runner that the contract holds. A new one is added here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_jobs_server.runners.local.runner import LocalRunner
from tests.contracts.bench import Bench, LocalBench, MemoryBench
from tests.server import local_backend as local


@pytest.fixture(params=["local", "memory"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield MemoryBench()
        return
    with local.data_directory(tmp_path, max_running=1) as settings:
        async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
            yield LocalBench(runner)
