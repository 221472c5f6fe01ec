"""Who calls a workspace: people and service principals, and the tokens they show."""

from __future__ import annotations

import math
import secrets
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace import scim
from mcp_jobs_server.testing.fake_workspace.errors import ApiError, no_route
from mcp_jobs_server.testing.fake_workspace.principals import Identity


class Identities:
    """Everyone the workspace knows, and which tokens hold now.

    ``token_seconds``: how long OAuth tokens hold that are issued from now on.
    """

    def __init__(self) -> None:
        self.all: list[Identity] = []
        self.token_seconds = 3600.0
        self._tokens: dict[str, tuple[Identity, float]] = {}

    def add_user(self, name: str, display: str, *groups: str) -> Identity:
        return self._add(Identity(self._next_id(), name, display, groups))

    def add_principal(self, application_id: str, display: str, *groups: str) -> Identity:
        secret = f"dose-fake-{secrets.token_hex(16)}"
        return self._add(
            Identity(self._next_id(), application_id, display, groups, client_secret=secret)
        )

    def of(self, token: str) -> Identity | None:
        """Return whose token it is; ``None`` where it is unknown or has expired."""
        identity, until = self._tokens.get(token, (None, 0.0))
        return identity if time.monotonic() < until else None

    def issue(self, client_id: str, client_secret: str) -> str | None:
        """Return a fresh token for a principal that shows its secret."""
        for identity in self.all:
            if client_secret and (identity.client_id, identity.client_secret) == (
                client_id,
                client_secret,
            ):
                return self.sign_in(identity)
        return None

    def sign_in(self, identity: Identity) -> str:
        """Return a fresh OAuth token, as after a sign-in."""
        token = f"eyJ-fake-{secrets.token_hex(24)}"
        self._tokens[token] = (identity, time.monotonic() + self.token_seconds)
        return token

    def expire(self, identity: Identity) -> None:
        """Let all tokens of the identity be invalid from now on."""
        for token in [token for token, (whose, _) in self._tokens.items() if whose == identity]:
            del self._tokens[token]

    async def answer(self, request: Request, who: Identity, path: str) -> Response:
        """Answer ``/api/2.0/preview/scim/v2/{path}``."""
        kind, _, number = path.partition("/")
        if request.method != "GET":
            raise no_route(request.method, request.url.path)
        if path == "Me":
            return JSONResponse(scim.person(who, self.groups))
        found = scim.listed(kind, self.all, self.groups)
        if not number:
            return JSONResponse(scim.page(found, request.query_params))
        for one in found:
            if one["id"] == number:
                return JSONResponse(one)
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"{kind[:-1]} with id {number} not found.")

    @property
    def groups(self) -> dict[str, str]:
        """All groups that somebody is in, with their ids."""
        names = sorted({group for identity in self.all for group in identity.groups})
        return {name: str(758391092417 + place) for place, name in enumerate(names)}

    def _add(self, identity: Identity) -> Identity:
        self.all.append(identity)
        self._tokens[identity.token] = (identity, math.inf)
        return identity

    def _next_id(self) -> str:
        return str(5511969577895513 + len(self.all))
