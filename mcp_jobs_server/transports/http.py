"""HTTP transport: ``/mcp`` for clients, ``/health`` and ``/ready`` for monitoring."""

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
from mcp_jobs_server.auth.http_auth import HttpAuth, http_auth
from mcp_jobs_server.core.errors import InvalidArgument, Unavailable
from mcp_jobs_server.core.network import is_loopback
from mcp_jobs_server.core.readiness import PartFaults
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.protocol.server import ResearchServer
from mcp_jobs_server.telemetry.request_log import RequestLog, log_as_json
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
    auth = http_auth(settings, port=port)
    if not (is_loopback(host) or auth.identifies_callers):
        raise InvalidArgument(
            f"{host} can be reached from other computers, and this server cannot identify its"
            " callers.",
            "Use --host 127.0.0.1, or configure authentication in the [auth] table of"
            " research.toml.",
        )
    if settings.app:
        log_as_json(settings.log_level)
    with _listen(host, port) as listener:
        server = _Server(settings, auth, host=host, extra_sources=extra_sources)
        actual_port = listener.getsockname()[1]
        if settings.app:
            log.info("serving")
            if is_loopback(host):
                log.warning("The proxy of the app cannot reach %s; start with --host 0.0.0.0", host)
        else:
            print(f"Serving http://{host}:{actual_port}/mcp", file=sys.stderr, flush=True)  # noqa: T201
        server.run(sockets=[listener])
        return 0 if server.started else 1


class _Server(uvicorn.Server):
    """A server that lets waiting calls return before it closes their connections."""

    def __init__(
        self, settings: Settings, auth: HttpAuth, *, host: str, extra_sources: Sequence[SourceRef]
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
            _asgi_app(self._research, auth, host=host),
            log_level=settings.log_level.lower(),
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        # An app logs JSON lines only. RequestLog logs its requests, without addresses.
        super().__init__(config(log_config=None, access_log=False) if settings.app else config())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._research.jobs.close()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; bind errors are raised as ``Unavailable``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With an explicit IPPROTO_TCP asyncio sends small answers at once, without waiting 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows this option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} of {host} cannot be used ({os.strerror(error.errno or 0)}).",
            "Stop the process that uses it, or choose another port with --port; 0 takes any free"
            " port.",
        ) from error
    return listener


def _asgi_app(server: ResearchServer, auth: HttpAuth, *, host: str) -> Starlette:
    """Return the application. It is stateless, so that any process can answer any call."""
    readiness: TtlCache[PartFaults] = TtlCache(seconds=READY_CACHE_SECONDS, most=1)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(_: Request) -> JSONResponse:
        faults = await readiness.get("", server.jobs.readiness.check)
        is_ready = not any(faults.values())
        parts = {name: fault or "ready" for name, fault in faults.items()}
        status = 200 if is_ready else 503
        return JSONResponse({"ready": is_ready, "parts": parts}, status_code=status)

    server.custom_route("/health", methods=["GET"])(health)
    server.custom_route("/ready", methods=["GET"])(ready)
    app = server.streamable_http_app(
        stateless_http=True, host=host, transport_security=auth.transport
    )
    if auth.middleware is not None:
        app.add_middleware(auth.middleware)
    app.add_middleware(RequestLog)
    return app
