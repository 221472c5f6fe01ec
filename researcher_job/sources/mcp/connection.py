"""A connection to one MCP server, made at first use by a task of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio

from research_contract.processes import DATA_MARK, JOB_MARK
from research_contract.services import Service
from researcher_job.core.errors import JobError, error_kind
from researcher_job.sources.document import Reason
from researcher_job.sources.services.base import ServiceFailed

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp.types import CallToolResult, Tool

GIVEN_UP_AFTER = 3
"""Failures in a row after which a server is not asked again."""

_MAX_TOOLS = 1_000
_END_SECONDS = 10.0
"""How long the end of a connection may take; the library ends the process of a server in six."""

_PASSED_ON = (JOB_MARK, DATA_MARK, "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
"""Variables of the job that the process of a server gets, besides those that the library passes on
(HOME, PATH and the like): what finds it again, temporary files and locale. No token or key."""

T = TypeVar("T")
Connect = Callable[[], AbstractAsyncContextManager["Client"]]


class Connection:
    """Calls tools of one server. A call after the connection broke connects anew.

    The library needs that a connection is opened and closed in one task, while any task may use
    it; so a task of its own holds it. Every call may raise ``ServiceFailed``.
    """

    def __init__(self, connect: Connect, *, seconds: float) -> None:
        self._connect = connect
        self._seconds = seconds
        self._failures = 0
        self._calls = 0
        self._lock = asyncio.Lock()
        self._held: _Held | None = None

    async def tools(self) -> list[Tool]:
        """Return the tools that the server offers."""

        async def listed(client: Client) -> list[Tool]:
            found: list[Tool] = []
            cursor: str | None = None
            while True:
                page = await client.list_tools(cursor=cursor)
                found += page.tools
                cursor = page.next_cursor
                if cursor is None or len(found) >= _MAX_TOOLS:
                    return found

        return await self._ask(listed)

    async def call(self, tool: str, arguments: Mapping[str, object]) -> CallToolResult:
        """Call ``tool``; a result that says that the tool failed is returned, too."""
        return await self._ask(lambda client: client.call_tool(tool, dict(arguments)))

    async def close(self) -> None:
        """End the connection, and the process of a server on this machine."""
        held, self._held = self._held, None
        if held is not None:
            await held.end()

    async def _ask(self, ask: Callable[[Client], Awaitable[T]]) -> T:
        from mcp.shared.exceptions import MCPError
        from mcp.types import CONNECTION_CLOSED

        if self._failures >= GIVEN_UP_AFTER:
            raise ServiceFailed(
                f"It was given up after {self._failures} failures in a row.", Reason.GIVEN_UP
            )
        self._calls += 1
        try:
            client = await self._connected()
            with anyio.fail_after(self._seconds):
                result = await ask(client)
        except TimeoutError:
            # Other calls may still be answered; a server that hangs is ended with the last one.
            await self._fail(drop=self._calls == 1)
            raise ServiceFailed(f"It did not answer within {self._seconds:g} seconds.") from None
        except ServiceFailed:
            await self._fail(drop=True)
            raise
        except Exception as error:
            lives = isinstance(error, MCPError) and error.code != CONNECTION_CLOSED
            await self._fail(drop=not lives)
            said = (
                f"It refused the call (error {error.code})."
                if isinstance(error, MCPError) and lives
                else ""
            )
            raise ServiceFailed(said or f"It broke off ({error_kind(error)}).") from error
        finally:
            self._calls -= 1
        self._failures = 0
        return result

    async def _fail(self, *, drop: bool) -> None:
        self._failures += 1
        if drop:
            await self.close()

    async def _connected(self) -> Client:
        """Return the client; connecting may take twice as long as a call."""
        async with self._lock:
            if self._held is None:
                self._held = _Held(self._connect)
            try:
                with anyio.fail_after(2 * self._seconds):
                    return await self._held.client()
            except TimeoutError:
                raise ServiceFailed("It did not start in time.") from None
            except JobError as error:
                raise ServiceFailed(str(error)) from error
            except Exception as error:
                raise ServiceFailed(f"It cannot be reached ({error_kind(error)}).") from error


class _Held:
    """A connection that a task of its own holds open until ``end``."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._scope = anyio.CancelScope()
        self._ending = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold())

    async def client(self) -> Client:
        """Wait for the client; raises what went wrong while connecting."""
        return await asyncio.shield(self._ready)

    async def end(self) -> None:
        """End the connection, at once where it was not made yet."""
        self._ending.set()
        if not self._ready.done():
            self._scope.cancel()
        if not (await asyncio.wait([self._task], timeout=_END_SECONDS))[0]:
            self._scope.cancel()
            await asyncio.wait([self._task], timeout=_END_SECONDS)

    async def _hold(self) -> None:
        try:
            with self._scope:
                async with self._connect() as client:
                    self._ready.set_result(client)
                    await self._ending.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits for the client gets it
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            if not self._ready.done():
                self._ready.cancel()


@asynccontextmanager
async def over_stdio(service: Service, secrets: Mapping[str, str]) -> AsyncIterator[Client]:
    """Start the command of ``service``, which gets no variable of the job but named ones.

    Its errors are not shown: they may hold text of sources.
    """
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    command = StdioServerParameters(
        command=service.address,
        args=list(service.settings.args),
        env={**passed_on, **secrets},
        encoding_error_handler="replace",
    )
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230, PTH123 - never waits
        async with Client(stdio_client(command, errlog=nowhere), cache=None) as client:
            yield client


@asynccontextmanager
async def over_http(
    address: str, headers: Mapping[str, str], *, seconds: float
) -> AsyncIterator[Client]:
    """Connect to ``address``; proxies and credentials of the environment are not used."""
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    timeout = httpx2.Timeout(seconds)
    async with (
        httpx2.AsyncClient(headers=dict(headers), timeout=timeout, trust_env=False) as http,
        Client(streamable_http_client(address, http_client=http), cache=None) as client,
    ):
        yield client
