"""Registers the app as an MCP server in Unity Catalog: a connection to it, and an MCP service.

With an OAuth client that signs in each person, the app can identify its callers. With shared client
credentials all calls come from one caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import InvalidArgument, Refused
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.catalog import ROOT
from mcp_jobs_server.operations.setup.target import CONNECTION, SERVICE, Target

PER_PERSON, SHARED = "OAUTH_U2M_MAPPING", "OAUTH_M2M"
TOOLS = (
    "start_research",
    "list_active_jobs",
    "get_status",
    "cancel",
    "steer_research",
    "fetch_report",
    "check_citations",
)


def mismatch(connection: Mapping[str, Any], url: str, *, shared: bool) -> str:
    """Return how an existing connection differs from the intended one; "" if it does not."""
    options = connection.get("options") or {}
    if str(options.get("host", "")).rstrip("/") != url.rstrip("/"):
        return "it has another address than this app"
    kind, expected = connection.get("credential_type"), SHARED if shared else PER_PERSON
    if kind == SHARED and not shared:
        return "it signs everybody in as one caller, so that all would see the same jobs"
    return "" if kind == expected else f"its credential is {kind}, not {expected}"


async def make_connection(workspace: Workspace, target: Target, url: str) -> None:
    """Create the connection to the app at ``url``.

    Raises:
        InvalidArgument: the target has no OAuth client.
        Refused: the connection was created with another kind of credential.
    """
    client = target.client
    if client is None:
        raise InvalidArgument(
            "The connection needs an OAuth client.",
            "Create one (docs/connect-databricks.md) and pass --client-id and"
            " --client-secret-file.",
        )
    host = await workspace.call("read the host", lambda sdk: str(sdk.config.host).rstrip("/"))
    options = {
        "host": url,
        "port": str(urlsplit(url).port or 443),
        "base_path": "/mcp",
        "is_mcp_connection": "true",
        "client_id": client.id,
        "client_secret": client.secret,
        "token_endpoint": f"{host}/oidc/v1/token",
        "oauth_scope": "all-apis" if target.shared else "all-apis offline_access",
    }
    if not target.shared:
        options["authorization_endpoint"] = f"{host}/oidc/v1/authorize"
        options["oauth_credential_exchange_method"] = "header_and_body"
    connection = await workspace.do(
        "create the connection to the app",
        "POST",
        f"{ROOT}/connections",
        body={
            "name": CONNECTION,
            "connection_type": "HTTP",
            "parent": f"schemas/{target.registry_name}",
            "comment": "The app of the research jobs.",
            "options": options,
        },
        needs=f"CREATE CONNECTION on {target.registry_name}",
    )
    if fault := mismatch(connection, url, shared=target.shared):
        raise Refused(
            f"The connection {target.connection_name} was created, but {fault}.",
            "Delete it, create one in Catalog Explorer with 'OAuth User to Machine Per User', and"
            " run this command again.",
        )


async def make_service(workspace: Workspace, target: Target) -> None:
    """Create the MCP service that clients call and on which EXECUTE is granted."""
    await workspace.do(
        "create the MCP service",
        "POST",
        f"{ROOT}/mcp-services",
        query={"parent": f"schemas/{target.registry_name}", "mcp_service_id": SERVICE},
        body={
            "comment": "Asynchronous research jobs.",
            "config": {
                "source_connection": {"name": f"connections/{target.connection_name}"},
                "include_tool_selectors": list(TOOLS),
            },
        },
        needs=f"CREATE SERVICE on {target.registry_name} and USE CONNECTION on the connection",
    )
