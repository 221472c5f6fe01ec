"""A local HTTP server with scripted answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; with ``hang`` the caller waits until the server ends."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    hang: bool = False

    @property
    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Scripted:
    """The answers by path, the requests so far, and the URL of the server."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.asked: list[str] = []
        self.ended = threading.Event()
        self._answers: dict[str, list[Answer]] = {}

    def answer(self, path: str, *answers: Answer) -> None:
        """Script the answers for ``path`` in order; the last one is repeated."""
        self._answers[path] = list(answers)

    def next(self, path: str) -> Answer:
        left = self._answers.get(path)
        if not left:
            return Answer(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "No API found"})
        return left.pop(0) if len(left) > 1 else left[0]


class QuietServer(ThreadingHTTPServer):
    """Ignores disconnected clients."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing."""


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Serve on a free loopback port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            script.asked.append(f"{self.command} {path}")
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = script.next(path)
            if answer.hang:
                script.ended.wait(60)
                return
            self.send_response(answer.status)
            for name, value in (("Content-Length", str(len(answer.data))), *answer.headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.data)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names that the library calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    server = QuietServer(("127.0.0.1", 0), Handler)
    script = Scripted(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
