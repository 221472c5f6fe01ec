"""What goes wrong on demand: faults wait for the requests they are meant for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from starlette.responses import HTMLResponse, JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, denied
from mcp_jobs_server.testing.fake_workspace.principals import Identity

Kind = Literal[
    "429", "503", "500", "401", "403", "hang", "lost answer", "truncated", "unknown words"
]
"""``429``: with Retry-After where it is given. ``500``: with an empty message. ``401``: as HTML.
``403``: the token is invalid. ``hang``: nothing is done, and nothing answered for ``seconds``.
``lost answer``: it is done, but the answer comes after ``seconds``. ``truncated``: half of the
JSON. ``unknown words``: enum values that no version knows."""


@dataclass
class Fault:
    """``times`` requests whose method and path fit get it, after ``after`` that do not.

    ``method`` may be "*"; ``path`` is a regular expression found anywhere in the path; ``who`` is
    the only caller that gets it.
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
    def is_carried_out(self) -> bool:
        """Whether the request has its effect all the same."""
        return self.kind in ("lost answer", "truncated", "unknown words")

    def fits(self, method: str, path: str, who: Identity | None) -> bool:
        return (
            self.times > 0
            and self.method in ("*", method)
            and self.who in (None, who)
            and re.search(self.path, path) is not None
        )

    def answer(self) -> Response:
        """Return the answer of the kinds that are plain errors."""
        match self.kind:
            case "429":
                limited = ApiError(
                    429,
                    "REQUEST_LIMIT_EXCEEDED",
                    "Workspace 900800700600 exceeded the rate limit for this API. Please try"
                    " again later.",
                ).response()
                if self.retry_after:
                    limited.headers["Retry-After"] = self.retry_after
                return limited
            case "503" | "hang":
                return ApiError(
                    503,
                    "TEMPORARILY_UNAVAILABLE",
                    "The service is temporarily unavailable. Please try again later.",
                ).response()
            case "500":
                return JSONResponse({"error_code": "INTERNAL_ERROR", "message": ""}, 500)
            case "401":
                return HTMLResponse(_UNAUTHORIZED, 401)
            case _:
                return denied("Invalid access token.").response()


class Faults:
    """The faults that wait. Each is used up by the requests that it fits."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, path: str, who: Identity | None) -> Fault | None:
        """Return the fault that is meant for this request, if any."""
        for fault in self._waiting:
            if fault.fits(method, path, who):
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
