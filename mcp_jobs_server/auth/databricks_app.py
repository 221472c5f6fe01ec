"""Identifies callers of a Databricks App by the token that its proxy forwards.

Forwarded tokens are verified with the workspace; identity headers are ignored.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_jobs_server.auth.caller import Caller, Credential
from mcp_jobs_server.auth.databricks_user import (
    CallerSourceCheck,
    DatabricksUser,
    current_user,
)
from mcp_jobs_server.core.errors import Unidentified
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.sources.access import AudienceAccess

log = logging.getLogger(__name__)

HEADER = "X-Forwarded-Access-Token"
CACHE_SECONDS = 60
MAX_CACHED = 1000

_OTHER_ORIGIN = (
    "This app does not answer web pages of other origins. Use a client outside the browser.\n"
)

_forwarded: ContextVar[Credential | None] = ContextVar("forwarded", default=None)


@dataclass(eq=False)
class ForwardedToken:
    """ASGI middleware that keeps the caller's token while its request is processed.

    Other identity headers such as ``X-Forwarded-Email`` are ignored: only the workspace can tell
    whose token it is. Requests from pages of another origin are rejected, because the proxy would
    add the token of the person at that browser.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        hosts = {headers.get("x-forwarded-host", ""), headers.get("host", "")} - {""}
        if origin is not None and urlsplit(origin).netloc not in hosts:
            await PlainTextResponse(_OTHER_ORIGIN, 403)(scope, receive, send)
            return
        token = headers.get(HEADER, "").strip()
        previous = _forwarded.set(Credential(token) if token else None)
        try:
            await self.app(scope, receive, send)
        finally:
            _forwarded.reset(previous)


@dataclass(eq=False)
class AppAuthenticator:
    """``Authenticator`` of an app: each caller is a user of the workspace, with its groups."""

    settings: Settings
    _users: TtlCache[DatabricksUser] = field(
        default_factory=lambda: TtlCache(seconds=CACHE_SECONDS, most=MAX_CACHED), init=False
    )
    _opened: TtlCache[bool] = field(
        default_factory=lambda: TtlCache(seconds=CACHE_SECONDS, most=MAX_CACHED), init=False
    )

    async def caller(self) -> Caller:
        credential = _forwarded.get()
        if credential is None:
            raise Unidentified(
                "This app cannot identify the caller: user authorization is switched off.",
                "Operator of the app: allow user authorization for apps in the workspace, deploy"
                " with user_api_scopes, then sign in again.",
            )
        workspace = Workspace.from_token(credential.token)
        user = await self._users.get(credential.digest, lambda: current_user(workspace))
        if user.application and user.application not in self.settings.principals:
            # Anybody may be behind a service principal, so only listed ones are accepted.
            log.warning("A service principal that is not in MCP_JOBS_PRINCIPALS was rejected.")
            raise Unidentified(
                "The caller is a service principal, and this app accepts people only.",
                "Sign in as yourself. The operator of the app can list the application id in"
                " MCP_JOBS_PRINCIPALS; all who call through it then share one owner.",
            )
        access = AudienceAccess(
            user.groups,
            configured=self.settings.sources,
            audiences=self.settings.audiences,
            check=CallerSourceCheck(workspace, credential.digest, self._opened),
        )
        return Caller(owner=Owner(issuer=user.workspace, subject=user.id), access=access)
