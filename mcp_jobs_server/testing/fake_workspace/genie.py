"""The Genie API: each space answers every question with the same prepared answer."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, endpoint_not_found, required
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights

STATUSES = (
    "SUBMITTED",
    "FILTERING_CONTEXT",
    "ASKING_AI",
    "PENDING_WAREHOUSE",
    "ASKING_AI",
    "COMPLETED",
)
"""Statuses of a message in order, one for each poll. Genie asks its model again after the query."""

_WITH_QUERY = ("PENDING_WAREHOUSE", "EXECUTING_QUERY", "COMPLETED", "QUERY_RESULT_EXPIRED")


@dataclass
class Space:
    """A space and its answer: a text, a query, and the rows of the result as texts by column.

    Each poll of a message shows the next of ``statuses``; the last one is final. ``error`` is the
    type and text of a FAILED message. ``types`` are the types of the columns, STRING if missing.
    """

    space_id: str
    title: str
    answer: str = "There are 3 pumps."
    query: str = "SELECT COUNT(*) AS pumps FROM main.plant.pumps"
    columns: tuple[str, ...] = ("pumps",)
    rows: tuple[tuple[str, ...], ...] = (("3",),)
    types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = STATUSES
    error: tuple[str, str] = ("NO_TABLES_TO_QUERY_EXCEPTION", "There are no tables to query.")
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass
class Message:
    """A question in a conversation and the number of its polls."""

    message_id: str
    conversation_id: str
    content: str
    user_id: str
    created: int
    polls: int = 0

    @property
    def statement_id(self) -> str:
        digits = self.message_id[8:]
        return f"01f1c2a3-{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"


@dataclass(eq=False)
class Genie:
    """Spaces by id. A caller needs ``CAN_RUN`` on ``genie SPACE``."""

    rights: Rights
    spaces: dict[str, Space] = field(default_factory=dict, init=False)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1), init=False)

    async def handle(self, request: Request, caller: Identity, path: str) -> JSONResponse:
        """Respond to ``/api/2.0/genie/spaces/{path}``."""
        space_id, *rest = path.split("/")
        space = self.spaces.get(space_id)
        sufficient = {"CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}
        if space is None or not self.rights.allows(caller, sufficient, f"genie {space_id}"):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the Genie space.")
        match request.method, rest:
            case "GET", []:
                return JSONResponse({"space_id": space_id, "title": space.title})
            case "POST", ["start-conversation"]:
                message = self._add_message(space, "", await request.json(), caller)
                return JSONResponse(_conversation_body(space, message))
            case "POST", ["conversations", conversation_id, "messages"]:
                message = self._add_message(space, conversation_id, await request.json(), caller)
                return JSONResponse(_message_body(space, message))
            case "GET", ["conversations", _, "messages", message_id]:
                message = _find_message(space, message_id)
                message.polls += 1
                return JSONResponse(_message_body(space, message))
            case "GET", ["conversations", _, "messages", mid, "attachments", _, "query-result"]:
                return JSONResponse(_result_body(space, _find_message(space, mid)))
        raise endpoint_not_found(request.method, request.url.path)

    def _add_message(
        self, space: Space, conversation_id: str, body: Mapping[str, Any], caller: Identity
    ) -> Message:
        """Add a question to a conversation, to a new one if ``conversation_id`` is empty."""
        new_ids = (f"01f1c2a2{number:024x}" for number in self._numbers)
        message = Message(
            conversation_id=conversation_id or next(new_ids),
            message_id=next(new_ids),
            content=required(body, "content"),
            user_id=caller.id,
            created=int(time.time() * 1000),
        )
        space.messages[message.message_id] = message
        return message


def _find_message(space: Space, message_id: str) -> Message:
    if message_id not in space.messages:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the message.")
    return space.messages[message_id]


def _conversation_body(space: Space, message: Message) -> dict[str, Any]:
    conversation = {
        "id": message.conversation_id,
        "space_id": space.space_id,
        "user_id": int(message.user_id),
        "created_timestamp": message.created,
        "last_updated_timestamp": message.created,
        "title": message.content,
        "conversation_id": message.conversation_id,
    }
    return {
        "message_id": message.message_id,
        "message": _message_body(space, message),
        "conversation_id": message.conversation_id,
        "conversation": conversation,
    }


def _message_body(space: Space, message: Message) -> dict[str, Any]:
    status = space.statuses[min(message.polls, len(space.statuses) - 1)]
    body: dict[str, Any] = {
        "id": message.message_id,
        "space_id": space.space_id,
        "conversation_id": message.conversation_id,
        "user_id": int(message.user_id),
        "created_timestamp": message.created,
        "last_updated_timestamp": int(time.time() * 1000),
        "status": status,
        "content": message.content,
        "message_id": message.message_id,
    }
    if status == "FAILED":
        body["error"] = {"type": space.error[0], "error": space.error[1]}
    if status in _WITH_QUERY:
        query: dict[str, Any] = {
            "query": space.query,
            "description": message.content,
            "statement_id": message.statement_id,
            "thoughts": [{"content": message.content, "thought_type": "THOUGHT_TYPE_DESCRIPTION"}],
        }
        body["attachments"] = [
            {"attachment_id": f"01f1c2a3{message.message_id[8:]}", "query": query}
        ]
        if status == "COMPLETED":
            query["query_result_metadata"] = {"row_count": len(space.rows)}
            body["attachments"].append({"text": {"content": space.answer}})
            body["query_result"] = {
                "statement_id": message.statement_id,
                "row_count": len(space.rows),
            }
    return body


def _result_body(space: Space, message: Message) -> dict[str, Any]:
    types = (*space.types, *("STRING",) * len(space.columns))
    columns = [
        {"name": name, "position": place, "type_name": types[place], "type_text": types[place]}
        for place, name in enumerate(space.columns)
    ]
    chunk = {"chunk_index": 0, "row_offset": 0, "row_count": len(space.rows)}
    return {
        "statement_response": {
            "statement_id": message.statement_id,
            "status": {"state": "SUCCEEDED"},
            "manifest": {
                "format": "JSON_ARRAY",
                "schema": {"column_count": len(columns), "columns": columns},
                "total_chunk_count": 1,
                "chunks": [chunk],
                "total_row_count": len(space.rows),
                "truncated": False,
            },
            "result": {**chunk, "data_array": [list(row) for row in space.rows]},
        }
    }
