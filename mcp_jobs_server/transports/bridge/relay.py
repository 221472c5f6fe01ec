"""Relays messages between a stdio client and an HTTP server, for both protocol generations."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp.types import (
    CONNECTION_CLOSED,
    PROTOCOL_VERSION_META_KEY,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

log = logging.getLogger(__name__)

VERSION_HEADER = "x-true-protocol-version"
"""Carries the actual protocol version of a message to ``AppTransport``. See ``_headers``."""

MODERN = "2026-07-28"
CONNECTION_LOST = (
    "The app closed the connection during the answer. Nothing is lost; call again in a minute."
)


class Sender(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...


Receiver = AsyncIterable[SessionMessage | Exception]


@dataclass(eq=False)
class Relay:
    """One conversation, with the protocol version that client and server agreed on."""

    _version: str = field(default="", init=False)
    _initialize_id: object = field(default=None, init=False)

    async def to_app(self, client: Receiver, app: Sender) -> None:
        """Forward the client's messages until it disconnects."""
        async for item in client:
            if isinstance(item, Exception):
                log.warning("The client sent an invalid message (%s).", type(item).__name__)
                continue
            message, metadata = item.message, None
            if isinstance(message, JSONRPCRequest) and message.method == "initialize":
                self._initialize_id = message.id
            elif isinstance(message, JSONRPCRequest | JSONRPCNotification):
                headers = self._headers(message.method, message.params or {})
                metadata = ClientMessageMetadata(headers=headers)
            await app.send(SessionMessage(message, metadata=metadata))

    async def to_client(self, app: Receiver, client: Sender) -> None:
        """Forward the app's messages, including its notifications."""
        async for item in app:
            if isinstance(item, Exception):
                log.warning("The app sent an invalid message (%s).", type(item).__name__)
                continue
            message = item.message
            if isinstance(message, JSONRPCResponse) and message.id == self._initialize_id:
                self._version = str(message.result.get("protocolVersion", ""))
            if isinstance(message, JSONRPCError) and message.error.code == CONNECTION_CLOSED:
                message.error.message = CONNECTION_LOST
            await client.send(SessionMessage(message))

    def _headers(self, method: str, params: Mapping[str, object]) -> dict[str, str]:
        """Return the HTTP headers of a message.

        When a call is cancelled, the SDK's transport closes its request only if the message has
        the modern protocol version. For a legacy version it would send a cancel notification,
        which is lost because any replica of the app may receive it. So every message is marked as
        modern here, and ``AppTransport`` restores the actual version.
        """
        meta = params.get("_meta")
        modern = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, Mapping) else None
        headers = {MCP_PROTOCOL_VERSION_HEADER: MODERN, VERSION_HEADER: modern or self._version}
        if modern:
            headers[MCP_METHOD_HEADER] = method
            name = params.get(NAME_BEARING_METHODS.get(method, ""))
            if isinstance(name, str):
                headers[MCP_NAME_HEADER] = encode_header_value(name)
        return headers


async def relay(client: tuple[Receiver, Sender], app: tuple[Receiver, Sender]) -> None:
    """Relay messages in both directions until the client disconnects."""
    conversation = Relay()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(conversation.to_client, app[0], client[1])
        await conversation.to_app(client[0], app[1])
        tasks.cancel_scope.cancel()
