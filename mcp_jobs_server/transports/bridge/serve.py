"""``serve --app``: everything that a client says over stdio is passed on to a Databricks App.

It has no rights, jobs or sources of its own: the app sees the person whose sign-in it bears.
Each message is a request of its own, so an app that was away is there again with the next one.
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
from mcp_jobs_server.transports.stdio import end_on_signals, take_wire

if TYPE_CHECKING:
    from anyio import AsyncFile

log = logging.getLogger(__name__)

_APPS = re.compile(r"(?:[a-z0-9-]+\.)+databricksapps\.(?:com|us|mil|cn)", re.ASCII)


def serve(url: str, *, profile: str, log_level: str = "WARNING") -> int:
    """Serve one client until it goes; return the exit code.

    ``profile`` is one of ``~/.databrickscfg``, whose sign-in is used; "" is what the environment
    says.

    Raises:
        InvalidArgument: ``url`` is no address of an app.
    """
    place = endpoint(url)
    wire_in, wire_out = take_wire()
    end_on_signals()
    if profile:
        os.environ["DATABRICKS_CONFIG_PROFILE"] = profile
    logging.basicConfig(level=log_level, stream=sys.stderr)

    import anyio

    try:
        anyio.run(_serve, place, anyio.wrap_file(wire_in), anyio.wrap_file(wire_out))
    except* (BrokenPipeError, ConnectionResetError):
        log.info("the client went away in the middle of an answer")
    return 0


def endpoint(url: str) -> str:
    """Return the address of the app's ``/mcp``.

    The sign-in opens the whole workspace, so it is sent to apps only.

    Raises:
        InvalidArgument: it is not the https address of an app.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    host = parts.hostname or ""
    app = parts.scheme == "https" and _APPS.fullmatch(host)
    if not (app or (parts.scheme in ("http", "https") and is_loopback(host))):
        raise InvalidArgument(
            f"{url[:200]!r} is not the address of a Databricks App.",
            "It looks like https://NAME-NUMBER.databricksapps.com; `databricks apps get NAME`"
            " tells it.",
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/mcp') else path + '/mcp'}"


async def _serve(place: str, wire_in: AsyncFile[str], wire_out: AsyncFile[str]) -> None:
    from mcp.client.streamable_http import streamable_http_client
    from mcp.server.stdio import stdio_server

    from mcp_jobs_server.databricks.workspace import Workspace
    from mcp_jobs_server.transports.bridge.app_client import AppDoor, opened
    from mcp_jobs_server.transports.bridge.relay import pass_on

    async with (
        stdio_server(wire_in, wire_out) as client,
        opened(AppDoor(Workspace.from_environment)) as http,
        streamable_http_client(place, http_client=http) as app,
    ):
        await pass_on(client, app)
