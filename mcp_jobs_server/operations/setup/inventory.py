"""Reads which parts of a deployment exist in the workspace. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.catalog import Securable, find
from mcp_jobs_server.operations.setup.target import Target

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Inventory:
    """The parts of a deployment; ``None`` for a part that is missing or was not named.

    ``me`` are the names under which the caller holds privileges: its own name first, then its
    groups.
    """

    me: tuple[str, ...]
    catalog: Securable | None = None
    schema: Securable | None = None
    volume: Securable | None = None
    registry: Securable | None = None
    connection: Securable | None = None
    service: Securable | None = None
    job: Fields | None = None
    job_access: Fields | None = None
    app: Fields | None = None
    model: Fields | None = None

    @property
    def app_principal(self) -> str:
        return str((self.app or {}).get("service_principal_client_id") or "")

    @property
    def app_url(self) -> str:
        return str((self.app or {}).get("url") or "").rstrip("/")

    @property
    def job_principal(self) -> str:
        return str((self.job or {}).get("run_as_user_name") or "")

    @property
    def principals(self) -> tuple[str, ...]:
        """The principals that need the volume: those of app and job, as far as they are known."""
        known = (name for name in (self.app_principal, self.job_principal) if name)
        return tuple(dict.fromkeys(known))


async def take_inventory(workspace: Workspace, target: Target) -> Inventory:
    """Return the parts of the target that exist.

    Raises:
        NotSignedIn, Unavailable: the workspace cannot be read at all.
    """
    user = await workspace.do("identify the user", "GET", "/api/2.0/preview/scim/v2/Me")
    groups = [str(group.get("display") or "") for group in user.get("groups") or ()]
    me = (str(user.get("userName") or ""), *groups, "account users")
    inventory = await _deployed_parts(workspace, target, me)
    find_part = partial(find, workspace, me=me[0])
    catalog = await find_part("catalog", target.catalog)
    if catalog is None:
        return inventory
    schema = await find_part("schema", target.schema_name)
    volume = await find_part("volume", target.volume_name) if schema else None
    inventory = replace(inventory, catalog=catalog, schema=schema, volume=volume)
    registry = await find_part("schema", target.registry_name) if target.registers else None
    if registry is None:
        return inventory
    return replace(
        inventory,
        registry=registry,
        connection=await find_part("connection", target.connection_name),
        service=await find_part("mcp_service", target.service_name),
    )


async def _deployed_parts(workspace: Workspace, target: Target, me: tuple[str, ...]) -> Inventory:
    async def get(action: str, path: str, **query: object) -> Fields | None:
        try:
            return await workspace.do(action, "GET", path, query=query)
        except ResourceNotFound:
            return None

    job_id, access = target.job_id, f"/api/2.0/permissions/jobs/{target.job_id}"
    app, model = quote(target.app, safe=""), quote(target.model, safe="")
    job = await get("find the job", "/api/2.2/jobs/get", job_id=job_id) if job_id else None
    return Inventory(
        me=me,
        job=job,
        job_access=await get("list the permissions of the job", access) if job else None,
        app=await get("find the app", f"/api/2.0/apps/{app}") if app else None,
        model=await get("find the model", f"/api/2.0/serving-endpoints/{model}") if model else None,
    )
