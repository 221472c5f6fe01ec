"""The caller of a request: the owner of its jobs and the sources it may use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.sources.access import FULL_ACCESS, Access


@dataclass(frozen=True)
class Credential:
    """A token that identifies the caller. It is kept only during its request and never printed."""

    token: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash of the token; the key under which answers about the token are cached."""
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class Caller:
    """The maker of a request: the owner of its jobs and its access to sources."""

    owner: Owner
    access: Access = FULL_ACCESS


class Authenticator(Protocol):
    """Identifies the caller of the current request from what its transport provides."""

    async def caller(self) -> Caller:
        """Return the caller.

        Raises:
            Unidentified: the caller cannot be identified or may not use this server.
            Unavailable: the identity service does not respond.
        """
        ...


@dataclass(eq=False)
class SingleUserAuthenticator:
    """Treats every caller as the same person: the user whose account the server runs under.

    This holds over stdio and on a loopback address. Headers are ignored, since any caller can
    write any header.
    """

    owner: Owner = field(default_factory=Owner.local)

    async def caller(self) -> Caller:
        return Caller(self.owner)
