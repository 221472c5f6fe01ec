"""Unity Catalog as setup sees it: what is there, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mcp_jobs_server.core.errors import NotPermitted
from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

ROOT = "/api/2.1/unity-catalog"
EVERYTHING = {"ALL_PRIVILEGES", "MANAGE"}
"""Privileges that hold all others, or let one grant them to oneself."""

_MOST_PAGES = 100


@dataclass(frozen=True)
class Held:
    """A privilege that a principal has; ``above`` is where it is inherited from, "" if not."""

    principal: str
    privilege: str
    above: str = ""


@dataclass(frozen=True)
class Securable:
    """Something of the catalog: its owner, and what anybody holds there, inherited included.

    Where the caller may not see what others hold, ``seen`` is false and only its own is there.
    """

    kind: str
    name: str
    owner: str
    held: tuple[Held, ...]
    told: Mapping[str, Any]
    seen: bool = True

    def holds(self, principal: str, privilege: str) -> bool:
        """Tell whether the principal itself holds it; groups are not looked into."""
        return principal == self.owner or any(
            held.principal == principal and held.privilege in {privilege, *EVERYTHING}
            for held in self.held
        )


async def find(workspace: Workspace, kind: str, name: str, *, me: str) -> Securable | None:
    """Return the securable of that kind (``catalog``, ``schema``, ``volume`` …) and name.

    ``me`` is the name by which the caller itself holds privileges. ``None`` where there is none,
    or where the caller may not see that there is one.
    """
    places = {"connection": "connections", "mcp_service": "mcp-services"}
    place = places.get(kind, f"{kind}s")
    try:
        told = await workspace.do(f"find the {kind} {name}", "GET", f"{ROOT}/{place}/{quote(name)}")
    except ResourceNotFound:
        return None
    owner = str(told.get("owner") or told.get("effective_owner") or "")
    try:
        held = await privileges(workspace, kind, name)
    except NotPermitted:
        own = await privileges(workspace, kind, name, principal=me)
        return Securable(kind, name, owner, own, told, seen=False)
    return Securable(kind, name, owner, held, told)


async def privileges(
    workspace: Workspace, kind: str, name: str, *, principal: str = ""
) -> tuple[Held, ...]:
    """Return the privileges on it, of all or of one, inherited ones included.

    A page may be empty and not be the last.
    """
    found: list[Held] = []
    query: dict[str, str | int] = {"max_results": 0}
    if principal:
        query["principal"] = principal
    for _ in range(_MOST_PAGES):
        page = await workspace.do(
            f"see who may use the {kind} {name}",
            "GET",
            f"{ROOT}/effective-permissions/{kind}/{quote(name)}",
            query=query,
            needs=f"MANAGE on {name}, or to own it",
        )
        found += _held(page.get("privilege_assignments") or ())
        if not page.get("next_page_token"):
            break
        query["page_token"] = str(page["next_page_token"])
    return tuple(found)


def _held(assignments: Iterable[Mapping[str, Any]]) -> list[Held]:
    return [
        Held(
            principal=str(assignment.get("principal") or "a deleted principal"),
            privilege=str(privilege.get("privilege") or ""),
            above=" ".join(
                str(privilege.get(part) or "").lower()
                for part in ("inherited_from_type", "inherited_from_name")
            ).strip(),
        )
        for assignment in assignments
        for privilege in assignment.get("privileges") or ()
    ]


async def grant(
    workspace: Workspace, kind: str, name: str, principal: str, wanted: Iterable[str]
) -> None:
    """Add privileges; those of others stay."""
    change = {"principal": principal, "add": sorted(wanted)}
    await workspace.do(
        f"grant privileges on the {kind} {name}",
        "PATCH",
        f"{ROOT}/permissions/{kind}/{quote(name)}",
        body={"changes": [change]},
        needs=f"MANAGE on {name}, or to own it",
    )
