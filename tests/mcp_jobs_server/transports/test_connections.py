"""Clients that hang up, send slowly or are too many keep nobody else from the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
import uvicorn
from anyio.abc import SocketStream
from mcp.types import LATEST_PROTOCOL_VERSION
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mcp_jobs_server.transports.connections import (
    TOO_MANY,
    TOO_SLOW,
    BoundedConnection,
    HangUps,
    connection_limit,
)
from tests.benchmarks.bare import free_port
from tests.mcp_jobs_server.transports.serving import LONGEST, Home, home, listening, served

pytestmark = pytest.mark.anyio

HANG_UPS = 100
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as found:
        yield found


def post(body: bytes, *, length: int, version: str = "") -> bytes:
    """Return a request of an older client, or of one with this protocol version."""
    return (
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{f'MCP-Protocol-Version: {version}' if version else 'X-Old: 1'}\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode() + body


def call(**params: object) -> bytes:
    asked = {"name": "get_status", "arguments": params}
    said = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked}
    return json.dumps(said).encode()


async def connected_to(url: str) -> SocketStream:
    parts = httpx2.URL(url)
    return await anyio.connect_tcp(parts.host, parts.port or 80)


async def rest_of(stream: SocketStream) -> bytes:
    """Return what the server sends until it closes the connection."""
    received = b""
    with anyio.fail_after(LONGEST):
        while True:
            try:
                received += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return received


async def until_answered(client: httpx2.AsyncClient, url: str) -> None:
    """Ask until the server has room again."""
    with anyio.fail_after(LONGEST):
        while True:
            if (await client.get(url)).status_code == 200:
                return
            await anyio.sleep(0.05)


@pytest.mark.parametrize("version", ["", LATEST_PROTOCOL_VERSION])
@pytest.mark.parametrize("part", ["head", "body"])
async def test_clients_that_hang_up_in_a_request_cost_at_most_a_line_each(
    here: Home, tmp_path: Path, part: str, version: str
) -> None:
    log = tmp_path / "log.txt"
    sent = post(b'{"jsonrpc"', length=1000, version=version)
    async with served(here, log=log) as url:
        for _ in range(HANG_UPS):
            async with await connected_to(url) as stream:
                await stream.send(sent if part == "body" else sent[:60])
        async with httpx2.AsyncClient(timeout=LONGEST) as client:
            assert (await client.get(f"{url}/health")).status_code == 200
    said = log.read_text()
    assert "Traceback" not in said
    assert said.count("\n") <= HANG_UPS + 1  # and the line with the address
    assert ("hung up" in said) == (part == "body")


@pytest.mark.parametrize("version", ["", LATEST_PROTOCOL_VERSION])
async def test_clients_that_hang_up_before_the_answer_leave_no_traceback(
    here: Home, tmp_path: Path, version: str
) -> None:
    log = tmp_path / "log.txt"
    body = call(job_id="20260101-none", wait_seconds=20)
    async with served(here, log=log) as url:
        for _ in range(HANG_UPS):
            async with await connected_to(url) as stream:
                await stream.send(post(body, length=len(body), version=version))
        async with httpx2.AsyncClient(timeout=LONGEST) as client:
            assert (await client.get(f"{url}/health")).status_code == 200
    assert "Traceback" not in log.read_text()


async def test_the_log_is_plain_lines(here: Home, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    told = {"MCP_JOBS_LOG_LEVEL": "INFO"}
    async with served(here, log=log, env=told) as url, httpx2.AsyncClient() as client:
        await client.get(f"{url}/health")
    assert "\nINFO mcp.server." in log.read_text()


class Quick(BoundedConnection):
    """Bounds that a test can reach."""

    most = 4
    head_seconds = 0.3
    body_seconds = 0.6


@asynccontextmanager
async def small_server() -> AsyncIterator[str]:
    """Serve an application that answers with the length of the body, within the bounds above."""

    async def length(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/{path:path}", length, methods=["GET", "POST"])])
    app.add_middleware(HangUps)
    port = free_port()
    config = uvicorn.Config(app, port=port, http=Quick, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server._serve)
        await listening(port)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True


@pytest.mark.parametrize(
    "sent",
    [b"GET / HT", GET[:-2], post(b"", length=10), post(b"12345", length=10)],
    ids=["line", "headers", "no body", "half a body"],
)
async def test_a_slow_request_is_told_so_and_dropped(sent: bytes) -> None:
    async with small_server() as url, await connected_to(url) as stream:
        await stream.send(sent)
        said = await rest_of(stream)
        assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert said.endswith(TOO_SLOW.encode())


async def test_a_head_in_drops_does_not_gain_time() -> None:
    async with small_server() as url, await connected_to(url) as stream:
        async with anyio.create_task_group() as tasks:

            async def drip() -> None:
                await stream.send(b"GET / HTTP/1.1\r\nX: ")
                while True:
                    await anyio.sleep(0.05)
                    await stream.send(b"a")

            tasks.start_soon(drip)
            said = await rest_of(stream)
            tasks.cancel_scope.cancel()
        assert said.startswith(b"HTTP/1.1 408")


async def test_a_connection_that_asks_nothing_is_closed_without_an_answer() -> None:
    async with small_server() as url, await connected_to(url) as stream:
        assert await rest_of(stream) == b""


async def test_requests_in_time_are_answered_on_one_connection() -> None:
    async with small_server() as url, await connected_to(url) as stream:
        for _ in range(3):
            await stream.send(post(b"12345", length=10))
            await anyio.sleep(0.4)  # longer than a head may take, shorter than a body
            await stream.send(b"67890")
            assert (await stream.receive()).endswith(b"10")


async def test_connections_beyond_the_bound_are_refused_in_words_and_then_closed() -> None:
    async with small_server() as url, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(await connected_to(url)) for _ in range(7)]
        with anyio.fail_after(LONGEST):
            for stream in streams[:4]:
                await stream.send(GET)
                assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        await streams[4].send(GET)
        said = await rest_of(streams[4])
        assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert said.endswith(TOO_MANY.encode())
        assert await rest_of(streams[6]) == b""
        for stream in streams:
            await stream.aclose()
        async with httpx2.AsyncClient(timeout=LONGEST) as client:
            await until_answered(client, url)


async def test_a_server_full_of_silent_connections_answers_again(here: Home) -> None:
    most = connection_limit()
    async with served(here) as url, httpx2.AsyncClient(timeout=LONGEST) as client:
        async with AsyncExitStack() as stack:
            for _ in range(most):
                await stack.enter_async_context(await connected_to(url))
            answer = await client.get(f"{url}/health")
            assert (answer.status_code, answer.text) == (503, TOO_MANY)
            assert answer.headers["retry-after"] == "5"
        await until_answered(client, f"{url}/health")
