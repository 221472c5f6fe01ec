"""Errors as a workspace answers them; texts and codes after recorded bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class ApiError(Exception):
    """An answer that is not 200. ``code`` is left out of the body where it is ``None``."""

    def __init__(
        self, status: int, code: str | None, message: str, *, reason: str = "", domain: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self._details = [{"@type": _ERROR_INFO, "reason": reason, "domain": domain}]
        self._detailed = bool(reason)

    def response(self) -> JSONResponse:
        body: dict[str, Any] = {"message": self.message}
        if self.code is not None:
            body = {"error_code": self.code, **body}
        if self._detailed:
            body["details"] = self._details
        return JSONResponse(body, status_code=self.status)


def of_files(status: int, code: str, message: str, reason: str) -> ApiError:
    """Return an error of the Files API."""
    return ApiError(
        status,
        code,
        message,
        reason=f"FILES_API_{reason}",
        domain="filesystem.databricks.com",
    )


def of_catalog(status: int, code: str, message: str) -> ApiError:
    """Return an error of Unity Catalog."""
    return ApiError(status, code, message, reason=code, domain="unity-catalog.databricks.com")


def no_route(method: str, path: str) -> ApiError:
    """Return the gateway's answer to a route that it does not have."""
    short = re.sub(r"^/api/\d\.\d", "", path)
    return ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {short}'")


def denied(message: str) -> ApiError:
    return ApiError(403, "PERMISSION_DENIED", message)


def wrong(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def needed(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that a request must have."""
    value = fields.get(name)
    if value in (None, ""):
        raise wrong(f"Missing required field: {name}")
    return str(value)
