"""A workspace with its job, and a server on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from tests.mcp_jobs_server.backends.lakeflow.backend import Scene, scene, server


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path, max_concurrent_runs=10) as stage:
        yield stage


@pytest.fixture
async def runner(stage: Scene) -> AsyncIterator[LakeflowRunner]:
    async with server(stage) as (runner, _):
        yield runner
