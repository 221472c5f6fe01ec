"""HTTP client for a Databricks App: adds the user's sign-in and explains errors of the proxy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import httpx2
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER

from mcp_jobs_server.core.errors import JobsError, NotSignedIn
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.transports.bridge.relay import VERSION_HEADER

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15
RESPONSE_SECONDS = 120
"""The proxy in front of an app ends a request after this time."""

_INTERNAL_ERROR = -32603
_SIGN_IN = "Run `databricks auth login` for its workspace, then try again."
_MESSAGES: Mapping[int, str] = {
    302: f"The app asks for a sign-in instead of answering. {_SIGN_IN}",
    401: "The app rejects your sign-in: it has expired or belongs to another workspace. "
    + _SIGN_IN,
    403: "You may not use this app. Ask its operator for the permission CAN_USE.",
    404: "There is no such app, or it is stopped. Check the address; `databricks apps get NAME`"
    " shows its state.",
    503: "The app does not respond; it may be stopped or starting. Try again in a minute;"
    " `databricks apps start NAME` starts it.",
}


class AppTransport(httpx2.AsyncBaseTransport):
    """Sends requests to an app as the user that ``sign_in`` signs in.

    If the app rejects the sign-in, the user is signed in again, once per request.
    """

    def __init__(self, sign_in: Callable[[], Workspace]) -> None:
        self._sign_in = sign_in
        self._workspace = sign_in()
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        version = request.headers.pop(VERSION_HEADER, None)
        if version:
            request.headers[MCP_PROTOCOL_VERSION_HEADER] = version
        elif version is not None:
            del request.headers[MCP_PROTOCOL_VERSION_HEADER]
        used = self._workspace
        response, fault = await self._send(request, used)
        if fault in (302, 401):
            if self._workspace is used:  # no other request has signed in meanwhile
                self._workspace = self._sign_in()
            response, fault = await self._send(request, self._workspace)
        return response

    async def _send(
        self, request: httpx2.Request, workspace: Workspace
    ) -> tuple[httpx2.Response, int]:
        """Return the response and its fault: a key of ``_MESSAGES``, or 0 for none."""
        try:
            request.headers.update(await workspace.call("sign in", _sign_in_headers))
            response = await self._inner.handle_async_request(request)
        except JobsError as error:
            return _error_response(str(error)), 0
        except httpx2.HTTPError as error:
            log.warning("The app cannot be reached (%s).", type(error).__name__)
            return _error_response(_MESSAGES[503]), 503
        # What is not from the app itself, as a key of ``_MESSAGES``.
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        status = response.status_code
        if 300 <= status < 400 or (status < 300 and kind == "text/html"):
            fault = 302
        elif status < 400 or (kind == "application/json" and status not in (401, 403)):
            fault = 0  # a response of the app itself
        else:
            fault = status if status in _MESSAGES else 503
        if fault:
            await response.aclose()
            return _error_response(_MESSAGES[fault]), fault
        return response, 0

    async def aclose(self) -> None:
        await self._inner.aclose()


def _sign_in_headers(client: WorkspaceClient) -> dict[str, str]:
    """Return the authentication headers; a token that is about to expire is renewed first."""
    if client.config.auth_type == "pat":
        raise NotSignedIn(
            "Databricks Apps accept no personal access tokens.",
            "Run `databricks auth login --host WORKSPACE --profile NAME`, then use --profile NAME.",
        )
    return dict(client.config.authenticate())


def _error_response(message: str) -> httpx2.Response:
    """Return a response that the SDK's client reports as an error with this message."""
    error = {"code": _INTERNAL_ERROR, "message": message}
    return httpx2.Response(503, json={"jsonrpc": "2.0", "id": None, "error": error})
