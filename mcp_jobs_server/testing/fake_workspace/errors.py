"""Error responses of a workspace; codes and messages follow recorded responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import JSONResponse


@dataclass(eq=False)
class ApiError(Exception):
    """An error response. ``error_code`` is left out of the body if ``code`` is ``None``, and
    ``details`` if ``reason`` is empty."""

    status: int
    code: str | None
    message: str
    reason: str = ""
    domain: str = ""

    def response(self) -> JSONResponse:
        body: dict[str, Any] = {"message": self.message}
        if self.code is not None:
            body = {"error_code": self.code, **body}
        if self.reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            body["details"] = [{"@type": kind, "reason": self.reason, "domain": self.domain}]
        return JSONResponse(body, status_code=self.status)


def files_error(status: int, code: str, message: str, reason: str) -> ApiError:
    """Return an error of the Files API."""
    return ApiError(status, code, message, f"FILES_API_{reason}", "filesystem.databricks.com")


def catalog_error(status: int, code: str, message: str) -> ApiError:
    """Return an error of Unity Catalog."""
    return ApiError(status, code, message, code, "unity-catalog.databricks.com")


def endpoint_not_found(method: str, path: str) -> ApiError:
    """Return the error of the gateway for a route that does not exist."""
    short = re.sub(r"^/api/\d\.\d", "", path)
    return ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {short}'")


permission_denied = partial(ApiError, 403, "PERMISSION_DENIED")
invalid_parameter = partial(ApiError, 400, "INVALID_PARAMETER_VALUE")


def required(fields: Mapping[str, Any], name: str) -> str:
    """Return a required field of a request.

    Raises:
        ApiError: 400 if the field is missing or empty.
    """
    value = fields.get(name)
    if value in (None, ""):
        raise invalid_parameter(f"Missing required field: {name}")
    return str(value)
