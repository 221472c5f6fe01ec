"""An OpenID Connect issuer on loopback: discovery document, keys and tokens for any request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.benchmarks.bare import free_port


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback in a thread; yield its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Issuer:
    """``url`` is set once it serves; ``asked`` counts requests by path."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    _keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Replace the signing key."""
        self._keys = {f"key-{time.monotonic_ns()}": rsa.generate_private_key(65537, 2048)}

    def token(self, subject: str, audience: str, **said: object) -> str:
        """Return a signed token; ``said`` overrides its default claims."""
        [(name, key)] = self._keys.items()
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "exp": now + 300,
            "scope": "jobs",
            **said,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": name})

    @property
    def app(self) -> Starlette:
        document = "/.well-known/openid-configuration"
        metadata = "/.well-known/oauth-authorization-server"
        return Starlette(
            routes=[
                Route(document, self._document),
                Route(metadata, self._document),
                Route("/keys", self._jwks),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _document(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        said = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return JSONResponse(said)

    async def _jwks(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        return JSONResponse({"keys": [_public(name, key) for name, key in self._keys.items()]})

    async def _token(self, request: Request) -> JSONResponse:
        self.asked.append(request.url.path)
        form = await request.form()
        token = self.token("ana", str(form["resource"]), groups=["staff"])
        return JSONResponse({"access_token": token, "token_type": "Bearer", "scope": "jobs"})


def _public(name: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    return {**said, "kid": name, "alg": "RS256", "use": "sig"}


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    with serving(issuer.app) as url:
        issuer.url = url
        yield issuer
