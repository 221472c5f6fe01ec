"""Privileges on securables. Those on a catalog or schema also hold for everything below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mcp_jobs_server.testing.fake_workspace.errors import permission_denied
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity

ALL_PRIVILEGES = "ALL_PRIVILEGES"


@dataclass(eq=False)
class Rights:
    """Privileges by securable and principal.

    A securable is a kind and a name, such as ``volume main.research.jobs``, ``job 625`` or
    ``genie 01f``.
    """

    _granted: dict[str, dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set)), init=False
    )

    def grant(self, securable: str, principal: str, *privileges: str) -> None:
        self._granted[securable][principal].update(privileges)

    def revoke(self, securable: str, principal: str, *privileges: str) -> None:
        self._granted[securable][principal].difference_update(privileges)

    def granted_on(self, securable: str) -> dict[str, set[str]]:
        """Return the privileges granted on the securable itself, by principal."""
        granted = self._granted[securable].items()
        return {principal: set(privileges) for principal, privileges in granted if privileges}

    def effective(self, securable: str) -> dict[str, dict[str, str]]:
        """Return, by principal, each privilege and the securable on which it was granted."""
        effective: dict[str, dict[str, str]] = defaultdict(dict)
        for level in _with_ancestors(securable):
            for principal, privileges in self.granted_on(level).items():
                for privilege in privileges:
                    effective[principal].setdefault(privilege, level)
        return effective

    def privileges(self, identity: Identity, securable: str) -> set[str]:
        """Return all privileges of an identity on a securable, inherited ones included."""
        return {
            privilege
            for level in _with_ancestors(securable)
            for principal in identity.principals
            for privilege in self._granted[level][principal]
        }

    def allows(self, identity: Identity, privileges: Iterable[str], securable: str) -> bool:
        """Return whether the identity has one of the privileges, or all of them."""
        return not self.privileges(identity, securable).isdisjoint({*privileges, ALL_PRIVILEGES})

    def require(self, identity: Identity, privilege: str, securable: str) -> None:
        """Check a privilege.

        Raises:
            ApiError: 403 in the words of Unity Catalog if the identity does not have it.
        """
        if not self.allows(identity, {privilege}, securable):
            kind, _, name = securable.partition(" ")
            raise permission_denied(
                f"User does not have {privilege.replace('_', ' ')} on {kind.capitalize()} '{name}'."
            )


def _with_ancestors(securable: str) -> Iterator[str]:
    """Yield the securable, then its schema and its catalog."""
    yield securable
    kind, _, name = securable.partition(" ")
    parts = name.split(".")
    if kind in ("volume", "connection", "mcp-service") and len(parts) == 3:
        yield f"schema {parts[0]}.{parts[1]}"
    if kind in ("volume", "schema", "connection", "mcp-service") and len(parts) > 1:
        yield f"catalog {parts[0]}"
