"""OAuth sign-in: service principals by their secret, people in a browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identities, Identity

WORKSPACE_ID = "900800700600"
ACCOUNT_ID = "4b9b953e-939c-4d69-9c9f-2f6c5e5b7a10"
_LOOPBACK = ("http://localhost:", "http://127.0.0.1:")


@dataclass(frozen=True)
class _Consent:
    """The consent behind an authorization code, which is valid once, with the PKCE verifier."""

    identity: Identity
    challenge: str
    redirect_uri: str


@dataclass(eq=False)
class OAuth:
    """The OAuth endpoints of a workspace, which need no token.

    ``at_browser`` is the person signed in at the browser; if it is ``None``, consent is refused.
    ``refreshed`` counts the access tokens issued for refresh tokens.
    """

    identities: Identities
    host: str = field(default="", init=False)
    at_browser: Identity | None = field(default=None, init=False)
    refreshed: int = field(default=0, init=False)
    _codes: dict[str, _Consent] = field(default_factory=dict, init=False)
    _refresh_tokens: dict[str, Identity] = field(default_factory=dict, init=False)

    async def handle(self, request: Request) -> Response | None:
        """Respond to a request that needs no token; return ``None`` for any other."""
        match request.method, request.url.path:
            case "GET", "/.well-known/databricks-config":
                return JSONResponse(
                    {
                        "oidc_endpoint": f"{self.host}/oidc",
                        "account_id": ACCOUNT_ID,
                        "workspace_id": WORKSPACE_ID,
                        "cloud": "AWS",
                    }
                )
            case "GET", "/oidc/.well-known/oauth-authorization-server":
                return JSONResponse(
                    {
                        "authorization_endpoint": f"{self.host}/oidc/v1/authorize",
                        "token_endpoint": f"{self.host}/oidc/v1/token",
                    }
                )
            case "GET", "/oidc/v1/authorize":
                return self._authorize(request)
            case "POST", "/oidc/v1/token":
                return await self._token(request)
        return None

    def _authorize(self, request: Request) -> Response:
        """Redirect the browser with an authorization code, to a loopback address only."""
        query = request.query_params
        redirect_uri, challenge = query.get("redirect_uri", ""), query.get("code_challenge", "")
        if not redirect_uri.startswith(_LOOPBACK) or query.get("code_challenge_method") != "S256":
            return _error("invalid_request", "a loopback redirect_uri and S256 are needed", 400)
        result = {"state": query.get("state", "")}
        if self.at_browser is None:
            result |= {"error": "access_denied", "error_description": "nobody signed in"}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = _Consent(self.at_browser, challenge, redirect_uri)
            result["code"] = code
        return RedirectResponse(f"{redirect_uri}?{urlencode(result)}", 302)

    async def _token(self, request: Request) -> Response:
        """Exchange a code, a refresh token or the secret of a service principal for a token."""
        fields = parse_qs((await request.body()).decode())
        form = {name: values[-1] for name, values in fields.items()}
        identity: Identity | None
        match form.get("grant_type"):
            case "authorization_code":
                consent = self._codes.pop(form.get("code", ""), None)
                digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
                proof = (challenge, form.get("redirect_uri"))
                if consent is None or proof != (consent.challenge, consent.redirect_uri):
                    return _error("invalid_grant", "The code or its verifier is wrong", 400)
                identity = consent.identity
            case "refresh_token":
                identity = self._refresh_tokens.get(form.get("refresh_token", ""))
                if identity is None:
                    return _error("invalid_grant", "Refresh token is invalid", 400)
                self.refreshed += 1
            case _:
                scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
                try:
                    name, _, secret = (
                        base64.b64decode(encoded, validate=True).decode().partition(":")
                    )
                except ValueError:
                    name = secret = ""
                for identity in self.identities.all:
                    expected = (identity.client_id, identity.client_secret)
                    if scheme == "Basic" and secret and (name, secret) == expected:
                        return self._access_token(identity)
                return _error("invalid_client", "Client authentication failed", 401)
        refresh_token = f"doau-fake-{secrets.token_hex(16)}"
        self._refresh_tokens[refresh_token] = identity
        return self._access_token(identity, refresh_token=refresh_token)

    def _access_token(self, identity: Identity, **more: str) -> Response:
        return JSONResponse(
            {
                "access_token": self.identities.sign_in(identity),
                "expires_in": int(self.identities.token_seconds),
                "scope": "all-apis",
                "token_type": "Bearer",
                **more,
            }
        )


def _error(error: str, description: str, status: int) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
