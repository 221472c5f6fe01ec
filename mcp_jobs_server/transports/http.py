"""HTTP transport: ``/mcp`` for clients, ``/health`` and ``/ready`` for monitoring."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server import __version__
from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.auth.http_auth import HttpAuth, http_auth
from mcp_jobs_server.core.errors import InvalidArgument, Unavailable
from mcp_jobs_server.core.network import is_loopback
from mcp_jobs_server.core.readiness import PartFaults
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.protocol.server import ResearchServer
from mcp_jobs_server.telemetry.request_log import RequestLog, log_as_json
from mcp_jobs_server.transports.connections import BoundedConnection, HangUps
from mcp_jobs_server.transports.hosts import AcceptedHosts, HostCheck
from research_contract.records import SourceRef

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 5
"""How long running calls may take to end after SIGTERM. Jobs continue in any case."""

READY_CACHE_SECONDS = 10
"""How long a result of ``/ready`` is reused."""


def serve(
    settings: Settings, *, host: str, port: int, extra_sources: Sequence[SourceRef] = ()
) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code.

    Raises:
        InvalidArgument: ``host`` is not a loopback address and no authentication is configured,
            so everybody who reaches the port would see the same jobs.
    """
    auth = http_auth(settings)
    family, address = _resolve(host, port)
    is_local = is_loopback(address[0])
    if not (is_local or auth.identifies_callers):
        raise InvalidArgument(
            f"{host} can be reached from other computers, and this server cannot identify its"
            " callers.",
            "Use --host 127.0.0.1, or configure authentication in the [auth] table of"
            " research.toml.",
        )
    if settings.app:
        log_as_json(settings.log_level)
    with _listen(family, address) as listener:
        server = _Server(settings, auth, is_local=is_local, extra_sources=extra_sources)
        actual_port = listener.getsockname()[1]
        if settings.app:
            log.info("serving")
            if is_local:
                log.warning("The proxy of the app cannot reach %s; start with --host 0.0.0.0", host)
        else:
            shown = f"[{host}]" if ":" in host else host
            print(f"Serving http://{shown}:{actual_port}/mcp", file=sys.stderr, flush=True)  # noqa: T201
        server.run(sockets=[listener])
        return 0 if server.started else 1


class _Server(uvicorn.Server):
    """A server that lets waiting calls return before it closes their connections."""

    def __init__(
        self,
        settings: Settings,
        auth: HttpAuth,
        *,
        is_local: bool,
        extra_sources: Sequence[SourceRef],
    ) -> None:
        self._research = ResearchServer(
            partial(open_jobs, settings, extra_sources=extra_sources, same_computer=False),
            authenticator=auth.authenticator,
            verifier=auth.verifier,
            auth=auth.auth,
            log_level=settings.log_level,
        )
        config = partial(
            uvicorn.Config,
            _asgi_app(self._research, settings, auth, is_local=is_local),
            http=BoundedConnection,
            ws="none",
            log_level=settings.log_level.lower(),
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        # An app logs JSON lines only. RequestLog logs its requests, without addresses.
        super().__init__(config(log_config=None, access_log=False) if settings.app else config())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._research.jobs.close()
        await super().shutdown(sockets)


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return the address that a name or any form of an IP address stands for, IPv4 if it can be.

    What is checked is this address, and it is the one that is bound.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InvalidArgument(
            f"{host} is no address of this computer ({error.strerror}).", "Use --host 127.0.0.1."
        ) from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def _listen(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    """Return a listening socket; bind errors are raised as ``Unavailable``."""
    # With an explicit IPPROTO_TCP asyncio sends small answers at once, without waiting 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows this option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {address[1]} of {address[0]} cannot be used ({os.strerror(error.errno or 0)}).",
            "Stop the process that uses it, or choose another port with --port; 0 takes any free"
            " port.",
        ) from error
    return listener


def _asgi_app(
    server: ResearchServer, settings: Settings, auth: HttpAuth, *, is_local: bool
) -> Starlette:
    """Return the application. It is stateless, so that any process can answer any call."""
    readiness: TtlCache[PartFaults] = TtlCache(seconds=READY_CACHE_SECONDS, most=1)

    async def health(_: Request) -> JSONResponse:
        version = {"version": __version__} if is_local else {}
        return JSONResponse({"status": "ok", **version})

    async def ready(_: Request) -> JSONResponse:
        faults = await readiness.get("", server.jobs.readiness.check)
        is_ready = not any(faults.values())
        parts = {name: fault or "ready" for name, fault in faults.items()}
        status = 200 if is_ready else 503
        return JSONResponse({"ready": is_ready, "parts": parts}, status_code=status)

    server.custom_route("/health", methods=["GET"])(health)
    server.custom_route("/ready", methods=["GET"])(ready)
    app = server.streamable_http_app(
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    if auth.middleware is not None:
        app.add_middleware(auth.middleware)
    # Each bind to this computer is checked. On the network there must be something to compare with;
    # without it the token protects, which no other page can send. An app has a proxy that checks.
    accepted = AcceptedHosts(settings.hosts, auth.resource)
    is_checked = not settings.app and (is_local or accepted)
    app.add_middleware(
        HostCheck,
        accepted=accepted if is_checked else None,
        unchecked=() if is_local else ("/health",),
    )
    app.add_middleware(HangUps)
    app.add_middleware(RequestLog)
    return app
