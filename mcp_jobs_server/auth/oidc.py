"""Verifies tokens of an OpenID Connect issuer: signature, time, issuer and audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from mcp_jobs_server.auth.auth_table import Auth
from mcp_jobs_server.core.errors import Unavailable, Unidentified
from mcp_jobs_server.core.network import is_secure_url
from mcp_jobs_server.core.ttl_cache import TtlCache

if TYPE_CHECKING:
    from jwt import PyJWKClient

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Accepted signature algorithms: those whose signing key only the issuer has."""

LEEWAY_SECONDS = 30
DOCUMENT_CACHE_SECONDS = 3600
KEY_CACHE_SECONDS = 300
TIMEOUT_SECONDS = 10


@dataclass(eq=False)
class OidcIssuer:
    """The configured issuer. Its discovery document and keys are fetched when needed.

    A token with an unknown key id makes the keys be fetched again, at most every 30 seconds.
    """

    auth: Auth
    _keys: TtlCache[PyJWKClient] = field(
        default_factory=lambda: TtlCache(seconds=DOCUMENT_CACHE_SECONDS, most=1), init=False
    )

    async def claims(self, token: str) -> Mapping[str, Any]:
        """Verify a token and return its claims.

        Raises:
            Unidentified: the token is not valid for this server.
            Unavailable: the issuer does not respond.
        """
        keys = await self._keys.get("", self._discover)
        return await anyio.to_thread.run_sync(self._verify, keys, token)

    def _verify(self, keys: PyJWKClient, token: str) -> Mapping[str, Any]:
        import jwt

        try:
            key = keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self.auth.audience or self.auth.resource,
                issuer=self.auth.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("The issuer's keys cannot be read.", "Try again.") from error
        except jwt.PyJWTError as error:
            raise Unidentified(f"{type(error).__name__}.", "Sign in again.") from error
        if not str(claims["sub"]).strip():  # everybody without a subject would be one owner
            raise Unidentified("The token has no subject.", "Sign in again.")
        return claims

    async def _discover(self) -> PyJWKClient:
        import httpx2
        from jwt import PyJWKClient

        url = f"{self.auth.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                document = (await client.get(url)).raise_for_status().json()
            keys_url, issuer = str(document["jwks_uri"]), document["issuer"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unavailable("The issuer's document cannot be read.", "Try again.") from error
        if issuer != self.auth.issuer or not is_secure_url(keys_url):
            raise Unavailable(
                "The issuer's document names another issuer or an insecure key URL.",
                "Check 'issuer' in [auth].",
            )
        return PyJWKClient(keys_url, lifespan=KEY_CACHE_SECONDS, timeout=TIMEOUT_SECONDS)
