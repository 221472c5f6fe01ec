"""The Lakeflow backend over a small workspace, at a pace for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_jobs_server.databricks.workspace import Patience, Workspace
from mcp_jobs_server.folders.volume import VolumeFolders
from mcp_jobs_server.runners.lakeflow.looking import Paces
from mcp_jobs_server.runners.lakeflow.runner import LakeflowPaces, LakeflowRunner
from tests.lakeflow.small_workspace import JOB_ID, SmallWorkspace

VOLUME = "/Volumes/main/research/jobs"
TOKEN = "dapi-of-the-tests"
QUICK = Patience(call=8, http=1, retry=5, sign_in=20)
AT_ONCE = LakeflowPaces(
    poll=0.05, slowest_poll=0.1, run=0, active=0, index=0, control=0, settling=Paces()
)
"""Nothing is remembered and polls are quick."""


def workspace_of(small: SmallWorkspace, *, patience: Patience = QUICK) -> Workspace:
    return Workspace.of_token(TOKEN, host=small.host, patience=patience)


@asynccontextmanager
async def lakeflow_backend(
    small: SmallWorkspace, *, paces: LakeflowPaces = AT_ONCE, fresh_seconds: float = 0
) -> AsyncIterator[tuple[LakeflowRunner, VolumeFolders]]:
    """A runner and its folders, as one server holds them. The catalog is there, nothing else."""
    small.place("/Volumes/main").mkdir(exist_ok=True)
    workspace = workspace_of(small)
    folders = VolumeFolders(workspace, VOLUME, fresh_seconds=fresh_seconds)
    async with LakeflowRunner(workspace, folders, JOB_ID, paces=paces) as runner:
        yield runner, folders
