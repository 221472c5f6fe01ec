"""The tools: each reads its arguments, calls ``Jobs``, and answers as fields and as text."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from mcp.types import Tool as ListedTool

from mcp_jobs_server.auth.caller import Authenticator, Caller
from mcp_jobs_server.citations import wording as check_wording
from mcp_jobs_server.core.errors import Internal, JobsError, Unavailable
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages import descriptions, texts, wording
from mcp_jobs_server.messages.arguments import (
    Arguments,
    Cancel,
    CheckCitations,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
    SteerResearch,
)
from mcp_jobs_server.messages.json_schema import answer_schema, schema_of
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import (
    CancelResult,
    CheckResult,
    JobListResult,
    ReportResult,
    Result,
    StartResult,
    StatusResult,
    SteerResult,
)
from mcp_jobs_server.telemetry.request_log import annotate_request
from research_contract.files import NewerFormat
from research_contract.records import SourceRef
from research_contract.text.safe import one_line, visible

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Result)

MAX_CALL_SECONDS = 75.0
"""A call that takes longer is abandoned: proxies cut one after 120 s without a reason."""

ERROR_META = "mcp-jobs-server/error"
"""Key of an error's details in the ``_meta`` of a result: ``kind``, ``hint``, ``retryable``."""

PATIENT_WAIT_SECONDS = 20.0
PATIENT_CLIENTS = ("claude", "cursor", "visual studio code", "vscode", "goose", "zed", "windsurf")
"""Beginnings of the names of clients whose tool calls may take 60 s and more."""


@dataclass(frozen=True)
class Call:
    """One call of a tool: the jobs, the caller, and the context of the protocol."""

    jobs: Jobs
    caller: Caller
    context: Context[Any, Any]


@dataclass(frozen=True)
class Tool(Generic[A, R]):
    """One tool: its description, arguments, answer, how it runs, and the answer as a text."""

    name: str
    title: str
    description: str | Callable[[Sequence[SourceRef]], str]
    annotations: ToolAnnotations
    arguments: type[A]
    answer: type[R]
    run: Callable[[Call, A], Awaitable[R]]
    text: Callable[[R, A], str]

    def listed(self, sources: Sequence[SourceRef]) -> ListedTool:
        """Return the entry of ``tools/list``; ``sources`` are those that the caller may use."""
        text = self.description
        return ListedTool(
            name=self.name,
            title=self.title,
            description=text if isinstance(text, str) else text(sources),
            input_schema=schema_of(self.arguments),
            output_schema=answer_schema(self.answer),
            annotations=self.annotations,
        )

    async def call(
        self,
        jobs: Jobs,
        authenticator: Authenticator,
        raw: Mapping[str, Any],
        context: Context[Any, Any],
    ) -> CallToolResult:
        """Run the tool; every error is answered in plain words."""
        annotate_request(tool=self.name)
        try:
            with anyio.fail_after(MAX_CALL_SECONDS):
                asked = parse_arguments(self.arguments, raw)
                call = Call(jobs, await authenticator.caller(), context)
                answer = await self.run(call, asked)
                text = self.text(answer, asked)
        except TimeoutError:
            return _refused(Unavailable(*wording.TOO_LONG))
        except JobsError as error:
            return _refused(error)
        except NewerFormat as error:
            return _refused(JobsError(str(error)))
        except Exception:  # noqa: BLE001 - a defect is logged, never shown
            return _refused(_defect(self.name))
        annotate_request(job_id=getattr(answer, "job_id", None))
        return CallToolResult(
            content=[TextContent(type="text", text=visible(text))],
            structured_content={
                name: _visible(value)
                for name, value in answer.model_dump(mode="json", exclude_none=True).items()
            },
        )


