"""All runners that must keep the contract of the port. Add new ones here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.runner import LocalRunner
from tests.mcp_jobs_server.backends.bench import Bench, LakeflowBench, LocalBench, MemoryBench
from tests.mcp_jobs_server.backends.lakeflow.backend import scene, server
from tests.mcp_jobs_server.backends.local import data_directory as local


@pytest.fixture(params=["local", "memory", "lakeflow"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield MemoryBench()
    elif request.param == "lakeflow":
        with scene(tmp_path) as stage:
            async with server(stage) as (runner, folders):
                yield LakeflowBench(runner, folders, stage)
    else:
        with local.data_directory(tmp_path, max_running=1) as settings:
            async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
                yield LocalBench(runner)
