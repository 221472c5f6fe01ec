"""``serve --app``: forwards all messages of a stdio client to a Databricks App.

The bridge has no rights, jobs or sources of its own: the app identifies the user by the sign-in
that each request carries. Each message is a separate request, so after an outage of the app the
next message works again.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.network import is_loopback
from mcp_jobs_server.transports.stdio import exit_on_signals, take_standard_streams

if TYPE_CHECKING:
    from anyio import AsyncFile

log = logging.getLogger(__name__)

_APPS = re.compile(r"(?:[a-z0-9-]+\.)+databricksapps\.(?:com|us|mil|cn)", re.ASCII)


def serve(url: str, *, profile: str, log_level: str = "WARNING") -> int:
    """Serve one client until it disconnects; return the exit code.

    ``profile`` names the profile of ``~/.databrickscfg`` to sign in with; "" means the
    credentials of the environment.

    Raises:
        InvalidArgument: ``url`` is not the address of an app.
    """
    mcp_url = endpoint(url)
    protocol_in, protocol_out = take_standard_streams()
    exit_on_signals()
    if profile:
        os.environ["DATABRICKS_CONFIG_PROFILE"] = profile
    logging.basicConfig(level=log_level, stream=sys.stderr)

    import anyio

    try:
        anyio.run(_serve, mcp_url, anyio.wrap_file(protocol_in), anyio.wrap_file(protocol_out))
    except* (BrokenPipeError, ConnectionResetError):
        log.info("the client disconnected during an answer")
    return 0


def endpoint(url: str) -> str:
    """Return the URL of the app's ``/mcp``.

    The sign-in gives access to the whole workspace, so it is sent to Databricks Apps only
    (and to loopback addresses, for tests).

    Raises:
        InvalidArgument: ``url`` is not the https address of an app.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host = parts.hostname or ""
    app = parts.scheme == "https" and _APPS.fullmatch(host)
    if not (app or (parts.scheme in ("http", "https") and is_loopback(host))):
        raise InvalidArgument(
            f"{url[:200]!r} is not the address of a Databricks App.",
            "It looks like https://NAME-NUMBER.databricksapps.com; `databricks apps get NAME`"
            " shows it.",
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/mcp') else path + '/mcp'}"


async def _serve(url: str, protocol_in: AsyncFile[str], protocol_out: AsyncFile[str]) -> None:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.stdio import stdio_server

    from mcp_jobs_server.databricks.workspace import Workspace
    from mcp_jobs_server.transports.bridge.app_client import (
        CONNECT_SECONDS,
        RESPONSE_SECONDS,
        AppTransport,
    )
    from mcp_jobs_server.transports.bridge.relay import relay

    transport = AppTransport(Workspace.from_environment)
    timeout = httpx2.Timeout(CONNECT_SECONDS, read=RESPONSE_SECONDS)
    async with (
        stdio_server(protocol_in, protocol_out) as client,
        httpx2.AsyncClient(transport=transport, timeout=timeout) as http,
        streamable_http_client(url, http_client=http) as app,
    ):
        await relay(client, app)
