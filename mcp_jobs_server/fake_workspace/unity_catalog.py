"""Unity Catalog as far as it is used: catalogs, schemas, volumes, grants, connections."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.fake_workspace.errors import ApiError, needed, no_route, of_catalog
from mcp_jobs_server.fake_workspace.identities import EVERYBODY, Identity
from mcp_jobs_server.fake_workspace.rights import Rights

METASTORE = "120efa64-9b68-46ba-be38-f319458430d2"
_KINDS = {
    "catalog": "catalog",
    "schema": "schema",
    "volume": "volume",
    "connection": "connection",
    "mcp_service": "mcp-service",
}


class UnityCatalog:
    """Securables by full name; a volume is a directory below ``root``."""

    def __init__(self, root: Path, rights: Rights) -> None:
        self._root = root
        self._rights = rights
        self.catalogs: dict[str, dict[str, Any]] = {}
        self.schemas: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}

    # --- for those who set the scene --------------------------------------------------------

    def add_volume(self, full_name: str, owner: str = "admin") -> Path:
        """Make the volume with what stands above it, and return its directory."""
        catalog, schema, name = full_name.lower().split(".")
        self.add_schema(f"{catalog}.{schema}", owner)
        self.volumes.setdefault(full_name.lower(), self._volume(catalog, schema, name, "", owner))
        place = self._root / catalog / schema / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def add_schema(self, full_name: str, owner: str = "admin") -> None:
        """Make the schema and its catalog, and let everybody use both names."""
        catalog, name = full_name.lower().split(".")
        for what in (f"catalog {catalog}", f"schema {full_name.lower()}"):
            self._rights.grant(what, EVERYBODY, f"USE_{what.split()[0].upper()}")
        self.catalogs.setdefault(catalog, {"name": catalog, "full_name": catalog, "owner": owner})
        self.schemas.setdefault(full_name.lower(), self._schema(catalog, name, "", owner))

    def volume(self, full_name: str) -> dict[str, Any]:
        """Return a volume that is there.

        Raises:
            ApiError: 404.
        """
        found = self.volumes.get(full_name.lower())
        if found is None:
            raise ApiError(
                404, "VOLUME_DOES_NOT_EXIST", f"Volume '{full_name.lower()}' does not exist."
            )
        return found

    def open_to(self, who: Identity, privilege: str) -> list[str]:
        """Return the volumes for which the identity has a privilege and may use the names."""
        return [
            name
            for name in self.volumes
            if self._rights.may(who, {"USE_CATALOG"}, f"catalog {name.split('.')[0]}")
            and self._rights.may(who, {"USE_SCHEMA"}, f"schema {name.rpartition('.')[0]}")
            and self._rights.may(who, {privilege}, f"volume {name}")
        ]

    # --- the API ----------------------------------------------------------------------------

    async def answer(self, request: Request, who: Identity, path: str) -> JSONResponse:
        """Answer ``/api/2.1/unity-catalog/{path}``."""
        kind, _, name = path.partition("/")
        if kind in ("permissions", "effective-permissions"):
            body = await request.json() if request.method == "PATCH" else {}
            return self._permissions(request.method, kind, name, body, who)
        if request.method == "GET":
            return JSONResponse(self._read(request, kind, name))
        if request.method == "POST":
            return JSONResponse(self._make(kind, await request.json(), request, who))
        raise no_route(request.method, request.url.path)

    def _read(self, request: Request, kind: str, name: str) -> dict[str, Any]:
        among = {
            "catalogs": (self.catalogs, "Catalog"),
            "schemas": (self.schemas, "Schema"),
            "connections": (self.connections, "Connection"),
            "mcp-services": (self.services, "MCP service"),
        }
        if kind == "volumes" and name:
            return self.volume(name) | {"browse_only": False}
        if kind == "volumes":
            told = request.query_params
            inside = f"{told['catalog_name']}.{told['schema_name']}."
            found = [one for full, one in self.volumes.items() if full.startswith(inside)]
            return {"volumes": found} if found else {}
        if kind in among and name:
            return _there(among[kind][0], name, among[kind][1])
        raise no_route(request.method, request.url.path)

    def _make(
        self, kind: str, body: dict[str, Any], request: Request, who: Identity
    ) -> dict[str, Any]:
        match kind:
            case "schemas":
                return self._make_schema(body, who)
            case "volumes":
                return self._make_volume(body, who)
            case "connections":
                return self._make_connection(body, who)
            case "mcp-services":
                return self._make_service(body, dict(request.query_params), who)
        raise no_route(request.method, request.url.path)

    def _make_schema(self, body: dict[str, Any], who: Identity) -> dict[str, Any]:
        catalog, name = needed(body, "catalog_name").lower(), needed(body, "name").lower()
        _there(self.catalogs, catalog, "Catalog")
        self._rights.need(who, "CREATE_SCHEMA", f"catalog {catalog}")
        if f"{catalog}.{name}" in self.schemas:
            raise of_catalog(400, "SCHEMA_ALREADY_EXISTS", f"Schema '{name}' already exists")
        made = self._schema(catalog, name, body.get("comment", ""), who.name)
        self.schemas[f"{catalog}.{name}"] = made
        self._own(who, f"schema {catalog}.{name}")
        return made

    def _make_volume(self, body: dict[str, Any], who: Identity) -> dict[str, Any]:
        catalog = needed(body, "catalog_name").lower()
        schema, name = needed(body, "schema_name").lower(), needed(body, "name").lower()
        _there(self.schemas, f"{catalog}.{schema}", "Schema")
        self._rights.need(who, "CREATE_VOLUME", f"schema {catalog}.{schema}")
        full_name = f"{catalog}.{schema}.{name}"
        if full_name in self.volumes:
            raise of_catalog(409, "RESOURCE_ALREADY_EXISTS", f"Volume '{name}' already exists")
        self.volumes[full_name] = self._volume(
            catalog, schema, name, body.get("comment", ""), who.name
        )
        (self._root / catalog / schema / name).mkdir(parents=True, exist_ok=True)
        self._own(who, f"volume {full_name}")
        return self.volumes[full_name]

    def _make_connection(self, body: dict[str, Any], who: Identity) -> dict[str, Any]:
        schema = str(body.get("parent", "")).removeprefix("schemas/").lower()
        self._rights.need(who, "CREATE_CONNECTION", f"schema {schema}")
        full_name = f"{schema}.{needed(body, 'name')}".lower()
        if full_name in self.connections:
            raise of_catalog(
                409, "RESOURCE_ALREADY_EXISTS", f"Connection '{full_name}' already exists"
            )
        shown = {k: v for k, v in body.get("options", {}).items() if "secret" not in k}
        self.connections[full_name] = {
            **{key: body[key] for key in ("name", "connection_type", "comment") if key in body},
            "full_name": full_name,
            "owner": who.name,
            "connection_id": str(uuid.uuid4()),
            "metastore_id": METASTORE,
            "options": shown,
            "read_only": False,
            **_made(who.name),
            "provisioning_info": {"state": "ACTIVE"},
        }
        self._own(who, f"connection {full_name}")
        return self.connections[full_name]

    def _make_service(
        self, body: dict[str, Any], query: dict[str, str], who: Identity
    ) -> dict[str, Any]:
        schema = query["parent"].removeprefix("schemas/").lower()
        self._rights.need(who, "CREATE_SERVICE", f"schema {schema}")
        full_name = f"{schema}.{query['mcp_service_id']}".lower()
        if full_name in self.services:
            raise of_catalog(
                409, "RESOURCE_ALREADY_EXISTS", f"MCP service '{full_name}' already exists"
            )
        self.services[full_name] = {
            **body,
            "name": f"mcp-services/{full_name}",
            "effective_owner": who.name,
            "metastore_id": METASTORE,
        }
        self._own(who, f"mcp-service {full_name}")
        return self.services[full_name]

    def _permissions(
        self, method: str, kind: str, name: str, body: dict[str, Any], who: Identity
    ) -> JSONResponse:
        told, _, full_name = name.partition("/")
        securable = f"{_KINDS.get(told.lower(), told.lower())} {full_name.lower()}"
        if method == "PATCH":
            self._rights.need(who, "MANAGE", securable)
            for change in body.get("changes", []):
                self._rights.grant(securable, change["principal"], *change.get("add", []))
                self._rights.revoke(securable, change["principal"], *change.get("remove", []))
        if kind == "permissions":
            own = self._rights.of(securable)
            return _assigned({who: sorted(what) for who, what in own.items()})
        effective = self._rights.effective(securable)
        return _assigned(
            {
                who: [_inherited(privilege, place, securable) for privilege, place in what.items()]
                for who, what in effective.items()
            }
        )

    def _own(self, who: Identity, securable: str) -> None:
        self._rights.grant(securable, who.name, "ALL_PRIVILEGES", "MANAGE")

    def _schema(self, catalog: str, name: str, comment: str, owner: str) -> dict[str, Any]:
        return {
            "name": name,
            "catalog_name": catalog,
            "owner": owner,
            "comment": comment,
            "metastore_id": METASTORE,
            "full_name": f"{catalog}.{name}",
            "catalog_type": "MANAGED_CATALOG",
            "schema_id": str(uuid.uuid4()),
            **_made(owner),
            "browse_only": False,
        }

    def _volume(
        self, catalog: str, schema: str, name: str, comment: str, owner: str
    ) -> dict[str, Any]:
        volume_id = str(uuid.uuid4())
        return {
            "name": name,
            "catalog_name": catalog,
            "schema_name": schema,
            "volume_type": "MANAGED",
            "owner": owner,
            "comment": comment,
            "full_name": f"{catalog}.{schema}.{name}",
            "volume_id": volume_id,
            "metastore_id": METASTORE,
            "storage_location": f"s3://example-metastore/volumes/{volume_id}",
            **_made(owner),
        }


def _made(owner: str) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {"created_at": now, "created_by": owner, "updated_at": now, "updated_by": owner}


def _there(among: dict[str, dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    found = among.get(name.lower())
    if found is None:
        code = f"{kind.upper().replace(' ', '_')}_DOES_NOT_EXIST"
        raise ApiError(404, code, f"{kind} '{name.lower()}' does not exist.")
    return found


def _assigned(by: dict[str, list[Any]]) -> JSONResponse:
    found = [{"principal": who, "privileges": what} for who, what in by.items()]
    return JSONResponse({"privilege_assignments": found} if found else {})


def _inherited(privilege: str, place: str, securable: str) -> dict[str, str]:
    if place == securable:
        return {"privilege": privilege}
    kind, _, name = place.partition(" ")
    return {
        "privilege": privilege,
        "inherited_from_type": kind.upper(),
        "inherited_from_name": name,
    }
