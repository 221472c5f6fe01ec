"""Selects how an HTTP server identifies callers: as an app, by ``[auth]``, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings

from mcp_jobs_server.auth.auth_table import read_auth
from mcp_jobs_server.auth.bearer import BearerAuthenticator, BearerTokenVerifier
from mcp_jobs_server.auth.caller import Authenticator
from mcp_jobs_server.auth.databricks_app import AppAuthenticator, ForwardedToken
from mcp_jobs_server.auth.local import local_authenticator
from mcp_jobs_server.core.settings import Settings

_NO_ISSUER = "https://issuer.invalid"
"""Placeholder for static tokens, which have no issuer. The SDK requires one and never shows it."""

_UNCHECKED = TransportSecuritySettings(enable_dns_rebinding_protection=False)


@dataclass(frozen=True)
class HttpAuth:
    """Authentication in front of ``/mcp``.

    ``verifier`` and ``auth`` configure the MCP SDK's check of bearer tokens, ``transport`` its
    check of the headers ``Host`` and ``Origin`` (``None``: only loopback hosts are accepted).
    """

    authenticator: Authenticator
    identifies_callers: bool = False
    verifier: TokenVerifier | None = None
    auth: AuthSettings | None = None
    transport: TransportSecuritySettings | None = None
    middleware: Any = None


def http_auth(
    settings: Settings, *, port: int = 0, environ: Mapping[str, str] = os.environ
) -> HttpAuth:
    """Return the authentication for the settings; ``port`` is where the server itself listens.

    Raises:
        InvalidArgument: the table ``[auth]`` is invalid.
    """
    auth = read_auth(settings.auth_table, environ)
    if settings.app:
        return HttpAuth(
            authenticator=AppAuthenticator(settings),
            identifies_callers=True,
            transport=_UNCHECKED,  # the proxy in front of an app decides which requests reach it
            middleware=ForwardedToken,
        )
    if not auth:
        return HttpAuth(authenticator=local_authenticator(settings))
    sdk_settings = {  # as strings, because the SDK then keeps URLs exactly as written
        "issuer_url": auth.issuer or _NO_ISSUER,
        "resource_server_url": auth.resource if auth.issuer else None,
        "required_scopes": list(auth.scopes),
        "validate_token_resource": bool(auth.issuer),
    }
    return HttpAuth(
        authenticator=BearerAuthenticator(settings),
        identifies_callers=True,
        verifier=BearerTokenVerifier(auth),
        auth=AuthSettings.model_validate(sdk_settings),
        transport=_accepted_hosts(auth.resource, port),
    )


def _accepted_hosts(resource: str, port: int) -> TransportSecuritySettings:
    """Accept the host of the public URL and the loopback names of this computer.

    Without a public URL there is nothing to compare with, so nothing is checked. The token protects
    the server in any case: a malicious page in a browser cannot send it.
    """
    if not resource:
        return _UNCHECKED
    parts = urlsplit(resource)
    loopback = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")]
    return TransportSecuritySettings(
        allowed_hosts=[parts.netloc, f"{parts.hostname}:*", *loopback],
        allowed_origins=[f"{parts.scheme}://{parts.netloc}"],
    )
