"""Which hosts and origins an HTTP server answers: the check against DNS rebinding.

A web page may resolve its own name to the address of this server, so that the browser of a person
sends its requests here. Such a request has the host of the page in ``Host`` or ``Origin``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_jobs_server.core.network import is_loopback, split_host

_ORIGIN = re.compile(r"(https?)://([^/]+)")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

UNKNOWN_HOST = (
    "This server does not answer requests for this host (the header Host). If a proxy, a container"
    " or another name leads here, add that host to MCP_JOBS_HOSTS, such as"
    " MCP_JOBS_HOSTS=research.example.com, and restart the server.\n"
)
OTHER_ORIGIN = (
    "This server does not answer web pages of other origins (the header Origin), and never sends"
    " Access-Control-Allow-Origin. Use a client outside the browser. If the page has the same host"
    " as this server, add that host to MCP_JOBS_HOSTS and restart the server.\n"
)


@dataclass(frozen=True)
class AcceptedHosts:
    """The loopback names of this computer, the configured hosts, and the host of the public URL.

    ``named`` are configured hosts, each with or without a port; without one every port is accepted.
    ``resource`` is the public URL of ``/mcp``, if there is one.
    """

    named: Sequence[str] = ()
    resource: str = ""

    def __bool__(self) -> bool:
        return bool(self.named or self.resource)

    def host(self, value: str) -> bool:
        """Return whether the header ``Host`` names this server; any port of the public URL does."""
        found, public = split_host(value), split_host(urlsplit(self.resource).netloc)
        return self._is_known(found) or bool(found and public and found[0] == public[0])

    def origin(self, value: str) -> bool:
        """Return whether the header ``Origin`` is that of a page of this server."""
        match = _ORIGIN.fullmatch(value.lower())
        if match is None:
            return False
        public = urlsplit(self.resource.lower())
        return self._is_known(split_host(match[2])) or (
            bool(self.resource)
            and _with_port(match[1], match[2]) == _with_port(public.scheme, public.netloc)
        )

    def _is_known(self, found: tuple[str, str] | None) -> bool:
        return found is not None and (
            is_loopback(found[0])
            or any(split_host(known) in (found, (found[0], "")) for known in self.named)
        )


def _with_port(scheme: str, host: str) -> tuple[str, str, str] | None:
    """Return an origin with its port written out (RFC 6454, section 4); ``None`` if it is none."""
    found = split_host(host)
    return (scheme, found[0], found[1] or _DEFAULT_PORTS.get(scheme, "")) if found else None


@dataclass(eq=False)
class HostCheck:
    """ASGI middleware that refuses requests for other hosts and from pages of other origins.

    ``accepted`` is ``None`` where a proxy or a token decides which requests reach the server; even
    then the preflight request of a page is refused in words. ``unchecked`` are paths for probes,
    which use the address of the server as host.
    """

    app: ASGIApp
    _: KW_ONLY
    accepted: AcceptedHosts | None
    unchecked: Sequence[str] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if self.accepted is not None and scope["path"] not in self.unchecked:
            if not all(map(self.accepted.host, headers.getlist("host") or [""])):
                return PlainTextResponse(UNKNOWN_HOST, 421)
            if not all(map(self.accepted.origin, headers.getlist("origin"))):
                return PlainTextResponse(OTHER_ORIGIN, 403)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return PlainTextResponse(OTHER_ORIGIN, 403)
        return None
