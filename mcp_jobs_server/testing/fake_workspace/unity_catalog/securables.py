"""Response bodies of new schemas, volumes, connections and MCP services."""

from __future__ import annotations

import re
import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcp_jobs_server.testing.fake_workspace.errors import invalid_parameter, required

METASTORE = "120efa64-9b68-46ba-be38-f319458430d2"
_NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
_VISIBLE_OPTIONS = (
    *("host", "port", "base_path", "is_mcp_connection", "client_id", "oauth_scope"),
    *("authorization_endpoint", "token_endpoint", "oauth_credential_exchange_method"),
)


def valid_name(fields: Mapping[str, Any], field: str) -> str:
    """Return a name in lower case, as Unity Catalog stores it.

    Raises:
        ApiError: 400 if the name is missing or not valid.
    """
    name = required(fields, field).lower()
    if not _NAME.fullmatch(name):
        raise invalid_parameter(f"'{name}' is not a valid name.")
    return name


def schema_body(full_name: str, comment: str, owner: str) -> dict[str, Any]:
    catalog, name = full_name.split(".")
    inherited = {"inherited_from_type": "METASTORE", "inherited_from_name": "example-metastore"}
    return {
        "name": name,
        "catalog_name": catalog,
        "owner": owner,
        "comment": comment,
        "metastore_id": METASTORE,
        "full_name": full_name,
        "catalog_type": "MANAGED_CATALOG",
        "schema_id": str(uuid.uuid4()),
        **_audit_fields(owner),
        "enable_predictive_optimization": "INHERIT",
        "effective_predictive_optimization_flag": {"value": "ENABLE", **inherited},
        "browse_only": False,
    }


def volume_body(full_name: str, comment: str, owner: str) -> dict[str, Any]:
    """Return the body of a managed volume."""
    catalog, schema, name = full_name.split(".")
    volume_id = str(uuid.uuid4())
    return {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema,
        "volume_type": "MANAGED",
        "owner": owner,
        "comment": comment,
        "full_name": full_name,
        "volume_id": volume_id,
        "metastore_id": METASTORE,
        "storage_location": f"s3://example-metastore/metastore/{METASTORE}/volumes/{volume_id}",
        **_audit_fields(owner),
    }


def connection_body(full_name: str, request: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return the body of a connection, without its secrets."""
    options = request.get("options", {})
    if "bearer_token" in options:
        credential = "BEARER_TOKEN"
    else:
        credential = "OAUTH_U2M" if "authorization_endpoint" in options else "OAUTH_M2M"
    return {
        **{key: request[key] for key in ("name", "connection_type", "comment") if key in request},
        "credential_type": credential,
        "owner": owner,
        "full_name": full_name,
        "connection_id": str(uuid.uuid4()),
        "metastore_id": METASTORE,
        "options": {key: value for key, value in options.items() if key in _VISIBLE_OPTIONS},
        "read_only": False,
        **_audit_fields(owner),
        "provisioning_info": {"state": "ACTIVE"},
    }


def service_body(full_name: str, request: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return the body of an MCP service."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        **request,
        "name": f"mcp-services/{full_name}",
        "effective_owner": owner,
        "metastore_id": METASTORE,
        "created_by": owner,
        "create_time": now,
        "updated_by": owner,
        "update_time": now,
        "etag": b64encode(now.encode()).decode(),
    }


def _audit_fields(owner: str) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {"created_at": now, "created_by": owner, "updated_at": now, "updated_by": owner}
