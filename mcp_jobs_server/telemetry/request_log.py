"""Logs one line per HTTP request, with its id and result but never its content."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("mcp_jobs_server.requests")

HEADER = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_VERBOSE_LOGGERS = ("httpx2", "httpcore2", "mcp", "urllib3")
"""Loggers that reveal addresses and bodies below the level WARNING."""

_PATHS = ("/mcp", "/health", "/ready")

Facts = dict[str, str | int]

_request: ContextVar[Facts | None] = ContextVar("request", default=None)


def annotate_request(**facts: str | None) -> None:
    """Add facts to the log line of the current request, if there is one."""
    current = _request.get()
    if current is not None:
        current.update({name: value for name, value in facts.items() if value})


@dataclass(eq=False)
class RequestLog:
    """ASGI middleware that gives each request an id, returns it as a header and logs the result."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        # Unknown paths are not repeated: the caller may have put anything there.
        path = scope["path"] if scope["path"] in _PATHS else "other"
        facts: Facts = {"request_id": request_id, "method": scope["method"], "path": path}
        began = time.monotonic()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        token = _request.set(facts)
        try:
            await self.app(scope, receive, answer)
        finally:
            facts["ms"] = round((time.monotonic() - began) * 1000)
            log.info("request", extra={"facts": dict(facts)})
            _request.reset(token)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object on one line, with the id of the current request."""

    def format(self, record: logging.LogRecord) -> str:
        request = _request.get() or {}
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if "request_id" in request:
            fields["request_id"] = request["request_id"]
        fields.update(getattr(record, "facts", {}))
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def log_as_json(level: str) -> None:
    """Write the log of this process to standard error as JSON lines.

    Requests are logged whatever the level; verbose libraries log warnings only.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    log.setLevel(logging.INFO)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
