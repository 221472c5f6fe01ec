"""Tokens of an OpenID Connect issuer: signature, time, issuer and audience."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from mcp_jobs_server.auth.auth_table import Auth
from mcp_jobs_server.core.errors import Unavailable, Unidentified
from mcp_jobs_server.core.network import is_loopback
from mcp_jobs_server.core.ttl_cache import TtlCache

if TYPE_CHECKING:
    from jwt import PyJWKClient

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that are taken: those made with a key that only the issuer has."""

LEEWAY_SECONDS = 30
DOCUMENT_SECONDS = 3600
KEY_SECONDS = 300
ANSWER_WITHIN_SECONDS = 10


class Issuer:
    """An issuer that the configuration names. Its document and its keys are fetched when needed.

    A token that names an unknown key has the keys fetched anew, at most every 30 seconds.
    """

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._keys: TtlCache[PyJWKClient] = TtlCache(seconds=DOCUMENT_SECONDS, most=1)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """Return what a token says.

        Raises:
            Unidentified: it is not valid here. Unavailable: the issuer does not answer.
        """
        keys = await self._keys.get("", self._discovered)
        return await anyio.to_thread.run_sync(self._verified, keys, token)

    def _verified(self, keys: PyJWKClient, token: str) -> Mapping[str, Any]:
        import jwt

        try:
            key = keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._auth.audience or self._auth.resource,
                issuer=self._auth.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Unavailable("The issuer's keys cannot be read.", "Try again.") from error
        except jwt.PyJWTError as error:
            raise Unidentified(f"{type(error).__name__}.", "Sign in again.") from error
        return claims

    async def _discovered(self) -> PyJWKClient:
        import httpx2
        from jwt import PyJWKClient

        place = f"{self._auth.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=ANSWER_WITHIN_SECONDS) as client:
                document = (await client.get(place)).raise_for_status().json()
            keys, says = document["jwks_uri"], document["issuer"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Unavailable("The issuer's document cannot be read.", "Try again.") from error
        if says != self._auth.issuer or not _is_safe(str(keys)):
            raise Unavailable("The issuer's document is not its own.", "Check 'issuer' in [auth].")
        return PyJWKClient(str(keys), lifespan=KEY_SECONDS, timeout=ANSWER_WITHIN_SECONDS)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
