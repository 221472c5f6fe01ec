"""People, service principals and groups as SCIM shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_jobs_server.testing.fake_workspace.errors import wrong
from mcp_jobs_server.testing.fake_workspace.principals import Identity

SCHEMAS = "urn:ietf:params:scim:schemas"
_MOST = 100
_FILTER = re.compile(r"""(\w+)\s+eq\s+["']?([^"']*)["']?""")

Groups = Mapping[str, str]
"""Ids of groups by name."""


def person(identity: Identity, groups: Groups) -> dict[str, Any]:
    """Return what ``/Me`` answers."""
    kind = "ServicePrincipal" if identity.client_secret else "User"
    body: dict[str, Any] = {
        "schemas": [f"{SCHEMAS}:core:2.0:{kind}"],
        "id": identity.id,
        "userName": identity.name,
        "displayName": identity.display,
        "active": True,
        "groups": [_membership(name, groups) for name in identity.groups],
    }
    if identity.client_secret:
        return body | {"applicationId": identity.name}
    body["schemas"].append(f"{SCHEMAS}:extension:workspace:2.0:User")
    first, _, last = identity.display.partition(" ")
    return body | {
        "name": {"givenName": first, **({"familyName": last} if last else {})},
        "emails": [{"type": "work", "value": identity.name, "primary": True}],
        "entitlements": [{"value": "workspace-access"}, {"value": "databricks-sql-access"}],
    }


def listed(kind: str, everyone: Sequence[Identity], groups: Groups) -> list[dict[str, Any]]:
    """Return all of one kind: Users, ServicePrincipals or Groups."""
    if kind == "Groups":
        return [_group(name, number, everyone) for name, number in groups.items()]
    principals = {"Users": False, "ServicePrincipals": True}.get(kind)
    return [
        person(identity, groups)
        for identity in everyone
        if bool(identity.client_secret) == principals
    ]


def page(found: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Return one page of a listing, filtered by ``attribute eq "value"`` where that is asked."""
    if query.get("filter"):
        told = _FILTER.fullmatch(query["filter"].strip())
        if told is None:
            raise wrong(f"The filter is not supported: {query['filter']}")
        name, value = told.groups()
        found = [one for one in found if str(one.get(name, "")).lower() == value.lower()]
    first = max(1, int(query.get("startIndex") or 1))
    resources = found[first - 1 :][: int(query.get("count") or _MOST)]
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(found),
        "startIndex": first,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _membership(name: str, groups: Groups) -> dict[str, str]:
    number = groups[name]
    return {"display": name, "type": "direct", "value": number, "$ref": f"Groups/{number}"}


def _group(name: str, number: str, everyone: Sequence[Identity]) -> dict[str, Any]:
    members = [one for one in everyone if name in one.groups]
    return {
        "schemas": [f"{SCHEMAS}:core:2.0:Group"],
        "id": number,
        "displayName": name,
        "members": [{"display": one.display, "value": one.id} for one in members],
    }
