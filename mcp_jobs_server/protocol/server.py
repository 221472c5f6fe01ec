"""The MCP server put together: tools, resources, what lives as long as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, cast

from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from mcp.types import Tool as ListedTool

from mcp_jobs_server import __version__
from mcp_jobs_server.auth.caller import Authenticator, SingleUserAuthenticator
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages import wording
from mcp_jobs_server.protocol.resources import add_resources
from mcp_jobs_server.protocol.tools import TOOLS
from research_contract.records import SourceRef

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class ResearchServer(MCPServer[Jobs]):
    """An ``MCPServer`` whose tools take their arguments in plain words.

    The SDK derives tools from functions, lets unknown arguments pass and answers wrong ones in
    the words of its validation library. Here both methods are answered from ``TOOLS``.
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
        """Make a server over the jobs that ``opening`` opens for as long as it serves.

        ``authenticator`` identifies callers; by default every caller is the local user.
        ``verifier`` and ``auth`` have the SDK look at bearer tokens first (HTTP).
        """
        self.authenticator: Authenticator = authenticator or SingleUserAuthenticator()
        self._jobs: Jobs | None = None

        @asynccontextmanager
        async def life(_: MCPServer[Jobs]) -> AsyncIterator[Jobs]:
            async with opening() as jobs:
                self._jobs = jobs
                yield jobs

        super().__init__(
            "research-jobs",
            title="Research jobs",
            version=__version__,
            instructions=wording.INSTRUCTIONS,
            log_level=cast("Level", log_level),
            lifespan=life,
            token_verifier=verifier,
            auth=auth,
        )
        add_resources(self, self.authenticator, lambda: self.jobs)

    @property
    def jobs(self) -> Jobs:
        """The jobs that are open; only while the server serves."""
        if self._jobs is None:
            raise RuntimeError("The server does not serve yet.")
        return self._jobs

    async def list_tools(self) -> list[ListedTool]:
        """Return the tools; the description of a start names the caller's sources of this moment.

        A caller who cannot be told gets the same tools and no sources: the calls say why.
        """
        sources = await self._offered()
        return [tool.listed(sources) for tool in TOOLS]

    async def _offered(self) -> Sequence[SourceRef]:
        if self._jobs is None:
            return ()
        try:
            who = await self.authenticator.caller()
        except JobsError:
            return ()
        return who.access.offered(self._jobs.sources.all())

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Jobs, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call one of the tools; any other name is answered by the SDK."""
        tool = next((tool for tool in TOOLS if tool.name == name), None)
        if tool is None or context is None:
            return await super().call_tool(name, arguments, context)
        jobs = context.request_context.lifespan_context
        return await tool.call(jobs, self.authenticator, arguments, context)
