"""Genie spaces: a question is answered after some looks, from what was put into the space."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, needed, no_route
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights

STATUSES = (
    "SUBMITTED",
    "FILTERING_CONTEXT",
    "ASKING_AI",
    "PENDING_WAREHOUSE",
    "ASKING_AI",
    "COMPLETED",
)
"""Seen in this order, one a look. Genie asks its model again after the query."""

_WITH_QUERY = ("PENDING_WAREHOUSE", "EXECUTING_QUERY", "COMPLETED", "QUERY_RESULT_EXPIRED")


@dataclass
class Space:
    """A space and its one answer: words, the query, and rows of texts by column.

    ``statuses`` are seen one a look; the last is how every question ends. ``error`` is the type
    and text of a message that FAILED. ``types`` are those of the columns, STRING where none is
    given.
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
    """A question in a conversation, and how many looks it has had."""

    message_id: str
    conversation_id: str
    content: str
    user_id: str
    created: int
    looks: int = 0


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
        enough = {"CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}
        if space is None or not self._rights.may(who, enough, f"genie {space_id}"):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the Genie space.")
        match request.method, rest:
            case "GET", []:
                return JSONResponse({"space_id": space_id, "title": space.title})
            case "POST", ["start-conversation"]:
                asked = self._ask(space, self._new(), await request.json(), who)
                return JSONResponse(_begun(space, asked))
            case "POST", ["conversations", conversation, "messages"]:
                asked = self._ask(space, conversation, await request.json(), who)
                return JSONResponse(_shown(space, asked))
            case "GET", ["conversations", _, "messages", message]:
                return JSONResponse(_look(space, message))
            case "GET", ["conversations", _, "messages", message, "attachments", _, "query-result"]:
                return JSONResponse(_rows(space, _found(space, message)))
        raise no_route(request.method, request.url.path)

    def _new(self) -> str:
        return f"01f1c2a2{next(self._numbers):024x}"

    def _ask(
        self, space: Space, conversation: str, body: Mapping[str, Any], who: Identity
    ) -> Message:
        now = int(time.time() * 1000)
        asked = Message(self._new(), conversation, needed(body, "content"), who.id, now)
        space.messages[asked.message_id] = asked
        return asked


def _found(space: Space, message_id: str) -> Message:
    if message_id not in space.messages:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "Unable to find the message.")
    return space.messages[message_id]


def _look(space: Space, message_id: str) -> dict[str, Any]:
    message = _found(space, message_id)
    message.looks += 1
    return _shown(space, message)


def _begun(space: Space, message: Message) -> dict[str, Any]:
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
        "message": _shown(space, message),
        "conversation_id": message.conversation_id,
        "conversation": conversation,
    }


def _shown(space: Space, message: Message) -> dict[str, Any]:
    status = space.statuses[min(message.looks, len(space.statuses) - 1)]
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
        body["attachments"] = [_query(space, message, done=status == "COMPLETED")]
    if status == "COMPLETED":
        body["attachments"].append({"text": {"content": space.answer}})
        done = {"statement_id": _statement(message), "row_count": len(space.rows)}
        body["query_result"] = done
    return body


def _query(space: Space, message: Message, *, done: bool) -> dict[str, Any]:
    thought = {"content": message.content, "thought_type": "THOUGHT_TYPE_DESCRIPTION"}
    query: dict[str, Any] = {
        "query": space.query,
        "description": message.content,
        "statement_id": _statement(message),
        "thoughts": [thought],
    }
    if done:
        query["query_result_metadata"] = {"row_count": len(space.rows)}
    return {"attachment_id": f"01f1c2a3{message.message_id[8:]}", "query": query}


def _statement(message: Message) -> str:
    digits = message.message_id[8:]
    return f"01f1c2a3-{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"


def _rows(space: Space, message: Message) -> dict[str, Any]:
    types = (*space.types, *("STRING",) * len(space.columns))
    columns = [
        {"name": name, "position": place, "type_name": types[place], "type_text": types[place]}
        for place, name in enumerate(space.columns)
    ]
    part = {"chunk_index": 0, "row_offset": 0, "row_count": len(space.rows)}
    return {
        "statement_response": {
            "statement_id": _statement(message),
            "status": {"state": "SUCCEEDED"},
            "manifest": {
                "format": "JSON_ARRAY",
                "schema": {"column_count": len(columns), "columns": columns},
                "total_chunk_count": 1,
                "chunks": [part],
                "total_row_count": len(space.rows),
                "truncated": False,
            },
            "result": {**part, "data_array": [list(row) for row in space.rows]},
        }
    }
