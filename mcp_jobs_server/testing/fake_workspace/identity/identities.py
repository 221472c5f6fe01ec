"""Users and service principals of the workspace, and their valid tokens."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass, field

EVERYBODY = "account users"
"""The group that contains everyone."""

PERSONAL_PREFIX = "dapi"
"""Prefix of personal access tokens. Databricks Apps do not accept them."""


@dataclass(frozen=True)
class Identity:
    """A user, or a service principal if ``client_secret`` is set.

    ``id`` is the SCIM id. ``name`` is the e-mail address of a user or the application id of a
    service principal. ``token`` is a personal access token.
    """

    id: str
    name: str
    display: str
    groups: tuple[str, ...] = ()
    token: str = field(
        default_factory=lambda: f"{PERSONAL_PREFIX}-fake-{secrets.token_hex(16)}", repr=False
    )
    client_secret: str = field(default="", repr=False)

    @property
    def client_id(self) -> str:
        """The application id of a service principal; empty for a user."""
        return self.name if self.client_secret else ""

    @property
    def principals(self) -> frozenset[str]:
        """All names whose privileges this identity has: its own and those of its groups."""
        return frozenset({self.name, EVERYBODY, *self.groups})


@dataclass(eq=False)
class Identities:
    """All identities of the workspace. ``token_seconds`` is the lifetime of new OAuth tokens."""

    all: list[Identity] = field(default_factory=list, init=False)
    token_seconds: float = field(default=3600.0, init=False)
    _tokens: dict[str, tuple[Identity, float]] = field(default_factory=dict, init=False)

    def add_user(self, name: str, display: str, *groups: str) -> Identity:
        return self._add(name, display, groups, client_secret="")

    def add_principal(self, application_id: str, display: str, *groups: str) -> Identity:
        secret = f"dose-fake-{secrets.token_hex(16)}"
        return self._add(application_id, display, groups, client_secret=secret)

    def _add(
        self, name: str, display: str, groups: tuple[str, ...], *, client_secret: str
    ) -> Identity:
        scim_id = str(5511969577895513 + len(self.all))
        identity = Identity(scim_id, name, display, groups, client_secret=client_secret)
        self.all.append(identity)
        self._tokens[identity.token] = (identity, math.inf)
        return identity

    def authenticate(self, authorization: str) -> Identity | None:
        """Return the identity of a bearer token; ``None`` if it is missing, unknown or expired."""
        scheme, _, token = authorization.partition(" ")
        identity, expiry = self._tokens.get(token, (None, 0.0))
        return identity if scheme == "Bearer" and time.monotonic() < expiry else None

    def sign_in(self, identity: Identity) -> str:
        """Return a new OAuth token, as after a sign-in."""
        token = f"eyJ-fake-{secrets.token_hex(24)}"
        self._tokens[token] = (identity, time.monotonic() + self.token_seconds)
        return token

    def expire(self, identity: Identity) -> None:
        """Invalidate all current tokens of the identity."""
        for token in [token for token, (owner, _) in self._tokens.items() if owner == identity]:
            del self._tokens[token]
