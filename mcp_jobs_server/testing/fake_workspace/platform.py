"""Smaller services: secrets, model serving, apps."""

from __future__ import annotations

import base64
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, no_route
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights


class Platform:
    """What is neither jobs, files nor catalog. ``secrets`` is by ``scope/key``.

    ``endpoints`` are by name; ``replies`` of one are the messages that it answers with, in order,
    such as ``{"content": …}`` or ``{"content": "", "tool_calls": […]}``. ``asked`` is what all
    endpoints were asked.
    """

    def __init__(self, rights: Rights) -> None:
        self.secrets: dict[str, str] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.apps: dict[str, dict[str, Any]] = {}
        self._rights = rights

    async def answer(self, request: Request, who: Identity) -> Response:
        """Answer any other path."""
        path = request.scope["path"]
        parts = [part for part in path.split("/") if part]
        match request.method, parts:
            case "GET", ["api", "2.0", "secrets", "get"]:
                return JSONResponse(self._secret(request, who))
            case "GET", ["api", "2.0", "serving-endpoints", name]:
                return JSONResponse(self._endpoint(name, who))
            case "POST", ["serving-endpoints", name, "invocations"]:
                self._endpoint(name, who)
                return JSONResponse(self._completion(name, await request.json()))
            case "GET", ["api", "2.0", "apps", name]:
                if name not in self.apps:
                    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"App '{name}' does not exist.")
                return JSONResponse({"name": name, **self.apps[name]})
        raise no_route(request.method, path)

    def _secret(self, request: Request, who: Identity) -> dict[str, str]:
        scope, key = request.query_params.get("scope", ""), request.query_params.get("key", "")
        self._rights.need(who, "READ", f"secret-scope {scope}")
        value = self.secrets.get(f"{scope}/{key}")
        if value is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with key: {key}")
        return {"key": key, "value": base64.b64encode(value.encode()).decode()}

    def _endpoint(self, name: str, who: Identity) -> dict[str, Any]:
        self._rights.need(who, "CAN_QUERY", f"serving-endpoint {name}")
        if name not in self.endpoints:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{name}' does not exist.")
        told = {key: value for key, value in self.endpoints[name].items() if key != "replies"}
        return {"name": name, "state": {"ready": "READY", "config_update": "NOT_UPDATING"}, **told}

    def _completion(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer with the next of the endpoint's replies, or with a sentence."""
        self.asked.append(asked)
        replies = self.endpoints[name].get("replies") or []
        told = replies.pop(0) if replies else {"content": "It answers."}
        wants = "tool_calls" if told.get("tool_calls") else "stop"
        message = {"role": "assistant", **told}
        words = len(str(asked.get("messages", ""))) // 4, len(str(told)) // 4
        return {
            "model": name,
            "choices": [{"message": message, "index": 0, "finish_reason": wants}],
            "usage": {
                "prompt_tokens": words[0],
                "completion_tokens": words[1],
                "total_tokens": sum(words),
            },
            "object": "chat.completion",
            "id": f"msg_bdrk_fake{len(self.asked):04d}",
            "created": int(time.time()),
        }
