"""The HTTP interface of the workspace: authentication, routes, faults and the request log."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import anyio
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, files_error, permission_denied
from mcp_jobs_server.testing.fake_workspace.faults import Faults
from mcp_jobs_server.testing.fake_workspace.files import Files
from mcp_jobs_server.testing.fake_workspace.genie import Genie
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identities, Identity
from mcp_jobs_server.testing.fake_workspace.identity.oauth import WORKSPACE_ID, OAuth
from mcp_jobs_server.testing.fake_workspace.identity.scim import Scim
from mcp_jobs_server.testing.fake_workspace.jobs.api import Jobs
from mcp_jobs_server.testing.fake_workspace.platform import Platform
from mcp_jobs_server.testing.fake_workspace.unity_catalog.api import UnityCatalog

Handler = Callable[[Request, Identity, str], Awaitable[Response]]
"""Responds to a request of a caller; the text is the rest of the path behind the route."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request in the log. ``who`` is the name of the caller, empty without a valid token.

    ``status`` is the status of the response, also if a fault lost that response. The request came
    at ``began`` and was answered at ``ended``: seconds, of which only differences count.
    """

    method: str
    path: str
    who: str
    status: int
    query: Mapping[str, str] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0


def one_after_another(requests: Iterable[LoggedRequest]) -> int:
    """Return the length of the longest chain of requests each of which began after the last ended.

    Requests made side by side count as one. Give the workspace a ``latency``, so that they overlap.
    """
    length, last = 0, float("-inf")
    for one in sorted(requests, key=lambda one: one.ended):
        if one.began >= last:
            length, last = length + 1, one.ended
    return length


@dataclass
class Services:
    """The APIs of the workspace."""

    identities: Identities
    files: Files
    jobs: Jobs
    catalog: UnityCatalog
    genie: Genie
    oauth: OAuth
    platform: Platform


class HttpApi:
    """The workspace as an ASGI application. ``latency`` in seconds is added to each request."""

    def __init__(self, services: Services) -> None:
        self.faults = Faults()
        self.requests: list[LoggedRequest] = []
        self.latency = 0.0
        self._services = services
        self._routes: tuple[tuple[str, Handler], ...] = (
            (r"/api/2\.[0-2]/jobs/", services.jobs.handle),
            (r"/api/2\.0/permissions/jobs/", services.jobs.permissions),
            (r"/api/2\.0/fs/files(?=/)", services.files.file),
            (r"/api/2\.0/fs/directories(?=/)", services.files.directory),
            (r"/api/2\.1/unity-catalog/", services.catalog.handle),
            (r"/api/2\.0/genie/spaces/", services.genie.handle),
            (r"/api/2\.0/preview/scim/v2/", Scim(services.identities).handle),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, request = time.monotonic(), Request(scope, receive)
        method, path = request.method, str(scope["path"])
        authorization = request.headers.get("authorization", "")
        caller = self._services.identities.authenticate(authorization)
        fault = self.faults.take(method, path, caller)
        await request.body()  # a client may lose a response that is sent before it has been read
        await anyio.sleep(self.latency)
        if fault and not fault.executes_request:
            response = fault.error_response()
        else:
            response = await self._respond(request, caller)
        who, query = caller.name if caller else "", dict(QueryParams(scope["query_string"]))
        ended, status = time.monotonic(), response.status_code
        self.requests.append(LoggedRequest(method, path, who, status, query, began, ended))
        if fault:
            response = await fault.apply(response)
        response.headers["X-Databricks-Org-Id"] = WORKSPACE_ID
        await response(scope, receive, send)

    async def _respond(self, request: Request, caller: Identity | None) -> Response:
        try:
            response = await self._services.oauth.handle(request)
            if response is not None:
                return response
            if caller is None and request.headers.get("authorization"):
                raise permission_denied("Invalid access token.")
            if caller is None:
                message = "Credential was not sent or was of an unsupported type for this API."
                return JSONResponse({"error_code": 401, "message": message}, 401)  # as recorded
            # The decoded path of the scope: names in it may contain characters such as "?" and "#".
            path = str(request.scope["path"])
            if re.match(r"/api/2\.0/fs/create-\w+-url", path):
                message, reason = "Presigned URLs API is not enabled", "API_IS_NOT_ENABLED"
                raise files_error(403, "PERMISSION_DENIED", message, reason)
            for pattern, handler in self._routes:
                if match := re.match(pattern, path):
                    return await handler(request, caller, path[match.end() :])
            return await self._services.platform.handle(request, caller, path)
        except ApiError as error:
            return error.response()
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            message = f"Could not parse the request: {type(error).__name__}: {error}"
            return ApiError(400, "MALFORMED_REQUEST", message).response()
