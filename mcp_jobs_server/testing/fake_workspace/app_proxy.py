"""The proxy in front of a Databricks App: it authenticates callers and adds identity headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from secrets import token_hex

import anyio
import httpx2
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_jobs_server.testing.fake_workspace.identity.identities import (
    PERSONAL_PREFIX,
    Identities,
    Identity,
)
from mcp_jobs_server.testing.fake_workspace.identity.oauth import WORKSPACE_ID
from mcp_jobs_server.testing.fake_workspace.rights import Rights

MAX_SECONDS = 120
"""Time limit of a request [REFERENCE of Databricks Apps]."""

_NOT_FORWARDED = ("host", "authorization", "connection", "content-length", "transfer-encoding")


@dataclass(eq=False)
class AppProxy:
    """Forwards requests of people who may use the app ``name`` to ``upstream``.

    ``X-Forwarded-…`` headers of the caller are replaced. ``forwards_token`` turns on user
    authorization: the app receives the token of the caller.
    """

    name: str
    upstream: str
    identities: Identities
    rights: Rights
    forwards_token: bool = field(default=True, init=False)
    _client: httpx2.AsyncClient = field(
        default_factory=lambda: httpx2.AsyncClient(timeout=MAX_SECONDS), init=False
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        authorization = request.headers.get("authorization", "")
        caller = self.identities.authenticate(authorization)
        token = authorization.partition(" ")[2]
        response: Response
        if caller is None or token.startswith(PERSONAL_PREFIX):
            response = RedirectResponse("/.auth/login", 302)
        elif not self.rights.allows(caller, {"CAN_USE", "CAN_MANAGE"}, f"app {self.name}"):
            response = PlainTextResponse("You do not have permission to access this app.", 403)
        else:
            response = await self._forward(request, caller, token)
        await response(scope, receive, send)

    async def aclose(self) -> None:
        """Close the connections to the app."""
        await self._client.aclose()

    async def _forward(self, request: Request, caller: Identity, token: str) -> Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in _NOT_FORWARDED and not name.startswith("x-forwarded-")
        } | {
            "X-Forwarded-Host": request.headers.get("host", ""),
            "X-Forwarded-User": f"{caller.id}@{WORKSPACE_ID}",
            "X-Forwarded-Email": caller.name,
            "X-Forwarded-Preferred-Username": caller.display,
            "X-Request-Id": token_hex(16),
        }
        if self.forwards_token:
            headers["X-Forwarded-Access-Token"] = token
        forwarded = self._client.build_request(
            request.method,
            f"{self.upstream}{request.url.path}",
            params=request.query_params,
            headers=headers,
            content=await request.body(),
        )
        try:
            response = await self._client.send(forwarded, stream=True)
        except httpx2.TimeoutException:
            return PlainTextResponse("Gateway timeout", 504)
        except httpx2.HTTPError:
            return PlainTextResponse("App is not available", 503)
        headers = {k: v for k, v in response.headers.items() if k not in _NOT_FORWARDED}
        return StreamingResponse(_stream(response), response.status_code, headers)


async def _stream(response: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:  # also if the caller has disconnected, so that the app notices it
        with anyio.CancelScope(shield=True):
            await response.aclose()
