"""Smaller APIs of the workspace: secrets, model serving and apps."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, endpoint_not_found
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights


@dataclass(eq=False)
class Platform:
    """Secrets by ``scope/key``, model serving endpoints and apps by name.

    The ``replies`` of an endpoint are the messages of its responses, in order, such as
    ``{"content": …}`` or ``{"content": "", "tool_calls": […]}``. ``chat_requests`` holds the
    bodies of the requests to all endpoints.
    """

    rights: Rights
    secrets: dict[str, str] = field(default_factory=dict, init=False)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)
    chat_requests: list[dict[str, Any]] = field(default_factory=list, init=False)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)

    async def handle(self, request: Request, caller: Identity, path: str) -> Response:
        """Respond to a path that no other API serves."""
        parts = [part for part in path.split("/") if part]
        match request.method, parts:
            case "GET", ["api", "2.0", "secrets", "get"]:
                scope, key = (
                    request.query_params.get("scope", ""),
                    request.query_params.get("key", ""),
                )
                self.rights.require(caller, "READ", f"secret-scope {scope}")
                value = self.secrets.get(f"{scope}/{key}")
                if value is None:
                    raise ApiError(
                        404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with key: {key}"
                    )
                return JSONResponse(
                    {"key": key, "value": base64.b64encode(value.encode()).decode()}
                )
            case "GET", ["api", "2.0", "serving-endpoints", name]:
                return JSONResponse(self._endpoint(name, caller))
            case "POST", ["serving-endpoints", name, "invocations"]:
                self._endpoint(name, caller)
                return JSONResponse(self._completion(name, await request.json()))
            case "GET", ["api", "2.0", "apps", name]:
                if name not in self.apps:
                    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"App '{name}' does not exist.")
                return JSONResponse({"name": name, **self.apps[name]})
        raise endpoint_not_found(request.method, path)

    def _endpoint(self, name: str, caller: Identity) -> dict[str, Any]:
        self.rights.require(caller, "CAN_QUERY", f"serving-endpoint {name}")
        if name not in self.endpoints:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{name}' does not exist.")
        fields = {key: value for key, value in self.endpoints[name].items() if key != "replies"}
        state = {"ready": "READY", "config_update": "NOT_UPDATING"}
        return {"name": name, "state": state, **fields}

    def _completion(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the next reply of the endpoint, or a fixed sentence if none is left."""
        self.chat_requests.append(body)
        replies = self.endpoints[name].get("replies") or []
        reply = replies.pop(0) if replies else {"content": "It answers."}
        finish_reason = "tool_calls" if reply.get("tool_calls") else "stop"
        message = {"role": "assistant", **reply}
        tokens = len(str(body.get("messages", ""))) // 4, len(str(reply)) // 4
        return {
            "model": name,
            "choices": [{"message": message, "index": 0, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
            },
            "object": "chat.completion",
            "id": f"msg_bdrk_fake{len(self.chat_requests):04d}",
            "created": int(time.time()),
        }
