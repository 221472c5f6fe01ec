"""The MCP server: tools, resources, and the jobs that are open while it serves."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, cast

from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, InputRequiredResult
from mcp.types import Tool as ListedTool

from mcp_jobs_server import __version__
from mcp_jobs_server.auth.caller import Authenticator, SingleUserAuthenticator
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages import descriptions
from mcp_jobs_server.protocol.resources import add_resources
from mcp_jobs_server.protocol.tools import TOOLS
from research_contract.records import SourceRef

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


async def _prompt_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a prompt that does not exist with "invalid params", as the specification says.

    The SDK answers it with "internal error", or with code 0 to older clients.
    """
    try:
        return await call_next(ctx)
    except ValueError as error:
        if ctx.method != "prompts/get":
            raise
        raise MCPError(INVALID_PARAMS, str(error)) from error


class ResearchServer(MCPServer[Jobs]):
    """An ``MCPServer`` whose tools are those of ``TOOLS``.

    The SDK derives tools from functions, ignores unknown arguments and answers wrong ones with
    messages of its validation library; ``list_tools`` and ``call_tool`` replace that.
    """

    def __init__(
        self,
        opening: Callable[[], AbstractAsyncContextManager[Jobs]],
        *,
        authenticator: Authenticator | None = None,
        verifier: TokenVerifier | None = None,
        auth: AuthSettings | None = None,
        log_level: str = "WARNING",
    ) -> None:
        """Create a server over the jobs that ``opening`` opens while it serves.

        ``authenticator`` identifies callers; by default every caller is the local user.
        With ``verifier`` and ``auth`` the SDK checks bearer tokens first (HTTP).
        """
        self.authenticator: Authenticator = authenticator or SingleUserAuthenticator()
        self._jobs: Jobs | None = None

        @asynccontextmanager
        async def life(_: MCPServer[Jobs]) -> AsyncIterator[Jobs]:
            async with opening() as jobs:
                self._jobs = jobs
                yield jobs

        # The SDK would install a handler that draws a frame with source code around each traceback,
        # which takes a tenth of a second of processor time. It keeps one that is there.
        logging.basicConfig(level=log_level, format="%(levelname)s %(name)s: %(message)s")
        super().__init__(
            "research-jobs",
            title="Research jobs",
            version=__version__,
            instructions=descriptions.INSTRUCTIONS,
            log_level=cast("Level", log_level),
            lifespan=life,
            token_verifier=verifier,
            auth=auth,
            subscriptions=False,  # no change is ever sent, so none is advertised
            middleware=[_prompt_errors],
        )
        add_resources(self, self.authenticator, lambda: self.jobs)

    @property
    def jobs(self) -> Jobs:
        """The jobs that are open while the server serves."""
        if self._jobs is None:
            raise RuntimeError("The server is not serving yet.")
        return self._jobs

    async def list_tools(self) -> list[ListedTool]:
        """Return the tools; the description of ``start_research`` names the caller's sources.

        A caller who cannot be identified gets the same tools without sources; calls say why.
        """
        sources = await self._offered()
        return [tool.listed(sources) for tool in TOOLS]

    async def _offered(self) -> Sequence[SourceRef]:
        if self._jobs is None:
            return ()
        try:
            caller = await self.authenticator.caller()
        except JobsError:
            return ()
        return caller.access.offered(self._jobs.sources.all())

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Jobs, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call one of the tools; any other name is answered by the SDK."""
        tool = next((tool for tool in TOOLS if tool.name == name), None)
        if tool is None or context is None:
            return await super().call_tool(name, arguments, context)
        jobs = context.request_context.lifespan_context
        return await tool.call(jobs, self.authenticator, arguments, context)
