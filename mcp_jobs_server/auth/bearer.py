"""Identifies HTTP callers outside Databricks by the bearer token of each request."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from pydantic import Field

from mcp_jobs_server.auth.auth_table import Auth
from mcp_jobs_server.auth.caller import Caller
from mcp_jobs_server.auth.oidc import OidcIssuer
from mcp_jobs_server.core.errors import JobsError, Unidentified
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.sources.access import AudienceAccess

log = logging.getLogger(__name__)


class VerifiedToken(AccessToken):
    """The identity and groups that a verified token stands for.

    ``token`` stays empty, because it is not needed after verification.
    """

    issuer: str
    groups: tuple[str, ...] = Field(default=())


class BearerTokenVerifier(TokenVerifier):
    """Accepts the tokens that ``[auth]`` allows: static tokens and those of its issuer."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._issuer = OidcIssuer(auth) if auth.issuer else None

    async def verify_token(self, token: str) -> AccessToken | None:
        # Every static token is compared, each in constant time, so that timing reveals nothing.
        names = [
            name
            for name, known in self._auth.tokens.items()
            if hmac.compare_digest(token.encode(), known.encode())
        ]
        expires_at = None
        groups: tuple[str, ...]
        if names:
            issuer, subject, groups, scopes = "token", names[0], (names[0],), self._auth.scopes
        elif self._issuer is None:
            return None
        else:
            try:
                claims = await self._issuer.claims(token)
            except JobsError as error:
                log.warning("A token was rejected. %s", error.message)
                return None
            issuer, subject = self._auth.issuer, str(claims["sub"])
            groups = _texts(claims.get("groups"))
            said = claims.get("scope") or claims.get("scp")
            # One string separated by spaces (RFC 9068), or a list.
            scopes = tuple(said.split()) if isinstance(said, str) else _texts(said)
            expires_at = int(claims["exp"])
        return VerifiedToken(
            token="",
            client_id=subject,
            subject=subject,
            issuer=issuer,
            groups=groups,
            scopes=list(scopes),
            resource=self._auth.resource or None,
            expires_at=expires_at,
        )


@dataclass(eq=False)
class BearerAuthenticator:
    """``Authenticator`` for requests whose token the MCP SDK verified with the verifier above."""

    settings: Settings

    async def caller(self) -> Caller:
        token = get_access_token()
        if not isinstance(token, VerifiedToken):
            raise Unidentified(
                "This request has no token that identifies the caller.", "Reconnect the client."
            )
        access = AudienceAccess(
            token.groups,
            configured=self.settings.sources,
            audiences=self.settings.audiences,
        )
        return Caller(Owner(issuer=token.issuer, subject=token.subject or ""), access)


def _texts(value: object) -> tuple[str, ...]:
    """Return the strings of a list; a single string, which may contain spaces, is one text."""
    texts = value if isinstance(value, list) else [value]
    return tuple(text for text in texts if isinstance(text, str) and text)
