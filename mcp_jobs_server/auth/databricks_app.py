"""Callers of a Databricks App: the workspace is asked whose token the proxy forwarded."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_jobs_server.auth.caller import Caller, Credential
from mcp_jobs_server.auth.databricks_user import Person, SourceDoor, ask_who
from mcp_jobs_server.core.errors import Unidentified
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.sources.access import AudienceAccess

log = logging.getLogger(__name__)

HEADER = "X-Forwarded-Access-Token"
REMEMBERED_SECONDS = 60
MOST_REMEMBERED = 1000

_forwarded: ContextVar[Credential | None] = ContextVar("forwarded", default=None)


class ForwardedToken:
    """ASGI middleware that keeps the caller's token for as long as its request is answered.

    No other header says anything of the caller: ``X-Forwarded-Email`` and its like are words,
    and only the workspace tells whose a token is. A browser that another site led here is sent
    away, since the proxy would add the token of whoever sits before it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _same_origin(headers):
            await PlainTextResponse("Invalid Origin header", 403)(scope, receive, send)
            return
        token = headers.get(HEADER, "").strip()
        kept = _forwarded.set(Credential(token) if token else None)
        try:
            await self._app(scope, receive, send)
        finally:
            _forwarded.reset(kept)


def _same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    ours = (headers.get("x-forwarded-host", ""), headers.get("host", ""))
    return origin is None or urlsplit(origin).netloc in {host for host in ours if host}


class AppAuthenticator:
    """``Authenticator`` of an app: each is a person of the workspace, with that person's groups."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._people: TtlCache[Person] = TtlCache(seconds=REMEMBERED_SECONDS, most=MOST_REMEMBERED)
        self._opened: TtlCache[bool] = TtlCache(seconds=REMEMBERED_SECONDS, most=MOST_REMEMBERED)

    async def caller(self) -> Caller:
        credential = _forwarded.get()
        if credential is None:
            raise Unidentified(
                "This app was not told who is calling: user authorization is switched off.",
                "Whoever runs it: allow user authorization for apps in the workspace, deploy with"
                " user_api_scopes, then sign in again.",
            )
        workspace = Workspace.from_token(credential.token)
        person = await self._people.get(credential.digest, lambda: ask_who(workspace))
        self._admit(person)
        access = AudienceAccess(
            person.groups,
            configured=self._settings.sources,
            audiences=self._settings.audiences,
            opening=SourceDoor(workspace, credential.digest, self._opened),
        )
        return Caller(owner=Owner(issuer=person.workspace, subject=person.id), access=access)

    def _admit(self, person: Person) -> None:
        """Refuse a service principal that is not listed: behind it may be anybody."""
        if person.application and person.application not in self._settings.principals:
            log.warning("A service principal that is not in MCP_JOBS_PRINCIPALS was refused.")
            raise Unidentified(
                "A service principal calls, and this app takes people only.",
                "Sign in as yourself. Whoever runs the app can list its application id in"
                " MCP_JOBS_PRINCIPALS; all who call through it then share one owner.",
            )
