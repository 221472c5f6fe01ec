"""Unity Catalog objects and the privileges on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mcp_jobs_server.core.errors import NotPermitted
from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

ROOT = "/api/2.1/unity-catalog"
ALL_IMPLYING = {"ALL_PRIVILEGES", "MANAGE"}
"""Privileges that include all others, or allow their holder to grant them to itself."""

_PATHS = {"connection": "connections", "mcp_service": "mcp-services"}
_MAX_PAGES = 100


@dataclass(frozen=True)
class HeldPrivilege:
    """A privilege of a principal; ``inherited_from`` is "" if it is granted directly."""

    principal: str
    privilege: str
    inherited_from: str = ""


@dataclass(frozen=True)
class Securable:
    """A catalog object: its owner, and the privileges on it, including inherited ones.

    If the caller may not see the privileges of others, ``complete`` is false and ``privileges``
    are only those of the caller. ``fields`` is the object as the workspace returned it.
    """

    kind: str
    name: str
    owner: str
    privileges: tuple[HeldPrivilege, ...]
    fields: Mapping[str, Any]
    complete: bool = True

    def holds(self, principal: str, privilege: str) -> bool:
        """Return whether the principal itself holds the privilege; its groups are not checked."""
        return principal == self.owner or any(
            held.principal == principal and held.privilege in {privilege, *ALL_IMPLYING}
            for held in self.privileges
        )


async def find(workspace: Workspace, kind: str, name: str, *, me: str) -> Securable | None:
    """Return the object of that kind (``catalog``, ``schema``, ``volume`` …) and name.

    ``me`` is the name under which the caller holds privileges. The result is ``None`` if the
    object does not exist or the caller may not see it.
    """
    url = f"{ROOT}/{_PATHS.get(kind, f'{kind}s')}/{quote(name)}"
    try:
        fields = await workspace.do(f"find the {kind} {name}", "GET", url)
    except ResourceNotFound:
        return None
    owner = str(fields.get("owner") or fields.get("effective_owner") or "")
    try:
        privileges = await effective_privileges(workspace, kind, name)
    except NotPermitted:
        own = await effective_privileges(workspace, kind, name, principal=me)
        return Securable(kind, name, owner, own, fields, complete=False)
    return Securable(kind, name, owner, privileges, fields)


async def effective_privileges(
    workspace: Workspace, kind: str, name: str, *, principal: str = ""
) -> tuple[HeldPrivilege, ...]:
    """Return the privileges of all principals, or of one, including inherited ones.

    Pages are read until there is no next page token, because a page in between can be empty.
    """
    privileges: list[HeldPrivilege] = []
    query: dict[str, str | int] = {"max_results": 0}
    if principal:
        query["principal"] = principal
    for _ in range(_MAX_PAGES):
        page = await workspace.do(
            f"list the privileges on the {kind} {name}",
            "GET",
            f"{ROOT}/effective-permissions/{kind}/{quote(name)}",
            query=query,
            needs=f"MANAGE on {name}, or to own it",
        )
        for assignment in page.get("privilege_assignments") or ():
            holder = str(assignment.get("principal") or "a deleted principal")
            for privilege in assignment.get("privileges") or ():
                kind_and_name = (
                    str(privilege.get(key) or "").lower()
                    for key in ("inherited_from_type", "inherited_from_name")
                )
                source = " ".join(kind_and_name).strip()
                word = str(privilege.get("privilege") or "")
                privileges.append(HeldPrivilege(holder, word, inherited_from=source))
        if not page.get("next_page_token"):
            break
        query["page_token"] = str(page["next_page_token"])
    return tuple(privileges)


async def grant(
    workspace: Workspace, kind: str, name: str, principal: str, privileges: Iterable[str]
) -> None:
    """Add privileges for a principal; those of other principals are not changed."""
    change = {"principal": principal, "add": sorted(privileges)}
    await workspace.do(
        f"grant privileges on the {kind} {name}",
        "PATCH",
        f"{ROOT}/permissions/{kind}/{quote(name)}",
        body={"changes": [change]},
        needs=f"MANAGE on {name}, or to own it",
    )
