"""Checks whether a shared deployment can work: sign-in, deployed job and volume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.readiness import PartFaults
from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

CHECK_SECONDS = 8.0
"""Timeout of a check, below the ten seconds within which ``Readiness`` answers."""


class WorkspaceReadiness:
    """``Readiness`` of jobs on Databricks. All parts are checked at the same time."""

    def __init__(self, workspace: Workspace, volume: str, job_id: int) -> None:
        get = partial(workspace.do, method="GET")
        self._checks: dict[str, Callable[[], Awaitable[object]]] = {
            "workspace": partial(get, "sign in", path="/api/2.0/preview/scim/v2/Me"),
            "job": partial(
                get,
                "look at the job",
                path="/api/2.2/jobs/get",
                query={"job_id": job_id},
                needs="CAN MANAGE RUN on the job",
            ),
            "volume": partial(
                get,
                "read the volume",
                path=f"/api/2.0/fs/directories{volume}",
                query={"page_size": 1},
                needs="READ VOLUME on the volume",
            ),
        }

    async def check(self) -> PartFaults:
        faults = await gather(partial(_fault, check) for check in self._checks.values())
        return dict(zip(self._checks, faults, strict=True))


async def _fault(check: Callable[[], Awaitable[object]]) -> str:
    """Return why the check failed, "" if it succeeded."""
    try:
        with anyio.move_on_after(CHECK_SECONDS):
            await check()
            return ""
    except ResourceNotFound:
        return "it is not there"
    except JobsError as error:
        return error.message
    return "the Databricks workspace did not answer in time"
