"""How an HTTP server tells its callers apart: as an app, by ``[auth]``, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings

from mcp_jobs_server.auth.auth_table import Auth, read_auth
from mcp_jobs_server.auth.bearer import BearerAuthenticator, Verifier
from mcp_jobs_server.auth.caller import Authenticator
from mcp_jobs_server.auth.databricks_app import AppAuthenticator, ForwardedToken
from mcp_jobs_server.auth.local import local_authenticator
from mcp_jobs_server.core.settings import Settings

_NOWHERE = "https://issuer.invalid"
"""Stands for the issuer that static tokens do not have; the SDK wants one and shows it nowhere."""


@dataclass(frozen=True)
class Gate:
    """What stands before ``/mcp``.

    ``verifier`` and ``auth`` are for the MCP SDK's own checks of bearer tokens, ``transport`` for
    those of the headers ``Host`` and ``Origin`` (``None``: only loopback passes).
    """

    authenticator: Authenticator
    tells_apart: bool = False
    verifier: TokenVerifier | None = None
    auth: AuthSettings | None = None
    transport: TransportSecuritySettings | None = None
    middleware: Any = None


def gate_of(settings: Settings, *, port: int = 0, environ: Mapping[str, str] = os.environ) -> Gate:
    """Return the gate for the settings; ``port`` is where the server listens itself.

    Raises:
        InvalidArgument: the table ``[auth]`` cannot be used.
    """
    auth = read_auth(settings.auth_table, environ)
    if settings.app:
        return Gate(
            authenticator=AppAuthenticator(settings),
            tells_apart=True,
            transport=_unchecked(),  # the proxy before an app decides who reaches it, and as what
            middleware=ForwardedToken,
        )
    if auth:
        return Gate(
            authenticator=BearerAuthenticator(settings),
            tells_apart=True,
            verifier=Verifier(auth),
            auth=_auth(auth),
            transport=_deployed(auth.resource, port),
        )
    return Gate(authenticator=local_authenticator(settings))


def _auth(auth: Auth) -> AuthSettings:
    told = {  # as text: the SDK then keeps addresses as they are written, to the last slash
        "issuer_url": auth.issuer or _NOWHERE,
        "resource_server_url": auth.resource if auth.issuer else None,
        "required_scopes": list(auth.scopes),
        "validate_token_resource": bool(auth.issuer),
    }
    return AuthSettings.model_validate(told)


def _deployed(resource: str, port: int) -> TransportSecuritySettings:
    """Take the host of the public address, and this computer's own names.

    Without an address nothing is known to compare with. The token is what protects: a page that
    a browser was led to cannot send it.
    """
    if not resource:
        return _unchecked()
    parts = urlsplit(resource)
    near = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")]
    return TransportSecuritySettings(
        allowed_hosts=[parts.netloc, f"{parts.hostname}:*", *near],
        allowed_origins=[f"{parts.scheme}://{parts.netloc}"],
    )


def _unchecked() -> TransportSecuritySettings:
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)
