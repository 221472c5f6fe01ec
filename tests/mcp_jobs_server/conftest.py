"""What most tests of the server begin with; a file that needs other numbers has its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local
from tests.mcp_jobs_server.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A server over the published fakes."""
    return Stage(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A data directory; nothing that runs for it outlives the test."""
    with local.data_directory(tmp_path) as settings:
        yield settings


@pytest.fixture
async def runner(settings: Settings) -> AsyncIterator[LocalRunner]:
    """Jobs that the stand-in does."""
    async with LocalRunner(settings, job_command=local.STAND_IN) as runner:
        yield runner
