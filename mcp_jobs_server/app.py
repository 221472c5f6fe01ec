"""Puts the parts together: runner, folders and sources for the settings in force."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import SourceRef


def open_jobs(
    settings: Settings, *, extra_sources: Sequence[SourceRef] = (), same_computer: bool = True
) -> AbstractAsyncContextManager[Jobs]:
    """Open the jobs that the settings name; leaving ends the waiting, never a job.

    Args:
        settings: where and how.
        extra_sources: granted for as long as this process runs (``serve --source``).
        same_computer: whether callers sit at this machine.
    """
    sources = Sources(settings, extra=extra_sources)
    if settings.backend == "lakeflow":
        return _on_databricks(settings, sources, same_computer=same_computer)
    return _on_this_machine(settings, sources, same_computer=same_computer)


@asynccontextmanager
async def _on_this_machine(
    settings: Settings, sources: Sources, *, same_computer: bool
) -> AsyncIterator[Jobs]:
    async with LocalRunner(settings) as runner:
        yield Jobs(
            runner=runner,
            folders=DirectoryFolders(settings.jobs_dir),
            sources=sources,
            settings=settings,
            same_computer=same_computer,
        )


@asynccontextmanager
async def _on_databricks(
    settings: Settings, sources: Sources, *, same_computer: bool
) -> AsyncIterator[Jobs]:
    """Open the jobs of a workspace. A server for others signs in at once, in the background, so
    that nobody waits for it; one that a client started does so with its first call."""
    from mcp_jobs_server.backends.lakeflow.readiness import WorkspaceReadiness
    from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
    from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
    from mcp_jobs_server.databricks.workspace import Workspace

    workspace = Workspace.from_environment()
    folders = VolumeFolders(workspace, settings.volume)
    async with LakeflowRunner(workspace, folders, settings.job_id) as runner:
        if not same_computer:
            runner.warm()
        yield Jobs(
            runner=runner,
            folders=folders,
            sources=sources,
            settings=settings,
            readiness=WorkspaceReadiness(workspace, settings.volume, settings.job_id),
            # The job reads where it runs: no path of this machine means anything to it.
            same_computer=False,
        )
