"""People and service principals of the fake workspace."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

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
