"""Who may do what: grants on securables, handed down from catalog to schema to volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from mcp_jobs_server.testing.fake_workspace.errors import denied
from mcp_jobs_server.testing.fake_workspace.principals import Identity

ALL = "ALL_PRIVILEGES"


class Rights:
    """Grants by securable, such as ``volume main.research.jobs``, ``job 625`` or ``genie 01f``."""

    def __init__(self) -> None:
        self._granted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def grant(self, securable: str, principal: str, *privileges: str) -> None:
        self._granted[securable][principal].update(privileges)

    def revoke(self, securable: str, principal: str, *privileges: str) -> None:
        self._granted[securable][principal].difference_update(privileges)

    def of(self, securable: str) -> dict[str, set[str]]:
        """Return what is granted on the securable itself, by principal."""
        return {who: set(what) for who, what in self._granted[securable].items() if what}

    def effective(self, securable: str) -> dict[str, dict[str, str]]:
        """Return privileges by principal, each with the securable that it comes from."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for place in above(securable):
            for who, what in self.of(place).items():
                for privilege in what:
                    found[who].setdefault(privilege, place)
        return found

    def may(self, identity: Identity, privileges: Iterable[str], securable: str) -> bool:
        wanted = {*privileges, ALL}
        return any(
            wanted & self._granted[place][principal]
            for place in above(securable)
            for principal in identity.principals
        )

    def held(self, identity: Identity, securable: str) -> set[str]:
        """Return all privileges that the identity has there, given there or above."""
        return {
            privilege
            for place in above(securable)
            for principal in identity.principals
            for privilege in self._granted[place][principal]
        }

    def need(self, identity: Identity, privilege: str, securable: str) -> None:
        """Refuse as Unity Catalog does.

        Raises:
            ApiError: 403.
        """
        if not self.may(identity, {privilege}, securable):
            kind, _, name = securable.partition(" ")
            raise denied(
                f"User does not have {privilege.replace('_', ' ')} on {kind.capitalize()} '{name}'."
            )


def above(securable: str) -> Iterator[str]:
    """Give the securable, then those that hand their grants down to it."""
    yield securable
    kind, _, name = securable.partition(" ")
    parts = name.split(".")
    if kind in ("volume", "connection", "mcp-service") and len(parts) == 3:
        yield f"schema {parts[0]}.{parts[1]}"
    if kind in ("volume", "schema", "connection", "mcp-service") and len(parts) > 1:
        yield f"catalog {parts[0]}"
