"""Serves over streamable HTTP: ``/mcp`` for clients, ``/health`` for whoever watches it."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server import __version__
from mcp_jobs_server.backend import open_jobs
from mcp_jobs_server.errors import InvalidArgument, Unavailable
from mcp_jobs_server.server import ResearchServer
from mcp_jobs_server.settings import Settings
from researcher_job.contract import Source

END_WITHIN_SECONDS = 5
"""How long running calls may take to end after SIGTERM; jobs go on in any case."""


def serve(settings: Settings, *, host: str, port: int, extra_sources: Sequence[Source] = ()) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code.

    Raises:
        InvalidArgument: ``host`` is not a loopback address. Without a way to tell who is
            calling, everybody who reaches the port would see the same jobs.
    """
    if not _is_loopback(host):
        raise InvalidArgument(
            f"{host} can be reached from other computers, and this server cannot tell callers"
            " apart.",
            "Use --host 127.0.0.1.",
        )
    with _listening(host, port) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app(settings, host=host, extra_sources=extra_sources),
                log_level=settings.log_level.lower(),
                timeout_graceful_shutdown=END_WITHIN_SECONDS,
            )
        )
        taken = listener.getsockname()[1]
        print(f"Serving http://{host}:{taken}/mcp", file=sys.stderr, flush=True)  # noqa: T201
        server.run(sockets=[listener])
        return 0 if server.started else 1


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, so that a port in use is said in words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: only then does asyncio send small answers without waiting (40 ms) for more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} of {host} cannot be used ({os.strerror(error.errno or 0)}).",
            "End what uses it or choose another with --port; 0 takes any free one.",
        ) from error
    return listener


def app(
    settings: Settings, *, host: str = "127.0.0.1", extra_sources: Sequence[Source] = ()
) -> Starlette:
    """Return the application: stateless, so that any process can answer any call."""
    opening = partial(open_jobs, settings, extra_sources=extra_sources, same_computer=False)
    server = ResearchServer(opening, log_level=settings.log_level)

    server.custom_route("/health", methods=["GET"])(_health)
    return server.streamable_http_app(stateless_http=True, host=host)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
