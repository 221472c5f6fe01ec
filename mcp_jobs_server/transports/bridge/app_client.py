"""The way to a Databricks App: requests bear the person's sign-in, refusals are put in words."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER

from mcp_jobs_server.core.errors import JobsError, NotSignedIn
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.transports.bridge.relay import TRUE_VERSION

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

log = logging.getLogger(__name__)

CONNECT_SECONDS = 15
ANSWER_SECONDS = 120
"""The proxy before an app cuts a request then."""

_INTERNAL_ERROR = -32603
_SIGN_IN = "Run `databricks auth login` for its workspace, then try again."
_WORDS: Mapping[int, str] = {
    302: f"The app asks for a sign-in instead of answering. {_SIGN_IN}",
    401: "The app does not take your sign-in: it has expired or is of another workspace. "
    + _SIGN_IN,
    403: "You may not use this app. Ask who runs it for the permission CAN_USE.",
    404: "There is no such app, or it is stopped. Check the address; `databricks apps get NAME`"
    " tells its state.",
    503: "The app does not answer; it may be stopped or starting. Try again in a minute;"
    " `databricks apps start NAME` starts it.",
}


class AppDoor(httpx2.AsyncBaseTransport):
    """Carries requests to an app as the person whom ``sign_in`` gives the workspace of.

    A sign-in that the app does not take is made anew, once for a request.
    """

    def __init__(self, sign_in: Callable[[], Workspace]) -> None:
        self._sign_in = sign_in
        self._workspace = sign_in()
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _set_true_version(request)
        used = self._workspace
        response, fault = await self._once(request, used)
        if fault in (302, 401):
            if self._workspace is used:  # no other request has done it meanwhile
                self._workspace = self._sign_in()
            response, fault = await self._once(request, self._workspace)
        return response

    async def _once(
        self, request: httpx2.Request, workspace: Workspace
    ) -> tuple[httpx2.Response, int]:
        """Return the answer, and what is wrong with it: a key of ``_WORDS``, else 0."""
        try:
            request.headers.update(await workspace.call("sign in", _signed))
            response = await self._inner.handle_async_request(request)
        except JobsError as error:
            return _refused(str(error)), 0
        except httpx2.HTTPError as error:
            log.warning("The app cannot be reached (%s).", type(error).__name__)
            return _refused(_WORDS[503]), 503
        fault = _fault(response)
        if fault:
            await response.aclose()
            return _refused(_WORDS[fault]), fault
        return response, 0

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def opened(door: AppDoor) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client that goes through the door."""
    timeout = httpx2.Timeout(CONNECT_SECONDS, read=ANSWER_SECONDS)
    async with httpx2.AsyncClient(transport=door, timeout=timeout) as client:
        yield client


def _signed(client: WorkspaceClient) -> dict[str, str]:
    """Return the headers of the sign-in, renewed where it was about to expire."""
    if client.config.auth_type == "pat":
        raise NotSignedIn(
            "Apps take no personal access tokens.",
            "Run `databricks auth login --host WORKSPACE --profile NAME`, then use --profile NAME.",
        )
    return dict(client.config.authenticate())


def _set_true_version(request: httpx2.Request) -> None:
    version = request.headers.pop(TRUE_VERSION, None)
    if version:
        request.headers[MCP_PROTOCOL_VERSION_HEADER] = version
    elif version is not None:
        del request.headers[MCP_PROTOCOL_VERSION_HEADER]


def _fault(response: httpx2.Response) -> int:
    """Return what is wrong where the answer is not one of the app's, as a key of ``_WORDS``."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    status = response.status_code
    if 300 <= status < 400 or (status < 300 and kind == "text/html"):
        return 302
    if status < 400 or (kind == "application/json" and status not in (401, 403)):
        return 0  # the app itself speaks
    return status if status in _WORDS else 503


def _refused(words: str) -> httpx2.Response:
    """Return an answer that the SDK's client hands on as an error with these words."""
    error = {"code": _INTERNAL_ERROR, "message": words}
    return httpx2.Response(503, json={"jsonrpc": "2.0", "id": None, "error": error})
