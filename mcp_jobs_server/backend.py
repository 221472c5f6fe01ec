"""Puts the parts together: runner, folders and sources for the settings in force."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp_jobs_server.folders.directory import DirectoryFolders
from mcp_jobs_server.runners.local.runner import LocalRunner
from mcp_jobs_server.service import Jobs
from mcp_jobs_server.settings import Settings
from mcp_jobs_server.sources import Sources
from researcher_job.contract import Source


@asynccontextmanager
async def open_jobs(
    settings: Settings, *, extra_sources: Sequence[Source] = (), same_computer: bool = True
) -> AsyncIterator[Jobs]:
    """Open the jobs of this machine; leaving ends the waiting, never a job.

    Args:
        settings: where and how.
        extra_sources: granted for as long as this process runs (``serve --source``).
        same_computer: whether callers sit at this machine.
    """
    async with LocalRunner(settings) as runner:
        yield Jobs(
            runner=runner,
            folders=DirectoryFolders(settings.jobs_dir),
            sources=Sources(settings, extra=extra_sources),
            settings=settings,
            same_computer=same_computer,
        )
