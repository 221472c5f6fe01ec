"""Bounds of HTTP connections: how many, how slow, and what a client costs that hangs up."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from http import HTTPStatus

import anyio
import anyio.lowlevel
import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 500
"""Most connections of one server, if the system allows it twice as many open files."""

TOO_MANY = "This server has too many connections at the moment. Try again in some seconds.\n"
TOO_SLOW = "The request did not arrive in time. Send it again, head and body without pauses.\n"


def connection_limit() -> int:
    """Return how many connections are served: at most half of the files this process may open."""
    if os.name == "nt":
        return MAX_CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


class BoundedConnection(H11Protocol):
    """A connection on which each request must arrive in time.

    Beyond ``most`` connections a request is refused with the status 503; beyond half as many again
    the connection is closed at once, since even a refusal takes an open file. A head must arrive
    within ``head_seconds``, a body within ``body_seconds``; otherwise the answer is 408, or nothing
    where nothing was sent.
    """

    most = connection_limit()
    head_seconds = 10.0
    body_seconds = 60.0

    _deadline: asyncio.TimerHandle | None = None
    _awaited: object = None
    _is_refused = False

    def connection_made(  # type: ignore[override] # as in the base class
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        count = len(self.connections)
        self._is_refused = count > self.most
        if count == self.most + 1:
            log.warning("More than %d connections: further ones are refused.", self.most)
        if count > self.most * 3 // 2:
            transport.abort()
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)
            return
        super().data_received(data)
        self._set_deadline()

    def _set_deadline(self) -> None:
        """Start the time of the part that is awaited, unless it runs already."""
        awaited = self.conn.their_state
        if awaited is self._awaited:
            return
        self._end_deadline()
        seconds = {h11.IDLE: self.head_seconds, h11.SEND_BODY: self.body_seconds}.get(awaited)
        if seconds is not None:
            self._awaited = awaited
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _end_deadline(self) -> None:
        self._awaited = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        has_begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if has_begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW)
        else:  # nothing was asked, or an answer is on its way
            self.transport.close()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        head = (
            f"HTTP/1.1 {status} {status.phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(text)}",
            "Retry-After: 5",
            "Connection: close",
        )
        self.transport.write("\r\n".join((*head, "", text)).encode("ascii"))
        self.transport.close()


@dataclass(eq=False)
class HangUps:
    """ASGI middleware that ends a request whose client hung up before it was whole.

    The SDK would log a traceback for each, and formatting a hundred of them blocks the server.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_whole = False

        async def receive_or_end() -> Message:
            nonlocal is_whole
            message = await receive()
            if message["type"] == "http.disconnect" and not is_whole:
                log.warning("A client hung up before its request was complete.")
                request.cancel()
                await anyio.lowlevel.checkpoint()
            is_whole = is_whole or not message.get("more_body", False)
            return message

        with anyio.CancelScope() as request:
            await self.app(scope, receive_or_end, send)
