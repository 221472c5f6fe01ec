"""The Unity Catalog API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import (
    ApiError,
    catalog_error,
    endpoint_not_found,
    invalid_parameter,
    permission_denied,
)
from mcp_jobs_server.testing.fake_workspace.identity.identities import EVERYBODY, Identity
from mcp_jobs_server.testing.fake_workspace.rights import ALL_PRIVILEGES, Rights
from mcp_jobs_server.testing.fake_workspace.unity_catalog.securables import (
    connection_body,
    schema_body,
    service_body,
    valid_name,
    volume_body,
)

_TITLES = {
    "catalogs": "Catalog",
    "schemas": "Schema",
    "volumes": "Volume",
    "connections": "Connection",
    "mcp-services": "MCP service",
}
"""Names in error messages by the collection in the path of a request."""

_SECURABLES = {
    "catalogs": "catalog",
    "schemas": "schema",
    "volumes": "volume",
    "connections": "connection",
    "mcp-services": "mcp-service",
}
"""Kinds of securables in ``Rights`` by collection."""

_CREATE_PRIVILEGES = {
    "schemas": "CREATE_SCHEMA",
    "volumes": "CREATE_VOLUME",
    "connections": "CREATE_CONNECTION",
    "mcp-services": "CREATE_SERVICE",
}
_USE_OF_PARENTS = {
    "catalogs": set[str](),
    "schemas": {"USE_CATALOG"},
    "volumes": {"USE_CATALOG", "USE_SCHEMA"},
    "connections": {"USE_CATALOG", "USE_SCHEMA"},
    "mcp-services": {"USE_CATALOG", "USE_SCHEMA"},
}
"""Inherited privileges that do not make a securable visible."""


class UnityCatalog:
    """Securables by full name. A volume is a directory below ``root``."""

    def __init__(self, root: Path, rights: Rights) -> None:
        self._root = root
        self._rights = rights
        self.catalogs: dict[str, dict[str, Any]] = {}
        self.schemas: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}
        self._collections = {
            "catalogs": self.catalogs,
            "schemas": self.schemas,
            "volumes": self.volumes,
            "connections": self.connections,
            "mcp-services": self.services,
        }

    # --- for tests ------------------------------------------------------------------------------

    def add_volume(self, full_name: str, owner: str = "admin") -> Path:
        """Create a volume with its catalog and schema, and return its directory."""
        full_name = full_name.lower()
        self.add_schema(full_name.rpartition(".")[0], owner)
        self.volumes.setdefault(full_name, volume_body(full_name, "", owner))
        directory = self._root.joinpath(*full_name.split("."))
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def add_schema(self, full_name: str, owner: str = "admin") -> None:
        """Create a schema and its catalog, and let everybody use both."""
        full_name = full_name.lower()
        catalog = full_name.partition(".")[0]
        self._rights.grant(f"catalog {catalog}", EVERYBODY, "USE_CATALOG")
        self._rights.grant(f"schema {full_name}", EVERYBODY, "USE_SCHEMA")
        self.catalogs.setdefault(catalog, {"name": catalog, "full_name": catalog, "owner": owner})
        self.schemas.setdefault(full_name, schema_body(full_name, "", owner))

    # --- for other APIs of the workspace --------------------------------------------------------

    def find(self, collection: str, full_name: str) -> dict[str, Any]:
        """Return an existing securable of a collection such as ``volumes``.

        Raises:
            ApiError: 404.
        """
        full_name = full_name.lower()
        securable = self._collections[collection].get(full_name)
        if securable is None:
            title = _TITLES[collection]
            code = f"{title.upper().replace(' ', '_')}_DOES_NOT_EXIST"
            raise ApiError(404, code, f"{title} '{full_name}' does not exist.")
        return securable

    def volumes_with(self, caller: Identity, privilege: str) -> list[str]:
        """Return the volumes on which a caller has the privilege and may use catalog and schema."""
        return [
            name
            for name in self.volumes
            if self._rights.allows(caller, {"USE_CATALOG"}, f"catalog {name.split('.')[0]}")
            and self._rights.allows(caller, {"USE_SCHEMA"}, f"schema {name.rpartition('.')[0]}")
            and self._rights.allows(caller, {privilege}, f"volume {name}")
        ]

    # --- the HTTP API ---------------------------------------------------------------------------

    async def handle(self, request: Request, caller: Identity, path: str) -> JSONResponse:
        """Respond to ``/api/2.1/unity-catalog/{path}``."""
        collection, _, name = path.partition("/")
        if collection in ("permissions", "effective-permissions"):
            return JSONResponse(await self._permissions(request, collection, name, caller))
        if request.method == "GET" and collection in self._collections:
            if name:
                return JSONResponse(self._read(collection, name.lower(), caller))
            return JSONResponse(self._list(collection, request.query_params, caller))
        if request.method == "POST" and collection in _CREATE_PRIVILEGES:
            body, query = await request.json(), request.query_params
            match collection:
                case "schemas":
                    name, created = self._new_schema(body, caller)
                case "volumes":
                    name, created = self._new_volume(body, caller)
                case "connections":
                    schema = str(body.get("parent", "")).removeprefix("schemas/").lower()
                    self._check_parent("connections", schema, caller)
                    full_name = f"{schema}.{valid_name(body, 'name')}"
                    self._check_free("connections", full_name, full_name)
                    name, created = full_name, connection_body(full_name, body, caller.name)
                case _:
                    schema = query["parent"].removeprefix("schemas/").lower()
                    self._check_parent("mcp-services", schema, caller)
                    full_name = f"{schema}.{valid_name(query, 'mcp_service_id')}"
                    self._check_free("mcp-services", full_name, full_name)
                    source = body.get("config", {}).get("source_connection", {}).get("name", "")
                    connection = source.removeprefix("connections/").lower()
                    self.find("connections", connection)
                    self._rights.require(caller, "USE_CONNECTION", f"connection {connection}")
                    name, created = full_name, service_body(full_name, body, caller.name)
            self._collections[collection][name] = created
            securable = f"{_SECURABLES[collection]} {name}"
            self._rights.grant(securable, caller.name, ALL_PRIVILEGES, "MANAGE")
            return JSONResponse(created)
        raise endpoint_not_found(request.method, request.url.path)

    def _read(self, collection: str, name: str, caller: Identity) -> dict[str, Any]:
        securable = self.find(collection, name)
        if not self._is_visible(collection, name, caller):
            title = _TITLES[collection]
            raise permission_denied(f"User does not have any privilege on {title} '{name}'.")
        return securable | ({"browse_only": False} if collection == "volumes" else {})

    def _list(self, collection: str, query: Mapping[str, str], caller: Identity) -> dict[str, Any]:
        """Return the visible securables of a collection in the catalog and schema of the query."""
        parents = [query[name] for name in ("catalog_name", "schema_name") if name in query]
        prefix = "".join(f"{name.lower()}." for name in parents)
        visible = [
            securable
            for name, securable in self._collections[collection].items()
            if name.startswith(prefix) and self._is_visible(collection, name, caller)
        ]
        return {collection.replace("-", "_"): visible} if visible else {}

    def _is_visible(self, collection: str, name: str, caller: Identity) -> bool:
        """Return whether a caller has a privilege other than the use of catalog and schema."""
        privileges = self._rights.privileges(caller, f"{_SECURABLES[collection]} {name}")
        return bool(privileges - _USE_OF_PARENTS[collection])

    def _new_schema(self, body: dict[str, Any], caller: Identity) -> tuple[str, dict[str, Any]]:
        catalog, name = valid_name(body, "catalog_name"), valid_name(body, "name")
        self._check_parent("schemas", catalog, caller)
        full_name = f"{catalog}.{name}"
        if full_name in self.schemas:
            message = f"Schema '{name}' already exists"
            raise catalog_error(400, "SCHEMA_ALREADY_EXISTS", message)
        return full_name, schema_body(full_name, body.get("comment", ""), caller.name)

    def _new_volume(self, body: dict[str, Any], caller: Identity) -> tuple[str, dict[str, Any]]:
        fields = ("catalog_name", "schema_name", "name")
        catalog, schema, name = (valid_name(body, field) for field in fields)
        if body.get("storage_location"):
            raise invalid_parameter("A managed volume takes no storage location.")
        self._check_parent("volumes", f"{catalog}.{schema}", caller)
        full_name = f"{catalog}.{schema}.{name}"
        self._check_free("volumes", full_name, name)
        (self._root / catalog / schema / name).mkdir(parents=True, exist_ok=True)
        return full_name, volume_body(full_name, body.get("comment", ""), caller.name)

    def _check_parent(self, collection: str, parent: str, caller: Identity) -> None:
        """Check that the catalog or schema exists and that the caller may create in it."""
        parents = "catalogs" if collection == "schemas" else "schemas"
        self.find(parents, parent)
        securable = f"{_SECURABLES[parents]} {parent}"
        self._rights.require(caller, _CREATE_PRIVILEGES[collection], securable)

    def _check_free(self, collection: str, full_name: str, shown_name: str) -> None:
        if full_name in self._collections[collection]:
            message = f"{_TITLES[collection]} '{shown_name}' already exists"
            raise catalog_error(409, "RESOURCE_ALREADY_EXISTS", message)

    async def _permissions(
        self, request: Request, collection: str, name: str, caller: Identity
    ) -> dict[str, Any]:
        """Change the grants on a securable (PATCH), and return the own or effective ones."""
        kind, _, full_name = name.lower().partition("/")
        securable = f"{kind.replace('mcp_service', 'mcp-service')} {full_name}"
        if kind in ("catalog", "schema", "volume"):
            self.find(f"{kind}s", full_name)
        if request.method == "PATCH":
            body = await request.json()
            self._rights.require(caller, "MANAGE", securable)
            for change in body.get("changes", []):
                self._rights.grant(securable, change["principal"], *change.get("add", []))
                self._rights.revoke(securable, change["principal"], *change.get("remove", []))
        assignments: list[dict[str, Any]] = []
        if collection == "permissions":
            for principal, granted in self._rights.granted_on(securable).items():
                assignments.append({"principal": principal, "privileges": sorted(granted)})
        else:
            for principal, effective in self._rights.effective(securable).items():
                privileges = []
                for privilege, origin in effective.items():
                    entry = {"privilege": privilege}
                    if origin != securable:
                        origin_kind, _, origin_name = origin.partition(" ")
                        entry["inherited_from_type"] = origin_kind.upper()
                        entry["inherited_from_name"] = origin_name
                    privileges.append(entry)
                assignments.append({"principal": principal, "privileges": privileges})
        return {"privilege_assignments": assignments} if assignments else {}
