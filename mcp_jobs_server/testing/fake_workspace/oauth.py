"""How one signs in: principals with a secret, people in a browser."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from mcp_jobs_server.testing.fake_workspace.identities import Identities
from mcp_jobs_server.testing.fake_workspace.principals import Identity

WORKSPACE_ID = "900800700600"
ACCOUNT_ID = "4b9b953e-939c-4d69-9c9f-2f6c5e5b7a10"
_LOOPBACK = ("http://localhost:", "http://127.0.0.1:")


@dataclass(frozen=True)
class _Consent:
    """What a code was given for: it is taken once, from who shows the verifier."""

    who: Identity
    challenge: str
    redirect: str


class OAuth:
    """The OAuth endpoints of a workspace, which need no token.

    ``at_browser`` is who is signed in wherever a browser is opened; ``None``: nobody, and consent
    is refused. ``refreshed`` counts the tokens that were given for a refresh token.
    """

    def __init__(self, identities: Identities) -> None:
        self.host = ""
        self.at_browser: Identity | None = None
        self.refreshed = 0
        self._identities = identities
        self._codes: dict[str, _Consent] = {}
        self._refresh_tokens: dict[str, Identity] = {}

    async def answer(self, request: Request) -> Response | None:
        """Answer what is asked before one has a token; ``None``: it is none of that."""
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
        """Send the browser back with a code, to this machine only."""
        asked = request.query_params
        redirect, challenge = asked.get("redirect_uri", ""), asked.get("code_challenge", "")
        if not redirect.startswith(_LOOPBACK) or asked.get("code_challenge_method") != "S256":
            return _refused("invalid_request", "a loopback redirect_uri and S256 are needed", 400)
        back = {"state": asked.get("state", "")}
        if self.at_browser is None:
            back |= {"error": "access_denied", "error_description": "nobody signed in"}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = _Consent(self.at_browser, challenge, redirect)
            back["code"] = code
        return RedirectResponse(f"{redirect}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: said[-1] for name, said in parse_qs((await request.body()).decode()).items()}
        match form.get("grant_type"):
            case "authorization_code":
                return self._of_code(form)
            case "refresh_token":
                return self._of_refresh(form)
        return self._of_secret(request.headers.get("authorization", ""))

    def _of_secret(self, authorization: str) -> Response:
        kind, _, given = authorization.partition(" ")
        try:
            name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            name = secret = ""
        token = self._identities.issue(name, secret) if kind == "Basic" else None
        if token is None:
            return _refused("invalid_client", "Client authentication failed", 401)
        return self._granted(token)

    def _of_code(self, form: dict[str, str]) -> Response:
        consent = self._codes.pop(form.get("code", ""), None)
        shown = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(shown).decode().rstrip("=")
        given = (challenge, form.get("redirect_uri"))
        if consent is None or given != (consent.challenge, consent.redirect):
            return _refused("invalid_grant", "The code or its verifier is wrong", 400)
        return self._of_person(consent.who)

    def _of_refresh(self, form: dict[str, str]) -> Response:
        who = self._refresh_tokens.get(form.get("refresh_token", ""))
        if who is None:
            return _refused("invalid_grant", "Refresh token is invalid", 400)
        self.refreshed += 1
        return self._of_person(who)

    def _of_person(self, who: Identity) -> Response:
        refresh = f"doau-fake-{secrets.token_hex(16)}"
        self._refresh_tokens[refresh] = who
        return self._granted(self._identities.sign_in(who), refresh_token=refresh)

    def _granted(self, token: str, **more: str) -> Response:
        return JSONResponse(
            {
                "access_token": token,
                "expires_in": int(self._identities.token_seconds),
                "scope": "all-apis",
                "token_type": "Bearer",
                **more,
            }
        )


def _refused(error: str, description: str, status: int) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
