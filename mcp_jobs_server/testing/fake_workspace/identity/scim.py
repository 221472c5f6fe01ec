"""The SCIM API: users, service principals and groups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import (
    ApiError,
    endpoint_not_found,
    invalid_parameter,
)
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identities, Identity

_SCHEMAS = "urn:ietf:params:scim:schemas"
_MAX_PAGE = 100
_FIRST_GROUP_ID = 758391092417
_FILTER = re.compile(r"""(\w+)\s+eq\s+["']?([^"']*)["']?""")


@dataclass(eq=False)
class Scim:
    """Read access to the identities. A group exists as long as an identity is a member."""

    identities: Identities

    async def handle(self, request: Request, caller: Identity, path: str) -> JSONResponse:
        """Respond to ``/api/2.0/preview/scim/v2/{path}``."""
        if request.method != "GET":
            raise endpoint_not_found(request.method, request.url.path)
        if path == "Me":
            return JSONResponse(self._person(caller))
        kind, _, resource_id = path.partition("/")
        resources = self._resources(kind)
        if not resource_id:
            if request.query_params.get("filter"):
                parsed = _FILTER.fullmatch(request.query_params["filter"].strip())
                if parsed is None:
                    raise invalid_parameter(
                        f"The filter is not supported: {request.query_params['filter']}"
                    )
                name, value = parsed.groups()
                resources = [
                    item for item in resources if str(item.get(name, "")).lower() == value.lower()
                ]
            start = max(1, int(request.query_params.get("startIndex") or 1))
            page = resources[start - 1 :][: int(request.query_params.get("count") or _MAX_PAGE)]
            return JSONResponse(
                {
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                    "totalResults": len(resources),
                    "startIndex": start,
                    "itemsPerPage": len(page),
                    "Resources": page,
                }
            )
        for resource in resources:
            if resource["id"] == resource_id:
                return JSONResponse(resource)
        message = f"{kind[:-1]} with id {resource_id} not found."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)

    def _resources(self, kind: str) -> list[dict[str, Any]]:
        """Return all ``Users``, ``ServicePrincipals`` or ``Groups``."""
        everyone = self.identities.all
        if kind == "Groups":
            return [
                {
                    "schemas": [f"{_SCHEMAS}:core:2.0:Group"],
                    "id": group_id,
                    "displayName": group,
                    "members": [
                        {"display": identity.display, "value": identity.id}
                        for identity in everyone
                        if group in identity.groups
                    ],
                }
                for group, group_id in self._group_ids().items()
            ]
        is_principal = {"Users": False, "ServicePrincipals": True}.get(kind)
        return [
            self._person(identity)
            for identity in everyone
            if bool(identity.client_secret) == is_principal
        ]

    def _person(self, identity: Identity) -> dict[str, Any]:
        ids = self._group_ids()
        memberships = [
            {
                "display": group,
                "type": "direct",
                "value": ids[group],
                "$ref": f"Groups/{ids[group]}",
            }
            for group in identity.groups
        ]
        kind = "ServicePrincipal" if identity.client_secret else "User"
        body: dict[str, Any] = {
            "schemas": [f"{_SCHEMAS}:core:2.0:{kind}"],
            "id": identity.id,
            "userName": identity.name,
            "displayName": identity.display,
            "active": True,
            "groups": memberships,
        }
        if identity.client_secret:
            return body | {"applicationId": identity.name}
        body["schemas"].append(f"{_SCHEMAS}:extension:workspace:2.0:User")
        first, _, last = identity.display.partition(" ")
        return body | {
            "name": {"givenName": first, **({"familyName": last} if last else {})},
            "emails": [{"type": "work", "value": identity.name, "primary": True}],
            "entitlements": [{"value": "workspace-access"}, {"value": "databricks-sql-access"}],
        }

    def _group_ids(self) -> dict[str, str]:
        names = sorted({group for identity in self.identities.all for group in identity.groups})
        return {name: str(_FIRST_GROUP_ID + position) for position, name in enumerate(names)}
