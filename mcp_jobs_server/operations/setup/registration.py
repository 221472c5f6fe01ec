"""The app as an MCP server in Unity Catalog: a connection that reaches it, a service that names it.

With a client of the kind that asks each person to sign in, the app sees who is calling. With
client credentials it sees one caller, whoever calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import InvalidArgument, Refused
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.catalog import ROOT
from mcp_jobs_server.operations.setup.target import CONNECTION, SERVICE, Client, Wanted

PER_PERSON, SHARED = "OAUTH_U2M_MAPPING", "OAUTH_M2M"
TOOLS = (
    "start_research",
    "list_active_jobs",
    "get_status",
    "cancel",
    "fetch_report",
    "check_citations",
)


def credential(*, shared: bool) -> str:
    """Return the kind of credential that a connection must have."""
    return SHARED if shared else PER_PERSON


def differs(told: Mapping[str, Any], url: str, *, shared: bool) -> str:
    """Say what is wrong with a connection that is there; "" where it is the one that is wanted."""
    options = told.get("options") or {}
    if str(options.get("host", "")).rstrip("/") != url.rstrip("/"):
        return "it reaches another address than this app"
    kind = told.get("credential_type")
    if kind == SHARED and not shared:
        return "it signs everybody in as one caller, so that all would see the same jobs"
    if kind != credential(shared=shared):
        return f"its credential is {kind}, not {credential(shared=shared)}"
    return ""


def client_of(wanted: Wanted) -> Client:
    """Return the OAuth client to use.

    Raises:
        InvalidArgument: none was given.
    """
    if wanted.client:
        return wanted.client
    raise InvalidArgument(
        "The connection needs an OAuth client.",
        "Make one (docs/connect-databricks.md) and pass --client-id and --client-secret-file.",
    )


async def make_connection(workspace: Workspace, wanted: Wanted, url: str, client: Client) -> None:
    """Make the connection to the app at ``url``.

    Raises:
        Refused: it was made and is of another kind; nothing is built on it.
    """
    host = await workspace.call("read the host", lambda found: str(found.config.host))
    body = {
        "name": CONNECTION,
        "connection_type": "HTTP",
        "parent": f"schemas/{wanted.registry_name}",
        "comment": "The app of the research jobs.",
        "options": _options(host.rstrip("/"), url, client, shared=wanted.shared),
    }
    needs = f"CREATE CONNECTION on {wanted.registry_name}"
    doing = "make the connection to the app"
    told = await workspace.do(doing, "POST", f"{ROOT}/connections", body=body, needs=needs)
    if wrong := differs(told, url, shared=wanted.shared):
        raise Refused(
            f"The connection {wanted.connection_name} was made, but {wrong}.",
            "Delete it, make one in Catalog Explorer with 'OAuth User to Machine Per User', and"
            " run this again.",
        )


def _options(host: str, url: str, client: Client, *, shared: bool) -> dict[str, str]:
    options = {
        "host": url,
        "port": str(urlsplit(url).port or 443),
        "base_path": "/mcp",
        "is_mcp_connection": "true",
        "client_id": client.id,
        "client_secret": client.secret,
        "token_endpoint": f"{host}/oidc/v1/token",
        "oauth_scope": "all-apis" if shared else "all-apis offline_access",
    }
    if not shared:
        options["authorization_endpoint"] = f"{host}/oidc/v1/authorize"
        options["oauth_credential_exchange_method"] = "header_and_body"
    return options


async def make_service(workspace: Workspace, wanted: Wanted) -> None:
    """Make the MCP service that clients call, and that EXECUTE is granted on."""
    await workspace.do(
        "make the MCP service",
        "POST",
        f"{ROOT}/mcp-services",
        query={"parent": f"schemas/{wanted.registry_name}", "mcp_service_id": SERVICE},
        body={
            "comment": "Asynchronous research jobs.",
            "config": {
                "source_connection": {"name": f"connections/{wanted.connection_name}"},
                "include_tool_selectors": list(TOOLS),
            },
        },
        needs=f"CREATE SERVICE on {wanted.registry_name} and USE CONNECTION on the connection",
    )
