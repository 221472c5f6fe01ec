"""What a workspace says of its people, and the proxy before its apps; on loopback, by script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

WORKSPACE = "900800700600"
CLIENT, SECRET = "8f1c6a52-3d0e-4c7b-9a41-5be0c2d7f913", "a-secret-of-the-client"


@dataclass(frozen=True)
class Person:
    """``opens`` are the paths that this one may look at."""

    id: str
    name: str
    groups: tuple[str, ...] = ("users",)
    opens: tuple[str, ...] = ()


@dataclass
class TinyWorkspace:
    """``people`` by their tokens; ``url`` is set once it serves; ``asked`` are the paths."""

    people: dict[str, Person]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        config, metadata = (
            "/.well-known/databricks-config",
            "/.well-known/oauth-authorization-server",
        )
        return Starlette(
            routes=[
                Route(config, self._config),
                Route(f"/oidc{metadata}", self._metadata),
                Route("/oidc/v1/token", self._token, methods=["POST"]),
                Route("/api/2.0/preview/scim/v2/Me", self._me),
                Route("/api/{rest:path}", self._open, methods=["GET", "HEAD"]),
            ]
        )

    async def _config(self, _: Request) -> JSONResponse:
        return JSONResponse({"oidc_endpoint": f"{self.url}/oidc", "workspace_id": WORKSPACE})

    async def _metadata(self, _: Request) -> JSONResponse:
        place = f"{self.url}/oidc/v1"
        said = {"token_endpoint": f"{place}/token", "authorization_endpoint": f"{place}/authorize"}
        return JSONResponse(said)

    async def _token(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        token = next(token for token, person in self.people.items() if person.name == CLIENT)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    async def _me(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        person = self._person(request)
        if person is None:
            return JSONResponse({"error_code": 401, "message": "Token is expired."}, 401)
        groups = [{"display": group} for group in person.groups]
        said = {"id": person.id, "userName": person.name, "groups": groups}
        return JSONResponse(said, headers={"X-Databricks-Org-Id": WORKSPACE})

    async def _open(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        person = self._person(request)
        if person and request.url.path in person.opens:
            return JSONResponse({})
        said = {"error_code": "PERMISSION_DENIED", "message": "You may not."}
        return JSONResponse(said, 403)

    def _person(self, request: Request) -> Person | None:
        return self.people.get(request.headers.get("authorization", "").removeprefix("Bearer "))


@dataclass
class Proxy:
    """Stands before an app as the platform's does: it asks for a sign-in, or forwards its token.

    ``answer`` is given instead of the app's while it is set.
    """

    app_url: str
    known: Mapping[str, Person]
    answer: Response | None = None

    @property
    def app(self) -> Starlette:
        @asynccontextmanager
        async def life(_: Starlette) -> AsyncIterator[None]:
            async with httpx2.AsyncClient(timeout=60) as self._http:
                yield

        ways = ["GET", "POST", "DELETE"]
        return Starlette(routes=[Route("/{rest:path}", self._pass, methods=ways)], lifespan=life)

    async def _pass(self, request: Request) -> Response:
        if self.answer is not None:
            return self.answer
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.known:
            return RedirectResponse("https://login.example.com/oidc", 302)
        person = self.known[token]
        dropped = ("host", "content-length", "authorization", "connection")
        headers = {
            name: text
            for name, text in request.headers.items()
            if name not in dropped and not name.startswith("x-forwarded-")
        }
        headers |= {"X-Forwarded-Access-Token": token, "X-Forwarded-Email": person.name}
        asked = self._http.build_request(
            request.method,
            f"{self.app_url}{request.url.path}",
            headers=headers,
            content=await request.body(),
        )
        found = await self._http.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for part in found.aiter_raw():
                    yield part
            finally:  # also where the caller went away
                with anyio.CancelScope(shield=True):
                    await found.aclose()

        headers = {name: text for name, text in found.headers.items() if name != "date"}
        return StreamingResponse(body(), found.status_code, headers=headers)


def lines(log: str) -> list[dict[str, object]]:
    """Return the lines of a log that are JSON objects."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]
