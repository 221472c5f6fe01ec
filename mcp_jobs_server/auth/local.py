"""Single-user callers: stdio, the command line, loopback HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import anyio

from mcp_jobs_server.auth.caller import Authenticator, Caller, SingleUserAuthenticator
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings


@dataclass(eq=False)
class WorkspaceUserAuthenticator:
    """``Authenticator`` for jobs on Databricks: the user this process is signed in as.

    This direct use is meant for a deployment with one user, who may read all that the job may
    read.
    """

    _lock: anyio.Lock = field(default_factory=anyio.Lock, init=False)
    _caller: Caller | None = field(default=None, init=False)

    async def caller(self) -> Caller:
        from mcp_jobs_server.auth.databricks_user import current_user
        from mcp_jobs_server.databricks.workspace import Workspace

        async with self._lock:
            if self._caller is None:
                user = await current_user(Workspace.from_environment())
                self._caller = Caller(Owner(issuer=user.workspace, subject=user.id))
            return self._caller


def local_authenticator(settings: Settings) -> Authenticator:
    """Return the authenticator for stdio, the command line and loopback HTTP."""
    if settings.backend == "lakeflow":
        return WorkspaceUserAuthenticator()
    return SingleUserAuthenticator(settings.owner)


async def with_owner(settings: Settings) -> Settings:
    """Return the settings with the local user of the backend as owner.

    Raises:
        Unidentified, NotSignedIn, Unavailable: the workspace does not identify the user.
    """
    caller = await local_authenticator(settings).caller()
    return replace(settings, owner=caller.owner)
