"""Schemas, volumes, connections and MCP services as Unity Catalog shows them."""

from __future__ import annotations

import re
import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcp_jobs_server.testing.fake_workspace.errors import needed, wrong

METASTORE = "120efa64-9b68-46ba-be38-f319458430d2"
_NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")


def named(fields: Mapping[str, Any], field: str) -> str:
    """Return a name as it is stored: in lower case.

    Raises:
        ApiError: it is missing, or no name can be so.
    """
    name = needed(fields, field).lower()
    if not _NAME.fullmatch(name):
        raise wrong(f"'{name}' is not a valid name.")
    return name


def schema_body(catalog: str, name: str, comment: str, owner: str) -> dict[str, Any]:
    """Return a new schema."""
    inherited = {"inherited_from_type": "METASTORE", "inherited_from_name": "example-metastore"}
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
        "enable_predictive_optimization": "INHERIT",
        "effective_predictive_optimization_flag": {"value": "ENABLE", **inherited},
        "browse_only": False,
    }


def volume_body(catalog: str, schema: str, name: str, comment: str, owner: str) -> dict[str, Any]:
    """Return a new managed volume."""
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
        "storage_location": f"s3://example-metastore/metastore/{METASTORE}/volumes/{volume_id}",
        **_made(owner),
    }


def connection_body(full_name: str, asked: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return a new connection; its secrets are not shown."""
    options = asked.get("options", {})
    shown = {key: value for key, value in options.items() if key in _SHOWN}
    return {
        **{key: asked[key] for key in ("name", "connection_type", "comment") if key in asked},
        "credential_type": _credential(options),
        "owner": owner,
        "full_name": full_name,
        "connection_id": str(uuid.uuid4()),
        "metastore_id": METASTORE,
        "options": shown,
        "read_only": False,
        **_made(owner),
        "provisioning_info": {"state": "ACTIVE"},
    }


_SHOWN = (
    *("host", "port", "base_path", "is_mcp_connection", "client_id", "oauth_scope"),
    *("authorization_endpoint", "token_endpoint", "oauth_credential_exchange_method"),
)


def _credential(options: Mapping[str, str]) -> str:
    if "bearer_token" in options:
        return "BEARER_TOKEN"
    return "OAUTH_U2M" if "authorization_endpoint" in options else "OAUTH_M2M"


def service_body(full_name: str, asked: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return a new MCP service."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        **asked,
        "name": f"mcp-services/{full_name}",
        "effective_owner": owner,
        "metastore_id": METASTORE,
        "created_by": owner,
        "create_time": now,
        "updated_by": owner,
        "update_time": now,
        "etag": b64encode(now.encode()).decode(),
    }


def _made(owner: str) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {"created_at": now, "created_by": owner, "updated_at": now, "updated_by": owner}
