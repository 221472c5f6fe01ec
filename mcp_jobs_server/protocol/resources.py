"""Reports as MCP resources, which clients can open beside the conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from mcp_jobs_server.auth.caller import Authenticator
from mcp_jobs_server.core.errors import JobsError, NotFound, Unavailable
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import ListActiveJobs
from mcp_jobs_server.messages.wording import TOO_LONG, error_text
from mcp_jobs_server.protocol.tools import MAX_CALL_SECONDS
from research_contract import records
from research_contract.files import NewerFormat
from research_contract.text.safe import visible, visible_html, visible_json

FILES = {
    records.REPORT: ("text/markdown", "The whole report of a research job, as Markdown."),
    records.REPORT_HTML: ("text/html", "The whole report of a research job, as a web page."),
    records.EVIDENCE: ("application/jsonl", "Every verified quote of a research job."),
}

SHOWN: Mapping[str, Callable[[str], str]] = {
    records.REPORT: visible,
    records.REPORT_HTML: visible_html,
    records.EVIDENCE: visible_json,
}
"""How the text of a file is made visible, whatever release wrote it."""


def add_resources(
    server: MCPServer[Jobs], authenticator: Authenticator, jobs: Callable[[], Jobs]
) -> None:
    """Offer the files of job folders as resource templates, and complete their job ids.

    ``jobs`` returns the jobs that are open while the server serves.
    """
    for name, (kind, description) in FILES.items():
        _add_template(server, authenticator, name, kind, description)

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        del context
        if not isinstance(ref, ResourceTemplateReference) or argument.name != "job_id":
            return Completion(values=[])
        asked = ListActiveJobs(include_recent=True, limit=100)
        try:
            with anyio.fail_after(MAX_CALL_SECONDS):
                caller = await authenticator.caller()
                listed = await jobs().list(caller.owner, asked)
        except (JobsError, TimeoutError):
            return Completion(values=[])  # suggestions while typing; errors would only disturb
        ids = [job.job_id for job in listed.jobs if job.job_id.startswith(argument.value)]
        return Completion(values=ids, has_more=listed.next_cursor is not None)

    register = server.completion()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    register(complete)


def _add_template(
    server: MCPServer[Jobs], authenticator: Authenticator, name: str, kind: str, description: str
) -> None:
    @server.resource(
        f"research://{{job_id}}/{name}", name=name, description=description, mime_type=kind
    )
    async def read(job_id: str, context: Context[Jobs, Any]) -> str:
        jobs = context.request_context.lifespan_context
        try:
            with anyio.fail_after(MAX_CALL_SECONDS):
                caller = await authenticator.caller()
                data = await jobs.file(caller.owner, job_id, name)
        except NotFound as error:
            raise ResourceNotFoundError(error_text(error)) from error
        except JobsError as error:
            raise ResourceError(error_text(error)) from error
        except NewerFormat as error:
            raise ResourceError(str(error)) from error
        except TimeoutError as error:
            raise ResourceError(error_text(Unavailable(*TOO_LONG))) from error
        return SHOWN[name](data.decode(errors="replace"))
