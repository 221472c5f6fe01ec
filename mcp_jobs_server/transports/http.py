"""Serves over HTTP: ``/mcp`` for clients, ``/health`` and ``/ready`` for whoever watches it."""

from __future__ import annotations

import logging
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
from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.auth.http_auth import Gate, gate_of
from mcp_jobs_server.core.errors import InvalidArgument, Unavailable
from mcp_jobs_server.core.network import is_loopback
from mcp_jobs_server.core.readiness import PartFaults
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.protocol.server import ResearchServer
from mcp_jobs_server.telemetry.request_log import RequestLog, log_as_json
from research_contract.records import SourceRef

log = logging.getLogger(__name__)

END_WITHIN_SECONDS = 5
"""How long running calls may take to end after SIGTERM; jobs go on in any case."""

READY_SECONDS = 10
"""How long an answer of ``/ready`` is given again."""


def serve(
    settings: Settings, *, host: str, port: int, extra_sources: Sequence[SourceRef] = ()
) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code.

    Raises:
        InvalidArgument: ``host`` is not a loopback address, and nothing tells callers apart:
            everybody who reaches the port would see the same jobs.
    """
    gate = gate_of(settings, port=port)
    if not (is_loopback(host) or gate.tells_apart):
        raise InvalidArgument(
            f"{host} can be reached from other computers, and this server cannot tell callers"
            " apart.",
            "Use --host 127.0.0.1. Or say in the [auth] table of research.toml who may call.",
        )
    if settings.app:
        log_as_json(settings.log_level)
    with _listening(host, port) as listener:
        server = _Server(settings, gate, host=host, extra_sources=extra_sources)
        taken = listener.getsockname()[1]
        if settings.app:
            log.info("serving")
        else:
            print(f"Serving http://{host}:{taken}/mcp", file=sys.stderr, flush=True)  # noqa: T201
        server.run(sockets=[listener])
        return 0 if server.started else 1


class _Server(uvicorn.Server):
    """A server that lets its waiting calls answer before it closes their connections."""

    def __init__(
        self, settings: Settings, gate: Gate, *, host: str, extra_sources: Sequence[SourceRef]
    ) -> None:
        self._research = _research(settings, gate, extra_sources)
        config = partial(
            uvicorn.Config,
            _app(self._research, gate, host=host),
            log_level=settings.log_level.lower(),
            timeout_graceful_shutdown=END_WITHIN_SECONDS,
        )
        # Of an app all lines are of JSON, and its requests have their own, without addresses.
        super().__init__(config(log_config=None, access_log=False) if settings.app else config())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._research.jobs.close()
        await super().shutdown(sockets)


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
    settings: Settings, *, host: str = "127.0.0.1", extra_sources: Sequence[SourceRef] = ()
) -> Starlette:
    """Return the application: stateless, so that any process can answer any call."""
    gate = gate_of(settings)
    return _app(_research(settings, gate, extra_sources), gate, host=host)


def _research(settings: Settings, gate: Gate, extra_sources: Sequence[SourceRef]) -> ResearchServer:
    return ResearchServer(
        partial(open_jobs, settings, extra_sources=extra_sources, same_computer=False),
        authenticator=gate.authenticator,
        verifier=gate.verifier,
        auth=gate.auth,
        log_level=settings.log_level,
    )


def _app(server: ResearchServer, gate: Gate, *, host: str) -> Starlette:
    looked: TtlCache[PartFaults] = TtlCache(seconds=READY_SECONDS, most=1)

    async def ready(_: Request) -> JSONResponse:
        parts = await looked.get("", server.jobs.readiness.check)
        good = not any(parts.values())
        said = {name: fault or "ready" for name, fault in parts.items()}
        return JSONResponse({"ready": good, "parts": said}, status_code=200 if good else 503)

    server.custom_route("/health", methods=["GET"])(_health)
    server.custom_route("/ready", methods=["GET"])(ready)
    made = server.streamable_http_app(
        stateless_http=True, host=host, transport_security=gate.transport
    )
    if gate.middleware is not None:
        made.add_middleware(gate.middleware)
    made.add_middleware(RequestLog)
    return made


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})
