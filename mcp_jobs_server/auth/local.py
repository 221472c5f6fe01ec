"""Callers whom nothing has to tell apart: whoever reaches the server is one and the same person."""

from __future__ import annotations

from dataclasses import replace

import anyio

from mcp_jobs_server.auth.caller import Authenticator, Caller, SingleUserAuthenticator
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings


class WorkspaceUserAuthenticator:
    """``Authenticator`` for jobs on Databricks: the user this process is signed in as.

    Direct use is for a deployment with one user, who may read what the job may read.
    """

    def __init__(self) -> None:
        self._asking = anyio.Lock()
        self._caller: Caller | None = None

    async def caller(self) -> Caller:
        from mcp_jobs_server.auth.databricks_user import ask_who
        from mcp_jobs_server.databricks.workspace import Workspace

        async with self._asking:
            if self._caller is None:
                person = await ask_who(Workspace.from_environment())
                self._caller = Caller(Owner(issuer=person.workspace, subject=person.id))
            return self._caller


def local_authenticator(settings: Settings) -> Authenticator:
    """Return who calls over stdio, from the command line, or on a loopback address."""
    return (
        WorkspaceUserAuthenticator()
        if settings.backend == "lakeflow"
        else SingleUserAuthenticator(settings.owner)
    )


async def with_owner(settings: Settings) -> Settings:
    """Return the settings with the owner whose jobs a person at this computer sees.

    Raises:
        Unidentified, NotSignedIn, Unavailable: the workspace does not say who is signed in.
    """
    who = await local_authenticator(settings).caller()
    return replace(settings, owner=who.owner)
