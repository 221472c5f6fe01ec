"""Genie spaces: a question is answered after some looks, from what was put into the space."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.fake_workspace.errors import ApiError, no_route
from mcp_jobs_server.fake_workspace.identities import Identity
from mcp_jobs_server.fake_workspace.rights import Rights

STATUSES = (
    "SUBMITTED",
    "FILTERING_CONTEXT",
    "ASKING_AI",
    "PENDING_WAREHOUSE",
    "ASKING_AI",
    "COMPLETED",
)
"""Seen in this order, one a look. Genie asks its model again after the query."""


@dataclass
class Space:
    """A space and its one answer: words, the query, and rows of texts by column."""

    space_id: str
    title: str
    answer: str = "There are 3 pumps."
    query: str = "SELECT COUNT(*) AS pumps FROM main.plant.pumps"
    columns: tuple[str, ...] = ("pumps",)
    rows: tuple[tuple[str, ...], ...] = (("3",),)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)


class Genie:
    """Spaces by id; ``genie SPACE`` needs ``CAN_RUN``."""

    def __init__(self, rights: Rights) -> None:
        self.spaces: dict[str, Space] = {}
        self._rights = rights
        self._numbers = itertools.count(1)

    async def answer(self, request: Request, who: Identity, path: str) -> JSONResponse:
        """Answer ``/api/2.0/genie/spaces/{path}``."""
        space_id, *rest = path.split("/")
        space = self.spaces.get(space_id)
        if space is None or not self._rights.may(who, {"CAN_RUN"}, f"genie {space_id}"):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the Genie space.")
        match request.method, rest:
            case "GET", []:
                return JSONResponse({"space_id": space_id, "title": space.title})
            case "POST", ["start-conversation"]:
                return JSONResponse(self._ask(space, (await request.json())["content"]))
            case "GET", ["conversations", _, "messages", message_id]:
                return JSONResponse(self._look(space, message_id))
            case "GET", ["conversations", _, "messages", _, "attachments", _, "query-result"]:
                return JSONResponse(_rows(space))
        raise no_route(request.method, request.url.path)

    def _ask(self, space: Space, content: str) -> dict[str, Any]:
        number = next(self._numbers)
        conversation, message = f"01f0c{number:027x}", f"01f0d{number:027x}"
        space.messages[message] = {
            "id": message,
            "message_id": message,
            "space_id": space.space_id,
            "conversation_id": conversation,
            "content": content,
            "status": STATUSES[0],
        }
        return {
            "conversation_id": conversation,
            "message_id": message,
            "conversation": {"id": conversation, "space_id": space.space_id, "title": content},
            "message": dict(space.messages[message]),
        }

    def _look(self, space: Space, message_id: str) -> dict[str, Any]:
        message = space.messages.get(message_id)
        if message is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the message.")
        looks = message["looks"] = message.get("looks", 0) + 1
        message["status"] = STATUSES[min(looks, len(STATUSES) - 1)]
        if message["status"] == "COMPLETED":
            message["attachments"] = [
                {
                    "attachment_id": f"01f0e{message_id[5:]}",
                    "query": {
                        "query": space.query,
                        "statement_id": f"01f0f-{message_id[5:]}",
                        "query_result_metadata": {"row_count": len(space.rows)},
                    },
                },
                {"text": {"content": space.answer}},
            ]
        return {name: value for name, value in message.items() if name != "looks"}


def _rows(space: Space) -> dict[str, Any]:
    columns = [
        {"name": name, "position": place, "type_name": "STRING", "type_text": "STRING"}
        for place, name in enumerate(space.columns)
    ]
    return {
        "statement_response": {
            "statement_id": "01f0f0d0-0000-1000-8000-000000000000",
            "status": {"state": "SUCCEEDED"},
            "manifest": {
                "format": "JSON_ARRAY",
                "schema": {"column_count": len(columns), "columns": columns},
                "total_row_count": len(space.rows),
                "truncated": False,
            },
            "result": {
                "chunk_index": 0,
                "row_offset": 0,
                "row_count": len(space.rows),
                "data_array": [list(row) for row in space.rows],
            },
        }
    }
