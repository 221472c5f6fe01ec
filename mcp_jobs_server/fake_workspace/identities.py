"""Who calls a workspace: people and service principals, and the tokens they show."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

EVERYBODY = "account users"
PERSONAL = "dapi"
"""How personal access tokens begin; apps take none of them."""


@dataclass(frozen=True)
class Identity:
    """A person, or a service principal where ``client_secret`` is set.

    ``token`` is a personal access token. ``name`` is the e-mail address, or the application id of
    a principal; ``id`` the SCIM id.
    """

    id: str
    name: str
    display: str
    groups: tuple[str, ...] = ()
    token: str = field(
        default_factory=lambda: f"{PERSONAL}-fake-{secrets.token_hex(16)}", repr=False
    )
    client_secret: str = field(default="", repr=False)

    @property
    def client_id(self) -> str:
        """The application id; of a service principal only."""
        return self.name if self.client_secret else ""

    @property
    def principals(self) -> frozenset[str]:
        """All names under which something may be granted to this identity."""
        return frozenset({self.name, EVERYBODY, *self.groups})

    def scim(self) -> dict[str, Any]:
        """Return what ``/Me`` answers."""
        kind = "ServicePrincipal" if self.client_secret else "User"
        body: dict[str, Any] = {
            "schemas": [f"urn:ietf:params:scim:schemas:core:2.0:{kind}"],
            "id": self.id,
            "userName": self.name,
            "displayName": self.display,
            "active": True,
            "groups": [{"display": group, "type": "direct"} for group in self.groups],
        }
        if self.client_secret:
            return body | {"applicationId": self.name}
        return body | {"emails": [{"type": "work", "value": self.name, "primary": True}]}


class Identities:
    """Everyone the workspace knows, and which tokens hold now."""

    def __init__(self) -> None:
        self.all: list[Identity] = []
        self._tokens: dict[str, Identity] = {}

    def add_user(self, name: str, display: str, *groups: str) -> Identity:
        return self._add(Identity(self._next_id(), name, display, groups))

    def add_principal(self, application_id: str, display: str, *groups: str) -> Identity:
        secret = f"dose-fake-{secrets.token_hex(16)}"
        return self._add(
            Identity(self._next_id(), application_id, display, groups, client_secret=secret)
        )

    def of(self, token: str) -> Identity | None:
        """Return whose token it is; ``None`` where it is unknown or has expired."""
        return self._tokens.get(token)

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
        self._tokens[token] = identity
        return token

    def expire(self, identity: Identity) -> None:
        """Let all tokens of the identity be invalid from now on."""
        for token in [token for token, whose in self._tokens.items() if whose == identity]:
            del self._tokens[token]

    def _add(self, identity: Identity) -> Identity:
        self.all.append(identity)
        self._tokens[identity.token] = identity
        return identity

    def _next_id(self) -> str:
        return str(5511969577895513 + len(self.all))
