"""Callers of HTTP outside Databricks, told apart by the token that each request bears."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from pydantic import Field

from mcp_jobs_server.auth.auth_table import Auth
from mcp_jobs_server.auth.caller import Caller
from mcp_jobs_server.auth.oidc import Issuer
from mcp_jobs_server.core.errors import JobsError, Unidentified
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.sources.access import AudienceAccess

log = logging.getLogger(__name__)


class Vouched(AccessToken):
    """What a token was found to say: whose it is, and the groups of that one.

    ``token`` stays empty: after the check nobody needs it.
    """

    issuer: str
    groups: tuple[str, ...] = Field(default=())

    @property
    def owner(self) -> Owner:
        return Owner(issuer=self.issuer, subject=self.subject or "")


class Verifier(TokenVerifier):
    """Takes the tokens that ``[auth]`` allows: static ones and those of its issuer."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._issuer = Issuer(auth) if auth.issuer else None

    async def verify_token(self, token: str) -> AccessToken | None:
        if name := _holder(token, self._auth.tokens):
            return self._vouched("token", name, groups=(name,), scopes=self._auth.scopes)
        if self._issuer is None:
            return None
        try:
            claims = await self._issuer.claims(token)
        except JobsError as error:
            log.warning("A token was refused. %s", error.message)
            return None
        groups, scopes = _texts(claims, "groups"), _texts(claims, "scope", "scp")
        found = self._vouched(self._auth.issuer, str(claims["sub"]), groups=groups, scopes=scopes)
        return found.model_copy(update={"expires_at": int(claims["exp"])})

    def _vouched(
        self, issuer: str, subject: str, *, groups: tuple[str, ...], scopes: tuple[str, ...]
    ) -> Vouched:
        return Vouched(
            token="",
            client_id=subject,
            subject=subject,
            issuer=issuer,
            groups=groups,
            scopes=list(scopes),
            resource=self._auth.resource or None,
        )


class BearerAuthenticator:
    """``Authenticator`` whose tokens the MCP SDK's own middleware had verified by ``Verifier``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def caller(self) -> Caller:
        found = get_access_token()
        if not isinstance(found, Vouched):
            raise Unidentified(
                "This request bears no token that tells who is calling.", "Connect anew."
            )
        access = AudienceAccess(
            found.groups,
            configured=self._settings.sources,
            audiences=self._settings.audiences,
        )
        return Caller(owner=found.owner, access=access)


def _holder(token: str, tokens: Mapping[str, str]) -> str:
    """Return whose static token it is; every one is compared, each in constant time."""
    said = token.encode()
    holders = [name for name, known in tokens.items() if hmac.compare_digest(said, known.encode())]
    return holders[0] if holders else ""


def _texts(claims: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Return what a claim lists, be it a list or one text with spaces."""
    said = next((claims[name] for name in names if claims.get(name)), ())
    texts = said.split() if isinstance(said, str) else said
    return tuple(text for text in texts if isinstance(text, str)) if texts else ()
