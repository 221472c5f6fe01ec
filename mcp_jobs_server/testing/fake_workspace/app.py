"""Routes, identity, faults and the log of requests, put together as one ASGI application."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, denied, of_files
from mcp_jobs_server.testing.fake_workspace.faults import Fault, Faults
from mcp_jobs_server.testing.fake_workspace.files import Files
from mcp_jobs_server.testing.fake_workspace.genie import Genie
from mcp_jobs_server.testing.fake_workspace.identities import Identities
from mcp_jobs_server.testing.fake_workspace.jobs import Jobs
from mcp_jobs_server.testing.fake_workspace.oauth import WORKSPACE_ID, OAuth
from mcp_jobs_server.testing.fake_workspace.platform import Platform
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.unity_catalog import UnityCatalog

Answering = Callable[[Request, Identity, str], Awaitable[Response]]


@dataclass(frozen=True)
class Seen:
    """A request as the workspace saw it; ``who`` is the name of the caller ("" for nobody).

    ``status`` is what was answered, or would have been where the answer was lost.
    """

    method: str
    path: str
    who: str
    status: int
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Services:
    """What answers, by the beginning of the path."""

    identities: Identities
    files: Files
    jobs: Jobs
    catalog: UnityCatalog
    genie: Genie
    oauth: OAuth
    platform: Platform


class App:
    """The workspace over HTTP. ``latency`` in seconds is added to each request."""

    def __init__(self, services: Services) -> None:
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.latency = 0.0
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        who = self._caller(request)
        fault = self.faults.take(request.method, path_of(request), who)
        await request.body()  # a client that is answered too early may lose the answer
        await anyio.sleep(self.latency)
        response = await self._answered(request, who, fault)
        response.headers["X-Databricks-Org-Id"] = WORKSPACE_ID
        await response(scope, receive, send)

    async def _answered(
        self, request: Request, who: Identity | None, fault: Fault | None
    ) -> Response:
        if fault and not fault.is_carried_out:
            response = fault.answer()
            self._note(request, who, response)
            await anyio.sleep(fault.seconds if fault.kind == "hang" else 0)
            return response
        response = await self._answer(request, who)
        self._note(request, who, response)
        match fault.kind if fault else "":
            case "lost answer":
                await anyio.sleep(fault.seconds if fault else 0)
            case "truncated":
                half = bytes(response.body)[: len(bytes(response.body)) // 2]
                return Response(half, response.status_code, media_type="application/json")
            case "unknown words":
                return _unknown(response)
        return response

    def _note(self, request: Request, who: Identity | None, response: Response) -> None:
        query = dict(QueryParams(request.scope["query_string"]))
        name, status = who.name if who else "", response.status_code
        self.requests.append(Seen(request.method, path_of(request), name, status, query))

    def _caller(self, request: Request) -> Identity | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self._services.identities.of(token) if kind == "Bearer" else None

    async def _answer(self, request: Request, who: Identity | None) -> Response:
        try:
            opened = await self._services.oauth.answer(request)
            if opened is not None:
                return opened
            if who is None:
                return _not_known(request)
            return await self._routed(request, who)
        except ApiError as error:
            return error.response()
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            said = f"Could not parse the request: {type(error).__name__}: {error}"
            return ApiError(400, "MALFORMED_REQUEST", said).response()

    async def _routed(self, request: Request, who: Identity) -> Response:
        path = path_of(request)
        for pattern, answer in self._routes():
            if found := re.match(pattern, path):
                return await answer(request, who, path[found.end() :])
        return await self._services.platform.answer(request, who)

    def _routes(self) -> tuple[tuple[str, Answering], ...]:
        services = self._services
        return (
            (r"/api/2\.[0-2]/jobs/", services.jobs.answer),
            (r"/api/2\.0/permissions/jobs/", services.jobs.permissions),
            (r"/api/2\.0/fs/files(?=/)", services.files.file),
            (r"/api/2\.0/fs/directories(?=/)", services.files.directory),
            (r"/api/2\.0/fs/create-\w+-url", _not_enabled),
            (r"/api/2\.1/unity-catalog/", services.catalog.answer),
            (r"/api/2\.0/genie/spaces/", services.genie.answer),
            (r"/api/2\.0/preview/scim/v2/", services.identities.answer),
        )


def path_of(request: Request) -> str:
    """Return the path, decoded; names may hold characters that mean something in a URL."""
    return str(request.scope["path"])


async def _not_enabled(_: Request, __: Identity, ___: str) -> Response:
    raise of_files(
        403, "PERMISSION_DENIED", "Presigned URLs API is not enabled", "API_IS_NOT_ENABLED"
    )


def _not_known(request: Request) -> Response:
    if request.headers.get("authorization"):
        return denied("Invalid access token.").response()
    said = "Credential was not sent or was of an unsupported type for this API."
    return JSONResponse({"error_code": 401, "message": said}, 401)  # a number, as recorded


def _unknown(response: Response) -> Response:
    """Put words that no version knows in the place of those of a run."""
    text = bytes(response.body).decode()
    for name in ("state", "life_cycle_state", "result_state", "code", "type"):
        text = re.sub(rf'"{name}": ?"[A-Z_]+"', f'"{name}":"QUANTUM_FLUX"', text)
    return JSONResponse(json.loads(text), response.status_code)
