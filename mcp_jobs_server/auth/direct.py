"""The caller where nobody is told apart: whose account, or whose workspace, this process uses."""

from __future__ import annotations

from mcp_jobs_server.auth.caller import Caller, Callers, OnePerson
from mcp_jobs_server.auth.person import ask_who
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.models import Owner
from mcp_jobs_server.settings import Settings


class WorkspaceUser:
    """``Callers`` of a server that uses a workspace itself: all are who it is signed in as.

    The workspace is asked at the first call, and not again: another identity is another process.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._caller: Caller | None = None

    async def caller(self) -> Caller:
        if self._caller is None:
            person = await ask_who(self._workspace)
            self._caller = Caller(owner=Owner(issuer=person.workspace, subject=person.id))
        return self._caller


def alone(settings: Settings) -> Callers:
    """Return the one caller of a server over stdio, on a loopback address, or in one's own code."""
    if settings.backend == "lakeflow":
        return WorkspaceUser(Workspace.of_environment())
    return OnePerson(settings.owner)
