"""A small server that speaks the protocol of OpenAI and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Said:
    """One answer: status, headers and body; ``text`` is the content of a good one.

    ``tool``: the text is the arguments of a call of this tool. ``hangs``: seconds before anything
    is sent. ``usage`` is what is reported.
    """

    text: str = "{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    tool: str = ""
    finish: str = "stop"
    usage: tuple[int, int] | None = (40, 7)
    hangs: float = 0.0

    def encoded(self) -> bytes:
        if self.body is not None:
            return self.body
        if self.status >= 400:
            return json.dumps({"error": {"message": self.text, "type": "x"}}).encode()
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool:
            function = {"name": self.tool, "arguments": self.text}
            calls = [{"id": "c1", "type": "function", "function": function}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        answer: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish}],
        }
        if self.usage:
            given, made = self.usage
            answer["usage"] = {
                "prompt_tokens": given,
                "completion_tokens": made,
                "total_tokens": given + made,
            }
        return json.dumps(answer).encode()


@dataclass
class ModelServer:
    """Answers in the order of ``says``, the last one again and again; keeps what it was asked.

    ``refuses_formats``: requests with ``response_format`` are refused, as some hosted models do.
    """

    says: Sequence[Said]
    refuses_formats: bool = False
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(*says: Said, refuses_formats: bool = False) -> Iterator[ModelServer]:
    """Serve on loopback until the block ends."""
    server = ModelServer(says, refuses_formats)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                answered = len(server.asked)
                server.asked.append(request)
                server.keys.append(self.headers.get("Authorization", ""))
            said = server.says[min(answered, len(server.says) - 1)]
            if server.refuses_formats and "response_format" in request:
                said = Said("response_format is not supported", status=400)
            server.ended.wait(said.hangs)
            data = said.encoded()
            self.send_response(said.status)
            for name, value in {"Content-Type": "application/json", **said.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        http.shutdown()
        http.server_close()
        thread.join()
