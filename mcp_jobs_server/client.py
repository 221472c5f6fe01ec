"""Python client for research jobs, for agent developers, scripts and tests.

    async with connect() as research:
        job = await research.start("Who grants leave?", sources=["~/Documents/handbook"])
        ended = await research.wait(job.job_id, timeout=300)
        report = await research.fetch(job.job_id)
        print(ended.outcome, report.content)

The job runs in separate processes: leaving the block, or ending the program, does not end it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import anyio

from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.auth.local import with_owner
from mcp_jobs_server.core.models import ENDED_STATES
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.jobs.service import Jobs, OnChange
from mcp_jobs_server.messages.arguments import (
    MAX_WAIT_SECONDS,
    Cancel,
    CheckCitations,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
    SteerResearch,
)
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import (
    CancelResult,
    CheckResult,
    JobShown,
    ReportResult,
    StartResult,
    StatusResult,
    SteerResult,
)
from research_contract.records import REPORT, Depth

_LONGEST_PAGE = 60_000


@asynccontextmanager
async def connect(settings: Settings | None = None) -> AsyncIterator[Research]:
    """Open the jobs of the configured backend; ``settings`` defaults to the environment."""
    resolved = await with_owner(settings or load_settings())
    async with open_jobs(resolved) as jobs:
        yield Research(jobs, resolved)


def run(
    question: str,
    *,
    sources: Sequence[str] = (),
    questions: Sequence[str] = (),
    depth: Depth = "standard",
    timeout: float | None = None,
    settings: Settings | None = None,
) -> ReportResult:
    """Start a job, wait until it has ended and return its report, without async.

        print(run("Who grants leave?", sources=["handbook"]).content)

    Raises:
        JobsError: the request cannot be carried out.
        TimeoutError: the job took longer than ``timeout`` seconds; it continues to run.
    """

    async def start_and_fetch() -> ReportResult:
        async with connect(settings) as research:
            job = await research.start(question, sources=sources, questions=questions, depth=depth)
            await research.wait(job.job_id, timeout=timeout)
            return await research.fetch(job.job_id)

    return anyio.run(start_and_fetch)


class Research:
    """The jobs of one owner. Arguments have the same meaning as those of the MCP tools."""

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self._jobs = jobs
        self._owner = settings.owner

    async def start(
        self,
        question: str,
        *,
        sources: Sequence[str] = (),
        questions: Sequence[str] = (),
        terms: Sequence[str] = (),
        title: str = "",
        depth: Depth = "standard",
        limits: Mapping[str, float | str] | None = None,
        idempotency_key: str = "",
        again: bool = False,
    ) -> StartResult:
        """Start a job and return at once.

        ``sources`` are names of configured sources, or folders, which are granted to this job by
        naming them; by default all configured sources are used. ``limits`` takes ``minutes``,
        ``tool_calls``, ``tokens`` and ``cost_usd``.

        Raises:
            JobsError: an argument or a source is invalid; nothing was started.
        """
        names, folders = await anyio.to_thread.run_sync(self._jobs.sources.resolve_typed, sources)
        plan = {"title": title, "questions": list(questions), "search_terms": list(terms)}
        arguments = {
            "question": question,
            "plan": plan,
            "sources": list(names),
            "depth": depth,
            "limits": dict(limits or {}),
            "idempotency_key": idempotency_key,
            "again": again,
        }
        request = parse_arguments(StartResearch, arguments)
        return await self._jobs.start(self._owner, request, typed=folders)

    def folder(self, job_id: str) -> str:
        """Return the path of a job folder: on this machine, or in a Databricks volume."""
        return self._jobs.location(self._owner, job_id)

    async def status(
        self,
        job_id: str = "",
        *,
        cursor: str = "",
        wait_seconds: float = 0,
        on_change: OnChange | None = None,
    ) -> StatusResult:
        """Return the status of a job with at most 50 steps after ``cursor``."""
        arguments = {
            "job_id": job_id,
            "cursor": cursor,
            "wait_seconds": wait_seconds,
            "detail": "full",
        }
        request = parse_arguments(GetStatus, arguments)
        return await self._jobs.status(self._owner, request, on_change=on_change, until_change=True)

    async def follow(
        self, job_id: str = "", *, on_change: OnChange | None = None
    ) -> AsyncIterator[StatusResult]:
        """Yield the status at each change until the job has ended; each step is yielded once.

        ``on_change`` is also called for smaller changes, such as a new summary.
        """
        status = await self.status(job_id)
        yield status
        while status.more_steps or status.state not in ENDED_STATES:
            status = await self.status(
                status.job_id,
                cursor=status.cursor,
                wait_seconds=0 if status.more_steps else MAX_WAIT_SECONDS,
                on_change=on_change,
            )
            yield status

    async def wait(self, job_id: str = "", *, timeout: float | None = None) -> StatusResult:  # noqa: ASYNC109 # the word people look for
        """Wait without polling until the job has ended, and return its last status.

        Raises:
            TimeoutError: the job took longer than ``timeout`` seconds; it continues to run.
        """
        with anyio.fail_after(timeout):
            async for status in self.follow(job_id):
                last = status
        return last

    async def fetch(
        self,
        job_id: str = "",
        *,
        part: str = "report",
        section: str = "",
        citation: int | str | None = None,
    ) -> ReportResult:
        """Return a complete part of the report, with all its pages joined.

        Raises:
            NotFound: no such job, section or citation.
        """
        arguments = {
            "part": part,
            "section": section,
            "citation": citation,
            "max_chars": _LONGEST_PAGE,
        }
        request = parse_arguments(FetchReport, {**arguments, "job_id": job_id})
        first = page = await self._jobs.report(self._owner, request)
        if page.next_cursor and part == "report" and page.state == "completed":
            data = await self._jobs.file(self._owner, page.job_id, REPORT)
            content = data.decode(errors="replace")
        else:
            contents = [page.content]
            while page.next_cursor:
                following = {**arguments, "job_id": page.job_id, "cursor": page.next_cursor}
                page = await self._jobs.report(self._owner, parse_arguments(FetchReport, following))
                contents.append(page.content)
            content = "\n\n".join(contents)
        whole = {"content": content, "page": "1 of 1", "next_cursor": None}
        return first.model_copy(update={**whole, "total_chars": len(content)})

    async def check(self, text: str, job_id: str = "") -> CheckResult:
        """Compare each claim of a draft with ``[n]`` marks with the quotes of a job.

        Raises:
            InvalidArgument: the draft is empty, or longer than 60,000 characters.
        """
        request = parse_arguments(CheckCitations, {"job_id": job_id, "text": text})
        return await self._jobs.check(self._owner, request)

    async def cancel(self, job_id: str, *, finish_now: bool = False) -> CancelResult:
        """Stop a job; with ``finish_now`` it first writes a report of its findings so far."""
        mode = "finish_now" if finish_now else "stop"
        request = parse_arguments(Cancel, {"job_id": job_id, "mode": mode})
        return await self._jobs.cancel(self._owner, request)

    async def steer(self, job_id: str, text: str) -> SteerResult:
        """Pass an instruction to a running job: ``add: …`` or a question, ``drop: …``, or words.

        Raises:
            NotFound: no such job; the id must be exact.
            InvalidArgument: nothing to add or drop is named.
        """
        request = parse_arguments(SteerResearch, {"job_id": job_id, "text": text})
        return await self._jobs.steer(self._owner, request)

    async def jobs(self, *, include_ended: bool = False) -> Sequence[JobShown]:
        """Return the active jobs and the recent ones, or with ``include_ended`` all jobs."""
        jobs: list[JobShown] = []
        cursor: str | None = ""
        while cursor is not None:
            arguments = {"include_recent": include_ended, "limit": 100, "cursor": cursor}
            page = await self._jobs.list(self._owner, parse_arguments(ListActiveJobs, arguments))
            jobs.extend(page.jobs)
            cursor = page.next_cursor
        return jobs

    async def notice(self) -> str:
        """Return what a reader of lists must know, such as lost data; "" for nothing."""
        return await self._jobs.notice()

    async def remove(self, job_id: str) -> None:
        """Remove an ended job and its folder.

        Raises:
            NotFound: no such job.
            Conflict: the job has not ended, or another job builds on it.
        """
        await self._jobs.remove(self._owner, job_id)

    async def ended_before(self, at: datetime) -> Sequence[str]:
        """Return the ids of all jobs that ended before ``at``, a time with a time zone."""
        return await self._jobs.ended_before(self._owner, at)
