"""Unity Catalog as far as it is used: catalogs, schemas, volumes, grants, connections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import (
    ApiError,
    denied,
    no_route,
    of_catalog,
    wrong,
)
from mcp_jobs_server.testing.fake_workspace.principals import EVERYBODY, Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.securables import (
    connection_body,
    named,
    schema_body,
    service_body,
    volume_body,
)

_KINDS = {
    "catalog": "catalog",
    "schema": "schema",
    "volume": "volume",
    "connection": "connection",
    "mcp_service": "mcp-service",
}
_SINGULAR = {
    "catalogs": "catalog",
    "schemas": "schema",
    "volumes": "volume",
    "connections": "connection",
    "mcp-services": "mcp-service",
}
_NAMES_ABOVE = {
    "schema": {"USE_CATALOG"},
    "volume": {"USE_CATALOG", "USE_SCHEMA"},
    "connection": {"USE_CATALOG", "USE_SCHEMA"},
    "mcp-service": {"USE_CATALOG", "USE_SCHEMA"},
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
        self.volumes.setdefault(full_name.lower(), volume_body(catalog, schema, name, "", owner))
        place = self._root / catalog / schema / name
        place.mkdir(parents=True, exist_ok=True)
        return place

    def add_schema(self, full_name: str, owner: str = "admin") -> None:
        """Make the schema and its catalog, and let everybody use both names."""
        catalog, name = full_name.lower().split(".")
        for what in (f"catalog {catalog}", f"schema {full_name.lower()}"):
            self._rights.grant(what, EVERYBODY, f"USE_{what.split()[0].upper()}")
        self.catalogs.setdefault(catalog, {"name": catalog, "full_name": catalog, "owner": owner})
        self.schemas.setdefault(full_name.lower(), schema_body(catalog, name, "", owner))

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
            return JSONResponse(self._read(request, kind, name, who))
        if request.method == "POST":
            return JSONResponse(self._make(kind, await request.json(), request, who))
        raise no_route(request.method, request.url.path)

    def _read(self, request: Request, kind: str, name: str, who: Identity) -> dict[str, Any]:
        among = {
            "catalogs": (self.catalogs, "Catalog"),
            "schemas": (self.schemas, "Schema"),
            "volumes": (self.volumes, "Volume"),
            "connections": (self.connections, "Connection"),
            "mcp-services": (self.services, "MCP service"),
        }
        if kind not in among:
            raise no_route(request.method, request.url.path)
        known, title = among[kind]
        if not name:
            return self._listed(kind, known, request.query_params, who)
        found = _there(known, name, title)
        if not self._is_visible(who, kind, name.lower()):
            raise denied(f"User does not have any privilege on {title} '{name.lower()}'.")
        return found | ({"browse_only": False} if kind == "volumes" else {})

    def _listed(
        self, kind: str, known: dict[str, dict[str, Any]], query: Mapping[str, str], who: Identity
    ) -> dict[str, Any]:
        """Return what the caller sees of one kind, below the names of the query."""
        above = [query[part] for part in ("catalog_name", "schema_name") if part in query]
        inside = "".join(f"{part.lower()}." for part in above)
        found = [
            one
            for name, one in known.items()
            if name.startswith(inside) and self._is_visible(who, kind, name)
        ]
        return {kind.replace("-", "_"): found} if found else {}

    def _is_visible(self, who: Identity, kind: str, name: str) -> bool:
        """Say whether the caller has any right on it that the use of names above is not."""
        securable = f"{_SINGULAR[kind]} {name}"
        held = self._rights.held(who, securable)
        return bool(held - _NAMES_ABOVE.get(_SINGULAR[kind], set()))

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
        catalog, name = named(body, "catalog_name"), named(body, "name")
        _there(self.catalogs, catalog, "Catalog")
        self._rights.need(who, "CREATE_SCHEMA", f"catalog {catalog}")
        if f"{catalog}.{name}" in self.schemas:
            raise of_catalog(400, "SCHEMA_ALREADY_EXISTS", f"Schema '{name}' already exists")
        made = schema_body(catalog, name, body.get("comment", ""), who.name)
        self.schemas[f"{catalog}.{name}"] = made
        self._own(who, f"schema {catalog}.{name}")
        return made

    def _make_volume(self, body: dict[str, Any], who: Identity) -> dict[str, Any]:
        catalog, schema = named(body, "catalog_name"), named(body, "schema_name")
        name = named(body, "name")
        if body.get("storage_location"):
            raise wrong("A managed volume takes no storage location.")
        _there(self.schemas, f"{catalog}.{schema}", "Schema")
        self._rights.need(who, "CREATE_VOLUME", f"schema {catalog}.{schema}")
        full_name = f"{catalog}.{schema}.{name}"
        if full_name in self.volumes:
            raise _taken(f"Volume '{name}' already exists")
        self.volumes[full_name] = volume_body(
            catalog, schema, name, body.get("comment", ""), who.name
        )
        (self._root / catalog / schema / name).mkdir(parents=True, exist_ok=True)
        self._own(who, f"volume {full_name}")
        return self.volumes[full_name]

    def _make_connection(self, body: dict[str, Any], who: Identity) -> dict[str, Any]:
        schema = str(body.get("parent", "")).removeprefix("schemas/").lower()
        _there(self.schemas, schema, "Schema")
        self._rights.need(who, "CREATE_CONNECTION", f"schema {schema}")
        full_name = f"{schema}.{named(body, 'name')}"
        if full_name in self.connections:
            raise _taken(f"Connection '{full_name}' already exists")
        self.connections[full_name] = connection_body(full_name, body, who.name)
        self._own(who, f"connection {full_name}")
        return self.connections[full_name]

    def _make_service(
        self, body: dict[str, Any], query: dict[str, str], who: Identity
    ) -> dict[str, Any]:
        schema = query["parent"].removeprefix("schemas/").lower()
        _there(self.schemas, schema, "Schema")
        self._rights.need(who, "CREATE_SERVICE", f"schema {schema}")
        full_name = f"{schema}.{named(query, 'mcp_service_id')}"
        if full_name in self.services:
            raise _taken(f"MCP service '{full_name}' already exists")
        source = body.get("config", {}).get("source_connection", {}).get("name", "")
        connection = source.removeprefix("connections/").lower()
        _there(self.connections, connection, "Connection")
        self._rights.need(who, "USE_CONNECTION", f"connection {connection}")
        self.services[full_name] = service_body(full_name, body, who.name)
        self._own(who, f"mcp-service {full_name}")
        return self.services[full_name]

    def _permissions(
        self, method: str, kind: str, name: str, body: dict[str, Any], who: Identity
    ) -> JSONResponse:
        told, _, full_name = name.partition("/")
        securable = f"{_KINDS.get(told.lower(), told.lower())} {full_name.lower()}"
        self._must_be_there(securable)
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

    def _must_be_there(self, securable: str) -> None:
        kind, _, name = securable.partition(" ")
        if kind in ("catalog", "schema", "volume"):
            known = {"catalog": self.catalogs, "schema": self.schemas, "volume": self.volumes}
            _there(known[kind], name, kind.capitalize())

    def _own(self, who: Identity, securable: str) -> None:
        self._rights.grant(securable, who.name, "ALL_PRIVILEGES", "MANAGE")


def _there(among: dict[str, dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    found = among.get(name.lower())
    if found is None:
        code = f"{kind.upper().replace(' ', '_')}_DOES_NOT_EXIST"
        raise ApiError(404, code, f"{kind} '{name.lower()}' does not exist.")
    return found


def _taken(said: str) -> ApiError:
    return of_catalog(409, "RESOURCE_ALREADY_EXISTS", said)


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
