"""Faults that a test injects into responses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

import anyio
from starlette.responses import HTMLResponse, JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, permission_denied
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity

Kind = Literal[
    "429", "503", "500", "401", "403", "hang", "lost answer", "truncated", "unknown words"
]
"""``429``: rate limit, with Retry-After if it is set. ``500``: an empty message. ``401``: an HTML
page. ``403``: the token is invalid. ``hang``: the request is not executed and not answered for
``seconds``. ``lost answer``: the request is executed, but the response is sent after ``seconds``.
``truncated``: half of the JSON body. ``unknown words``: enum values that no API version has."""


@dataclass
class Fault:
    """Affects the next ``times`` matching requests, after letting ``after`` of them pass.

    ``method`` may be "*". ``path`` is a regular expression that is searched in the path. ``who``
    limits the fault to one caller.
    """

    method: str
    path: str
    kind: Kind
    times: int = 1
    retry_after: str = ""
    seconds: float = 30.0
    after: int = 0
    who: Identity | None = None

    @property
    def executes_request(self) -> bool:
        """Whether the request has its usual effect in the workspace."""
        return self.kind in ("lost answer", "truncated", "unknown words")

    def matches(self, method: str, path: str, caller: Identity | None) -> bool:
        return (
            self.times > 0
            and self.method in ("*", method)
            and self.who in (None, caller)
            and re.search(self.path, path) is not None
        )

    def error_response(self) -> Response:
        """Return the response to a request that is not executed."""
        match self.kind:
            case "429":
                message = (
                    "Workspace 900800700600 exceeded the rate limit for this API. Please try again"
                    " later."
                )
                limited = ApiError(429, "REQUEST_LIMIT_EXCEEDED", message).response()
                if self.retry_after:
                    limited.headers["Retry-After"] = self.retry_after
                return limited
            case "503" | "hang":
                message = "The service is temporarily unavailable. Please try again later."
                return ApiError(503, "TEMPORARILY_UNAVAILABLE", message).response()
            case "500":
                return JSONResponse({"error_code": "INTERNAL_ERROR", "message": ""}, 500)
            case "401":
                return HTMLResponse(_UNAUTHORIZED, 401)
            case _:
                return permission_denied("Invalid access token.").response()

    async def apply(self, response: Response) -> Response:
        """Delay or damage a response according to ``kind``."""
        body = bytes(response.body)
        match self.kind:
            case "hang" | "lost answer":
                await anyio.sleep(self.seconds)
            case "truncated":
                half = body[: len(body) // 2]
                return Response(half, response.status_code, media_type="application/json")
            case "unknown words":
                text = body.decode()
                for name in ("state", "life_cycle_state", "result_state", "code", "type"):
                    text = re.sub(rf'"{name}": ?"[A-Z_]+"', f'"{name}":"QUANTUM_FLUX"', text)
                return JSONResponse(json.loads(text), response.status_code)
        return response


@dataclass(eq=False)
class Faults:
    """Pending faults in the order of their injection."""

    _pending: list[Fault] = field(default_factory=list, init=False)

    def add(self, fault: Fault) -> Fault:
        self._pending.append(fault)
        return fault

    def clear(self) -> None:
        self._pending.clear()

    def take(self, method: str, path: str, caller: Identity | None) -> Fault | None:
        """Return the fault for this request, if any, and count it as used once."""
        for fault in self._pending:
            if fault.matches(method, path, caller):
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None


_UNAUTHORIZED = """<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error 401 Unauthorized</title>
</head>
<body><h2>HTTP ERROR 401</h2>
<p>Problem accessing this page. Reason:
<pre>    Unauthorized</pre></p>
</body>
</html>
"""
