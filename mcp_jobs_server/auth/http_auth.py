"""Selects how an HTTP server identifies callers: as an app, by ``[auth]``, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings

from mcp_jobs_server.auth.auth_table import read_auth
from mcp_jobs_server.auth.bearer import BearerAuthenticator, BearerTokenVerifier
from mcp_jobs_server.auth.caller import Authenticator
from mcp_jobs_server.auth.databricks_app import AppAuthenticator, ForwardedToken
from mcp_jobs_server.auth.local import local_authenticator
from mcp_jobs_server.core.settings import Settings

_NO_ISSUER = "https://issuer.invalid"
"""Placeholder for static tokens, which have no issuer. The SDK requires one and never shows it."""


@dataclass(frozen=True)
class HttpAuth:
    """Authentication in front of ``/mcp``.

    ``verifier`` and ``auth`` configure the MCP SDK's check of bearer tokens. ``resource`` is the
    public URL of ``/mcp``, if one is configured.
    """

    authenticator: Authenticator
    identifies_callers: bool = False
    verifier: TokenVerifier | None = None
    auth: AuthSettings | None = None
    resource: str = ""
    middleware: Any = None


def http_auth(settings: Settings, *, environ: Mapping[str, str] = os.environ) -> HttpAuth:
    """Return the authentication for the settings.

    Raises:
        InvalidArgument: the table ``[auth]`` is invalid.
    """
    auth = read_auth(settings.auth_table, environ)
    if settings.app:
        return HttpAuth(
            authenticator=AppAuthenticator(settings),
            identifies_callers=True,
            middleware=ForwardedToken,
        )
    if not auth:
        return HttpAuth(authenticator=local_authenticator(settings), resource=auth.resource)
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
        resource=auth.resource,
    )
