"""One line in the log for each HTTP request: by whom it can be found, never what it was about."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("mcp_jobs_server.requests")

HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_TALKATIVE = ("httpx2", "httpcore2", "mcp", "urllib3")
"""Loggers that tell addresses and bodies at lower levels than this one."""

Facts = dict[str, str | int]

_request: ContextVar[Facts | None] = ContextVar("request", default=None)


def annotate_request(**facts: str | None) -> None:
    """Add to the line of the request that is being answered, if there is one."""
    about = _request.get()
    if about is not None:
        about.update({name: value for name, value in facts.items() if value})


class RequestLog:
    """ASGI middleware that names each request, answers with its name, and logs its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        about: Facts = {"request_id": name, "method": scope["method"], "path": _path(scope)}
        began = time.monotonic()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                about["status"] = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        token = _request.set(about)
        try:
            await self._app(scope, receive, answer)
        finally:
            about["ms"] = round((time.monotonic() - began) * 1000)
            log.info("request", extra={"facts": dict(about)})
            _request.reset(token)


def _path(scope: Scope) -> str:
    """Return the path where it is one of ours; what else a caller asks for is not repeated."""
    known = ("/mcp", "/health", "/ready")
    return scope["path"] if scope["path"] in known else "other"


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line, with the name of the request it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        about = _request.get() or {}
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if "request_id" in about:
            said["request_id"] = about["request_id"]
        said.update(getattr(record, "facts", {}))
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def log_as_json(level: str) -> None:
    """Write the log of this process to standard error as lines of JSON.

    Requests are told at every level; of what libraries say only warnings.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    log.setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
