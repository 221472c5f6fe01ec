"""Creates the schema and the volume of the job folders if they are missing."""

from __future__ import annotations

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

_VOLUMES = "/api/2.1/unity-catalog/volumes"
_SCHEMAS = "/api/2.1/unity-catalog/schemas"
_COMMENT = "Folders of research jobs"


async def create_volume(workspace: Workspace, path: str) -> bool:
    """Create the volume ``/Volumes/catalog/schema/volume`` and its schema if they are missing.

    The requests are not safe to repeat, so each resource is looked up first. A resource that
    another process creates in the meantime counts as created. Returns whether the volume was
    missing.

    Raises:
        NotPermitted: a privilege is missing; the message names it.
        InvalidArgument: the catalog does not exist.
        Unavailable: the workspace does not answer.
    """
    catalog, schema, volume = path.removeprefix("/Volumes/").split("/")
    if await _exists(workspace, f"{_VOLUMES}/{catalog}.{schema}.{volume}", "find the volume"):
        return False
    if not await _exists(workspace, f"{_SCHEMAS}/{catalog}.{schema}", "find the schema"):
        body = {"catalog_name": catalog, "name": schema, "comment": _COMMENT}
        needs = f"CREATE SCHEMA and USE CATALOG on {catalog}"
        try:
            await _create(workspace, _SCHEMAS, body, "create the schema of the job folders", needs)
        except ResourceNotFound as error:
            raise InvalidArgument(
                f"There is no catalog {catalog!r}, or this server may not see it.",
                "Check MCP_JOBS_VOLUME, or ask for USE CATALOG on it.",
            ) from error
    body = {
        "catalog_name": catalog,
        "schema_name": schema,
        "name": volume,
        "volume_type": "MANAGED",
        "comment": _COMMENT,
    }
    needs = f"CREATE VOLUME and USE SCHEMA on {catalog}.{schema}, and USE CATALOG on {catalog}"
    await _create(workspace, _VOLUMES, body, "create the volume of the job folders", needs)
    return True


async def _exists(workspace: Workspace, path: str, action: str) -> bool:
    needs = "USE CATALOG and USE SCHEMA above the volume, and READ VOLUME on it"
    try:
        await workspace.do(action, "GET", path, needs=needs)
    except ResourceNotFound:
        return False
    return True


async def _create(
    workspace: Workspace, path: str, body: dict[str, str], action: str, needs: str
) -> None:
    try:
        await workspace.do(action, "POST", path, body=body, needs=needs)
    except ResourceExists:
        return
