"""The proxy that stands before every Databricks App: it signs people in and says who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex

import anyio
import httpx2
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mcp_jobs_server.testing.fake_workspace.identities import Identities
from mcp_jobs_server.testing.fake_workspace.principals import PERSONAL, Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights

LONGEST_SECONDS = 120
"""The proxy gives up a request then [REFERENCE of Databricks Apps]."""

_OWN = ("host", "authorization", "connection", "content-length", "transfer-encoding")


class Front:
    """Passes requests of signed-in people who may use the app on to ``upstream``.

    What a caller says of itself in ``X-Forwarded-…`` is replaced. ``forwards_token`` is whether
    user authorization is on.
    """

    def __init__(self, name: str, upstream: str, identities: Identities, rights: Rights) -> None:
        self.forwards_token = True
        self._name = name
        self._upstream = upstream
        self._identities = identities
        self._rights = rights
        self._client = httpx2.AsyncClient(timeout=LONGEST_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)

    async def aclose(self) -> None:
        """Close the connections to the app."""
        await self._client.aclose()

    async def _answer(self, request: Request) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        who = self._identities.of(token) if kind == "Bearer" else None
        if who is None or token.startswith(PERSONAL):
            return RedirectResponse("/.auth/login", 302)
        if not self._rights.may(who, {"CAN_USE", "CAN_MANAGE"}, f"app {self._name}"):
            return PlainTextResponse("You do not have permission to access this app.", 403)
        return await self._passed(request, who, token)

    async def _passed(self, request: Request, who: Identity, token: str) -> Response:
        asked = self._client.build_request(
            request.method,
            f"{self._upstream}{request.url.path}",
            params=request.query_params,
            headers=self._headers(request, who, token),
            content=await request.body(),
        )
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx2.TimeoutException:
            return PlainTextResponse("Gateway timeout", 504)
        except httpx2.HTTPError:
            return PlainTextResponse("App is not available", 503)
        headers = {name: value for name, value in answer.headers.items() if name not in _OWN}
        return StreamingResponse(_body(answer), answer.status_code, headers)

    def _headers(self, request: Request, who: Identity, token: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name not in _OWN and not name.startswith("x-forwarded-")
        }
        told = {
            "X-Forwarded-Host": request.headers.get("host", ""),
            "X-Forwarded-User": f"{who.id}@900800700600",
            "X-Forwarded-Email": who.name,
            "X-Forwarded-Preferred-Username": who.display,
            "X-Request-Id": token_hex(16),
        }
        return kept | told | ({"X-Forwarded-Access-Token": token} if self.forwards_token else {})


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:  # also where the caller went away: then the app hears of it
        with anyio.CancelScope(shield=True):
            await answer.aclose()
