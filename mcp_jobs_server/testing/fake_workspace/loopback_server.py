"""An ASGI application served on a loopback port by its own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 20
"""Time limit for the thread to start its event loop."""


class LoopbackServer:
    """Serves ``app`` between ``start`` and ``stop``, on any free port if ``port`` is 0.

    ``on_stop`` runs last, in the event loop of the application.
    """

    def __init__(
        self, app: ASGIApp, *, port: int = 0, on_stop: Callable[[], Awaitable[None]]
    ) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._on_stop = on_stop
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Start to accept connections.

        Raises:
            TimeoutError: the event loop did not start within ``START_SECONDS``.
        """
        self._listener.listen(2048)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("The server did not start.")

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join()
        self._listener.close()

    async def _serve(self) -> None:
        asyncio.get_running_loop().call_soon(self._ready.set)
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            await self._on_stop()