def _visible(value: object) -> object:
    """Return a value of JSON with ``visible`` texts."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _visible(inner) for key, inner in value.items()}
    return [_visible(inner) for inner in value] if isinstance(value, list) else value


def _defect(tool: str) -> Internal:
    """Log the current exception under a reference, and return the error for the caller."""
    reference = secrets.token_hex(4)
    log.exception("defect %s in %s", reference, tool)
    return Internal(
        f"{tool} failed because of a defect in this server (reference {reference}).",
        "Nothing of the job is lost; the server's log on standard error has the details.",
    )


def _refused(error: JobsError) -> CallToolResult:
    """Return an error as text only.

    Structured content must fit the output schema of the tool, which no error does: clients that
    validate it would show the model a schema error instead. Details for programs are in ``_meta``.
    """
    annotate_request(error=error.kind)
    details = {"kind": error.kind, "hint": visible(error.hint), "retryable": error.retryable}
    return CallToolResult(
        content=[TextContent(type="text", text=visible(wording.error_text(error)))],
        is_error=True,
        _meta={ERROR_META: details},
    )


async def _status(call: Call, asked: GetStatus) -> StatusResult:
    client = call.context.session.client_params
    name = client.client_info.name.lower() if client else ""
    if asked.wait_seconds is None and name.startswith(PATIENT_CLIENTS):
        asked = asked.model_copy(update={"wait_seconds": PATIENT_WAIT_SECONDS})
    report = _ProgressReporter(call.context).report
    owner, access = call.caller.owner, call.caller.access
    return await call.jobs.status(owner, asked, on_change=report, access=access)


@dataclass(eq=False)
class _ProgressReporter:
    """Sends progress notifications while a call waits; their number must grow each time."""

    context: Context[Any, Any]
    _last: float = field(default=-1.0, init=False)
    _message: str = field(default="", init=False)

    async def report(self, status: StatusResult) -> None:
        message = one_line(status.steps[-1].message if status.steps else status.summary)
        if message == self._message:
            return
        self._message = message
        self._last = max(float(status.progress.done), self._last + 0.001)
        await self.context.report_progress(self._last, float(status.progress.total), message)


def _hints(*, reads: bool, destroys: bool = False, repeatable: bool = True) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=reads,
        destructive_hint=destroys,
        idempotent_hint=repeatable,
        open_world_hint=False,
    )


# A read-only tool comes first: conformance checkers call the first tool without arguments.
TOOLS: tuple[Tool[Any, Any], ...] = (
    Tool(
        name="get_status",
        title="Status of a research job",
        description=descriptions.STATUS,
        annotations=_hints(reads=True),
        arguments=GetStatus,
        answer=StatusResult,
        run=_status,
        text=lambda answer, asked: texts.status_text(answer, full=asked.detail == "full"),
    ),
    Tool(
        name="start_research",
        title="Start research",
        description=descriptions.start_description,
        annotations=_hints(reads=False, repeatable=False),
        arguments=StartResearch,
        answer=StartResult,
        run=lambda call, asked: call.jobs.start(
            call.caller.owner, asked, access=call.caller.access
        ),
        text=lambda answer, _: texts.start_text(answer),
    ),
    Tool(
        name="list_active_jobs",
        title="Research jobs",
        description=descriptions.LIST,
        annotations=_hints(reads=True),
        arguments=ListActiveJobs,
        answer=JobListResult,
        run=lambda call, asked: call.jobs.list(call.caller.owner, asked, access=call.caller.access),
        text=lambda answer, _: texts.list_text(answer),
    ),
    Tool(
        name="cancel",
        title="Stop a research job",
        description=descriptions.CANCEL,
        annotations=_hints(reads=False, destroys=True),
        arguments=Cancel,
        answer=CancelResult,
        run=lambda call, asked: call.jobs.cancel(call.caller.owner, asked),
        text=lambda answer, _: texts.cancel_text(answer),
    ),
    Tool(
        name="steer_research",
        title="Steer a research job",
        description=descriptions.STEER,
        annotations=_hints(reads=False, repeatable=False),
        arguments=SteerResearch,
        answer=SteerResult,
        run=lambda call, asked: call.jobs.steer(call.caller.owner, asked),
        text=lambda answer, _: texts.steer_text(answer),
    ),
    Tool(
        name="fetch_report",
        title="Read a research report",
        description=descriptions.FETCH,
        annotations=_hints(reads=True),
        arguments=FetchReport,
        answer=ReportResult,
        run=lambda call, asked: call.jobs.report(call.caller.owner, asked),
        text=lambda answer, _: texts.report_text(answer),
    ),
    Tool(
        name="check_citations",
        title="Check a draft",
        description=descriptions.CHECK,
        annotations=_hints(reads=True),
        arguments=CheckCitations,
        answer=CheckResult,
        run=lambda call, asked: call.jobs.check(call.caller.owner, asked),
        text=lambda answer, _: check_wording.text(answer),
    ),
)
