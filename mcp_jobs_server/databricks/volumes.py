"""Makes the schema and the volume of the job folders where they are missing."""

from __future__ import annotations

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

_VOLUMES = "/api/2.1/unity-catalog/volumes"
_SCHEMAS = "/api/2.1/unity-catalog/schemas"
_COMMENT = "Folders of research jobs"


async def create_volume(workspace: Workspace, path: str) -> bool:
    """Make the volume at ``/Volumes/catalog/schema/volume`` and its schema where they are missing.

    Neither request is harmless twice, so each is looked for first, and one that somebody else
    made meanwhile counts as made. Returns whether anything was made.

    Raises:
        NotPermitted: a privilege is missing; it is named.
        InvalidArgument: there is no such catalog.
        Unavailable: the workspace does not answer.
    """
    catalog, schema, volume = path.removeprefix("/Volumes/").split("/")
    if await _there(workspace, f"{_VOLUMES}/{catalog}.{schema}.{volume}", "find the volume"):
        return False
    await _make_schema(workspace, catalog, schema)
    body = {
        "catalog_name": catalog,
        "schema_name": schema,
        "name": volume,
        "volume_type": "MANAGED",
        "comment": _COMMENT,
    }
    needs = f"CREATE VOLUME and USE SCHEMA on {catalog}.{schema}, and USE CATALOG on {catalog}"
    await _made(workspace, _VOLUMES, body, "create the volume of the job folders", needs)
    return True


async def _make_schema(workspace: Workspace, catalog: str, schema: str) -> None:
    if await _there(workspace, f"{_SCHEMAS}/{catalog}.{schema}", "find the schema"):
        return
    body = {"catalog_name": catalog, "name": schema, "comment": _COMMENT}
    needs = f"CREATE SCHEMA and USE CATALOG on {catalog}"
    try:
        await _made(workspace, _SCHEMAS, body, "create the schema of the job folders", needs)
    except ResourceNotFound as error:
        raise InvalidArgument(
            f"There is no catalog {catalog!r}, or this server may not see it.",
            "Check MCP_JOBS_VOLUME, or ask for USE CATALOG on it.",
        ) from error


async def _there(workspace: Workspace, path: str, doing: str) -> bool:
    needs = "USE CATALOG and USE SCHEMA above the volume, and READ VOLUME on it"
    try:
        await workspace.do(doing, "GET", path, needs=needs)
    except ResourceNotFound:
        return False
    return True


async def _made(
    workspace: Workspace, path: str, body: dict[str, str], doing: str, needs: str
) -> None:
    try:
        await workspace.do(doing, "POST", path, body=body, needs=needs)
    except ResourceExists:
        return
