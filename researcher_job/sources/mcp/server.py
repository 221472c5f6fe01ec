"""An MCP server as a service: its search tool finds pages, its fetch tool opens them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anyio import to_thread

from research_contract.services import Service
from researcher_job.core.secrets import read_secret, workspace
from researcher_job.sources.document import Reason
from researcher_job.sources.mcp.connection import Connection, over_http, over_stdio
from researcher_job.sources.mcp.results import error_text, result_pages
from researcher_job.sources.mcp.tools import PRESETS, Tools, chosen
from researcher_job.sources.services.base import Page, PageService, ServiceFailed

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp.types import CallToolResult


class McpServer:
    """The ``PageService`` over an MCP server. Only tools that ``chosen`` returns are called.

    ``web`` opens pages where the server has no tool for it, if the configuration wants pages.
    """

    starts: Sequence[str] = ()

    def __init__(self, service: Service, web: PageService | None = None) -> None:
        self._service = service
        self._connection = Connection(self._connect, seconds=service.settings.seconds)
        self._web = web
        self._tools: Tools | None = None
        self._choosing = asyncio.Lock()

    async def tools(self) -> Tools:
        """Return the tools that may be called; the server is asked for its tools once.

        Raises:
            ServiceFailed: the server does not answer, or no tool fits.
        """
        async with self._choosing:
            if self._tools is None:
                self._tools = chosen(self._service.settings, await self._connection.tools())
            return self._tools

    async def search(self, words: str) -> Sequence[Page]:
        tools = await self.tools()
        result = await self._call(tools.search, {tools.search_argument: words})
        title = f"{self._service.name}: {tools.search}"
        return result_pages(result, address=self._service.uri, title=title, whole=False)

    async def open(self, address: str) -> Page:
        tools = await self.tools()
        if not tools.fetch:
            if self._web is None:
                raise ServiceFailed("It has no tool that opens pages.", Reason.NO_TOOL)
            return await self._web.open(address)
        said = [address] if tools.fetch_list else address
        result = await self._call(tools.fetch, {tools.fetch_argument: said})
        pages = result_pages(result, address=address, title="", whole=True)
        if not pages:
            raise ServiceFailed("It returned no text for the page.", Reason.EMPTY)
        return pages[0]

    async def close(self) -> None:
        await self._connection.close()
        if self._web is not None:
            await self._web.close()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Client]:
        """Connect, with the secrets that are read only now.

        Raises:
            JobError: a secret cannot be read.
        """
        if self._service.scheme == "mcp+stdio":
            variables = await to_thread.run_sync(self._variables)
            async with over_stdio(self._service, variables) as client:
                yield client
        else:
            headers = await to_thread.run_sync(self._headers)
            seconds = self._service.settings.seconds
            async with over_http(self._service.address, headers, seconds=seconds) as client:
                yield client

    def _variables(self) -> dict[str, str]:
        references = secret_variables(self._service)
        return {name: read_secret(reference) for name, reference in references.items()}

    def _headers(self) -> dict[str, str]:
        service = self._service
        if service.token:
            return {"Authorization": f"Bearer {read_secret(service.token)}"}
        return workspace_headers(service) if service.settings.preset == "databricks" else {}

    async def _call(self, tool: str, arguments: Mapping[str, object]) -> CallToolResult:
        result = await self._connection.call(tool, arguments)
        if result.is_error:
            raise ServiceFailed(error_text(result))
        return result


def secret_variables(service: Service) -> Mapping[str, str]:
    """Return the references to the secrets of a server that is started, by variable.

    ``token`` goes into the variable of the preset, or the one that it names itself (``env:NAME``).
    """
    found = dict(service.settings.env)
    preset = PRESETS.get(service.settings.preset)
    variable = preset.variable if preset else ""
    if service.token:
        kind, _, name = service.token.partition(":")
        named = name if kind == "env" else name.rpartition("/")[2].upper().replace("-", "_")
        found.setdefault(variable or named, service.token)
    return found


def workspace_headers(service: Service) -> dict[str, str]:
    """Return the sign-in of this job's workspace, for a managed server of that workspace only.

    Raises:
        ServiceFailed: the address is not one of the workspace.
    """
    config = workspace().config
    if urlsplit(config.host).netloc != urlsplit(service.address).netloc:
        raise ServiceFailed("It is not of the workspace that this job signs in to.")
    return dict(config.authenticate())
