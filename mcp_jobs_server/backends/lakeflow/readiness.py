"""Whether a shared deployment can do its work: signed in, its job there, its volume readable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.readiness import PartFaults
from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

LOOK_SECONDS = 8.0
"""Below the ten seconds within which ``Readiness`` answers."""


class WorkspaceReadiness:
    """``Readiness`` of jobs on Databricks; each part is asked for at the same time."""

    def __init__(self, workspace: Workspace, volume: str, job_id: int) -> None:
        self._workspace = workspace
        self._volume = volume
        self._job_id = job_id

    async def check(self) -> PartFaults:
        looks = {"workspace": self._signed_in, "job": self._job, "volume": self._files}
        faults = await gather([_told(look) for look in looks.values()])
        return dict(zip(looks, faults, strict=True))

    async def _signed_in(self) -> None:
        path = "/api/2.0/preview/scim/v2/Me"
        await self._workspace.do("sign in", "GET", path)

    async def _job(self) -> None:
        await self._workspace.do(
            "look at the job",
            "GET",
            "/api/2.2/jobs/get",
            query={"job_id": self._job_id},
            needs="CAN MANAGE RUN on the job",
        )

    async def _files(self) -> None:
        await self._workspace.do(
            "read the volume",
            "GET",
            f"/api/2.0/fs/directories{self._volume}",
            query={"page_size": 1},
            needs="READ VOLUME on the volume",
        )


def _told(look: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[str]]:
    async def told() -> str:
        try:
            with anyio.move_on_after(LOOK_SECONDS):
                await look()
                return ""
        except ResourceNotFound:
            return "it is not there"
        except JobsError as error:
            return error.message
        return "the Databricks workspace did not answer in time"

    return told
