"""The caller of a request: whose jobs it may see and what it may have read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Protocol

from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.sources.access import FULL_ACCESS, Access


@dataclass(frozen=True)
class Credential:
    """A token that proves who calls. It lives as long as its request and shows itself nowhere."""

    token: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash by which answers about the token are remembered, never the token itself."""
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True)
class Caller:
    """Who makes a request: the owner of its jobs and what it may have read."""

    owner: Owner
    access: Access = FULL_ACCESS


class Authenticator(Protocol):
    """Identifies the caller of the current request from what its transport vouches for."""

    async def caller(self) -> Caller:
        """Return the caller.

        Raises:
            Unidentified: it cannot be told, or may not call.
            Unavailable: who could tell does not answer.
        """
        ...


class SingleUserAuthenticator:
    """Everybody who reaches this server is the same person.

    So it is over stdio and on a loopback address: the person whose account the server runs under.
    A header is never an identity, since a caller can write any.
    """

    def __init__(self, owner: Owner | None = None) -> None:
        self._caller = Caller(owner or Owner.local())

    async def caller(self) -> Caller:
        return self._caller
