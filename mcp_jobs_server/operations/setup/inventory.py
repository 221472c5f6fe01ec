"""What of a deployment is there: asked of the workspace, nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from mcp_jobs_server.databricks.failures import ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.catalog import Securable, find
from mcp_jobs_server.operations.setup.target import Wanted

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """The parts that are there; ``None`` where one is missing or was not named.

    ``me`` are the names by which the caller holds privileges: its own and those of its groups.
    """

    me: tuple[str, ...]
    catalog: Securable | None = None
    schema: Securable | None = None
    volume: Securable | None = None
    registry: Securable | None = None
    connection: Securable | None = None
    service: Securable | None = None
    job: Told | None = None
    job_access: Told | None = None
    app: Told | None = None
    model: Told | None = None

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
        """Return those that need the volume: the app's and the job's, as far as they are known."""
        return tuple(
            dict.fromkeys(name for name in (self.app_principal, self.job_principal) if name)
        )


async def look(workspace: Workspace, wanted: Wanted) -> Found:
    """Return what is there.

    Raises:
        NotSignedIn, Unavailable: the workspace cannot be asked at all.
    """
    found = await _deployed(workspace, wanted, await _names(workspace))
    there = partial(find, workspace, me=found.me[0])
    catalog = await there("catalog", wanted.catalog)
    if catalog is None:
        return found
    schema = await there("schema", wanted.schema_name)
    volume = await there("volume", wanted.volume_name) if schema else None
    found = replace(found, catalog=catalog, schema=schema, volume=volume)
    registry = await there("schema", wanted.registry_name) if wanted.registers else None
    if registry is None:
        return found
    return replace(
        found,
        registry=registry,
        connection=await there("connection", wanted.connection_name),
        service=await there("mcp_service", wanted.service_name),
    )


async def _names(workspace: Workspace) -> tuple[str, ...]:
    told = await workspace.do("see who is signed in", "GET", "/api/2.0/preview/scim/v2/Me")
    groups = [str(group.get("display") or "") for group in told.get("groups") or ()]
    return (str(told.get("userName") or ""), *groups, "account users")


async def _deployed(workspace: Workspace, wanted: Wanted, me: tuple[str, ...]) -> Found:
    async def ask(doing: str, path: str, **query: object) -> Told | None:
        try:
            return await workspace.do(doing, "GET", path, query=query)
        except ResourceNotFound:
            return None

    job_id, access = wanted.job_id, f"/api/2.0/permissions/jobs/{wanted.job_id}"
    app, model = quote(wanted.app, safe=""), quote(wanted.model, safe="")
    job = await ask("find the job", "/api/2.2/jobs/get", job_id=job_id) if job_id else None
    return Found(
        me=me,
        job=job,
        job_access=await ask("see who may use the job", access) if job else None,
        app=await ask("find the app", f"/api/2.0/apps/{app}") if app else None,
        model=await ask("find the model", f"/api/2.0/serving-endpoints/{model}") if model else None,
    )
