"""Assembles runner, folders and sources according to the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.readiness import DataDirectoryReadiness
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.sources.registry import Sources
from research_contract.records import SourceRef


@asynccontextmanager
async def open_jobs(
    settings: Settings, *, extra_sources: Sequence[SourceRef] = (), same_computer: bool = True
) -> AsyncIterator[Jobs]:
    """Open the jobs of the configured backend. Leaving the context ends waiting calls, never a job.

    A server for remote callers signs in to Databricks immediately in the background, so that no
    call waits for it. A server that a local client started signs in with its first call.

    Args:
        settings: settings of the server.
        extra_sources: sources granted while this process runs (``serve --source``).
        same_computer: whether callers use this machine, so that its paths have a meaning to them.
    """
    sources = Sources(settings, extra=extra_sources)
    if settings.backend != "lakeflow":
        async with LocalRunner(settings) as local_runner:
            yield Jobs(
                runner=local_runner,
                folders=DirectoryFolders(settings.jobs_dir),
                sources=sources,
                settings=settings,
                readiness=DataDirectoryReadiness(settings.data_dir, local_runner.require_directory),
                same_computer=same_computer,
            )
        return
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
            # Jobs read files where they run, so paths of this machine have no meaning to them.
            same_computer=False,
        )
