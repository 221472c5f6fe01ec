"""Passes messages between a client on stdio and a server on HTTP, in both protocol eras."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Mapping
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

TRUE_VERSION = "x-true-protocol-version"
"""Carries the version that a message is really of, from here to the door. See ``_headers``."""

MODERN = "2026-07-28"
CUT_OFF = "The app ended in the middle of the answer. Nothing is lost; call again in a minute."


class Sends(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...


Receives = AsyncIterable[SessionMessage | Exception]


class Passing:
    """What is known of the conversation: the version that client and server agreed on."""

    def __init__(self) -> None:
        self._version = ""
        self._agreeing: object = None

    async def out(self, ours: Receives, app: Sends) -> None:
        """Pass on what the client says until it goes."""
        async for said in ours:
            if isinstance(said, Exception):
                log.warning("The client wrote a line that is no message (%s).", type(said).__name__)
                continue
            await app.send(SessionMessage(said.message, metadata=self._stamp(said)))

    async def back(self, theirs: Receives, client: Sends) -> None:
        """Pass on what the server says, its notifications included."""
        async for said in theirs:
            if isinstance(said, Exception):
                log.warning("The app answered what is no message (%s).", type(said).__name__)
                continue
            message = said.message
            if isinstance(message, JSONRPCResponse) and message.id == self._agreeing:
                self._version = str(message.result.get("protocolVersion", ""))
            if isinstance(message, JSONRPCError) and message.error.code == CONNECTION_CLOSED:
                message.error.message = CUT_OFF
            await client.send(SessionMessage(message))

    def _stamp(self, said: SessionMessage) -> ClientMessageMetadata | None:
        message = said.message
        if not isinstance(message, JSONRPCRequest | JSONRPCNotification):
            return None
        if isinstance(message, JSONRPCRequest) and message.method == "initialize":
            self._agreeing = message.id
            return None
        return ClientMessageMetadata(headers=self._headers(message.method, message.params or {}))

    def _headers(self, method: str, params: Mapping[str, object]) -> dict[str, str]:
        """Return the headers that HTTP wants beside the body.

        The SDK's transport ends the request of a call that is cancelled only where it takes it for
        one of the modern era; in the other it would send a notice that reaches nobody, as any
        replica may get it. So it is told so of every message, and the door puts the true version
        in.
        """
        meta = params.get("_meta")
        modern = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, Mapping) else None
        headers = {MCP_PROTOCOL_VERSION_HEADER: MODERN, TRUE_VERSION: modern or self._version}
        if modern:
            headers[MCP_METHOD_HEADER] = method
            name = params.get(NAME_BEARING_METHODS.get(method, ""))
            if isinstance(name, str):
                headers[MCP_NAME_HEADER] = encode_header_value(name)
        return headers


async def pass_on(client: tuple[Receives, Sends], app: tuple[Receives, Sends]) -> None:
    """Pass messages both ways until the client goes."""
    passing = Passing()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(passing.back, app[0], client[1])
        await passing.out(client[0], app[1])
        tasks.cancel_scope.cancel()
