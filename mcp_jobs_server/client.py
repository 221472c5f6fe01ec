"""Research in plain code: start, wait, fetch. For agent developers, scripts and tests.

    async with connect() as research:
        job = await research.start("Who grants leave?", sources=["~/Documents/handbook"])
        ended = await research.wait(job.job_id, timeout=300)
        report = await research.fetch(job.job_id)
        print(ended.outcome, report.content)

The job runs in processes of its own: leaving the block, or ending the program, does not end it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

import anyio

from mcp_jobs_server.app import open_jobs
from mcp_jobs_server.auth.local import with_owner
from mcp_jobs_server.core.models import ENDED_STATES
from mcp_jobs_server.core.settings import Settings, load_settings
from mcp_jobs_server.jobs.service import Jobs, OnChange
from mcp_jobs_server.messages.arguments import (
    MAX_WAIT_SECONDS,
    Arguments,
    Cancel,
    CheckCitations,
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
)
from mcp_jobs_server.messages.parsing import parse_arguments
from mcp_jobs_server.messages.results import (
    CancelResult,
    CheckResult,
    JobShown,
    ReportResult,
    StartResult,
    StatusResult,
)
from research_contract.records import REPORT, Depth

_LONGEST_PAGE = 60_000
A = TypeVar("A", bound=Arguments)


@asynccontextmanager
async def connect(settings: Settings | None = None) -> AsyncIterator[Research]:
    """Open the jobs of the backend; without ``settings`` those of the environment hold."""
    in_force = await with_owner(settings or load_settings())
    async with open_jobs(in_force) as jobs:
        yield Research(jobs, in_force)


def run(
    question: str,
    *,
    sources: Sequence[str] = (),
    questions: Sequence[str] = (),
    depth: Depth = "standard",
    timeout: float | None = None,
    settings: Settings | None = None,
) -> ReportResult:
    """Start a job, wait for its end and return its report, without async.

        print(run("Who grants leave?", sources=["handbook"]).content)

    Raises:
        JobsError: what is asked for cannot be done.
        TimeoutError: ``timeout`` seconds went by; the job goes on.
    """

    async def all_of_it() -> ReportResult:
        async with connect(settings) as research:
            job = await research.start(question, sources=sources, questions=questions, depth=depth)
            await research.wait(job.job_id, timeout=timeout)
            return await research.fetch(job.job_id)

    return anyio.run(all_of_it)


class Research:
    """The jobs of one owner. Arguments mean what they mean to the tools of the same names."""

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

        ``sources`` are names of configured sources, or folders, which the job may thereby read;
        none means all that are configured. ``limits`` takes ``minutes``, ``tool_calls``,
        ``tokens`` and ``cost_usd``.

        Raises:
            JobsError: an argument or a source is wrong; nothing was started.
        """
        names, folders = await anyio.to_thread.run_sync(self._jobs.sources.typed, sources)
        plan = {"title": title, "questions": list(questions), "search_terms": list(terms)}
        said = {
            "question": question,
            "plan": plan,
            "sources": list(names),
            "depth": depth,
            "limits": dict(limits or {}),
            "idempotency_key": idempotency_key,
            "again": again,
        }
        return await self._jobs.start(
            self._owner, parse_arguments(StartResearch, said), typed=folders
        )

    def folder(self, job_id: str) -> str:
        """Return where the folder of a job is: a path of this machine, or of a volume."""
        return self._jobs.location(self._owner, job_id)

    async def status(
        self,
        job_id: str = "",
        *,
        cursor: str = "",
        wait_seconds: float = 0,
        watching: OnChange | None = None,
    ) -> StatusResult:
        """Return where a job stands with its steps after ``cursor``, at most 50 of them."""
        asked = _asked(
            GetStatus, job_id=job_id, cursor=cursor, wait_seconds=wait_seconds, detail="full"
        )
        return await self._jobs.status(self._owner, asked, on_change=watching)

    async def follow(
        self, job_id: str = "", *, watching: OnChange | None = None
    ) -> AsyncIterator[StatusResult]:
        """Give where the job stands at each change until it ended; each step comes once.

        ``watching`` hears of smaller changes too, such as a new summary.
        """
        standing = await self.status(job_id)
        yield standing
        while standing.more_steps or standing.state not in ENDED_STATES:
            standing = await self.status(
                standing.job_id,
                cursor=standing.cursor,
                wait_seconds=0 if standing.more_steps else MAX_WAIT_SECONDS,
                watching=watching,
            )
            yield standing

    async def wait(self, job_id: str = "", *, timeout: float | None = None) -> StatusResult:  # noqa: ASYNC109 # the word people look for
        """Return where the job stands once it ended. Nothing is polled meanwhile.

        Raises:
            TimeoutError: ``timeout`` seconds went by; the job goes on.
        """
        with anyio.fail_after(timeout):
            async for standing in self.follow(job_id):
                last = standing
        return last

    async def fetch(
        self,
        job_id: str = "",
        *,
        part: str = "report",
        section: str = "",
        citation: int | str | None = None,
    ) -> ReportResult:
        """Return a whole part of the report, all its pages put together.

        Raises:
            NotFound: no such job, section or citation.
        """
        asked = partial(
            _asked,
            FetchReport,
            part=part,
            section=section,
            citation=citation,
            max_chars=_LONGEST_PAGE,
        )
        page = await self._jobs.report(self._owner, asked(job_id=job_id))
        if page.next_cursor and part == "report" and page.state == "completed":
            data = await self._jobs.file(self._owner, page.job_id, REPORT)
            return _whole(page, [data.decode(errors="replace")])
        texts, first = [page.content], page
        while page.next_cursor:
            following = asked(job_id=page.job_id, cursor=page.next_cursor)
            page = await self._jobs.report(self._owner, following)
            texts.append(page.content)
        return _whole(first, texts)

    async def check(self, text: str, job_id: str = "") -> CheckResult:
        """Return what the quotes of a job say of each claim of a draft with ``[n]`` marks.

        Raises:
            InvalidArgument: the draft is empty, or longer than 60,000 characters.
        """
        return await self._jobs.check(self._owner, _asked(CheckCitations, job_id=job_id, text=text))

    async def cancel(self, job_id: str, *, finish_now: bool = False) -> CancelResult:
        """Stop a job, or let it write its report from what it knows."""
        mode = "finish_now" if finish_now else "stop"
        return await self._jobs.cancel(self._owner, _asked(Cancel, job_id=job_id, mode=mode))

    async def jobs(self, *, include_ended: bool = False) -> Sequence[JobShown]:
        """Return the unfinished jobs and the recent ones, or all that ever ended too."""
        found: list[JobShown] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = _asked(ListActiveJobs, include_recent=include_ended, limit=100, cursor=cursor)
            page = await self._jobs.list(self._owner, asked)
            found.extend(page.jobs)
            cursor = page.next_cursor
        return found

    async def remove(self, job_id: str) -> None:
        """Remove an ended job and its folder.

        Raises:
            NotFound: no such job. Conflict: it has not ended, or something builds on it.
        """
        await self._jobs.remove(self._owner, job_id)

    async def ended_before(self, at: datetime) -> Sequence[str]:
        """Return the ids of all jobs that ended before ``at`` (with its time zone)."""
        return await self._jobs.ended_before(self._owner, at)


def _asked(kind: type[A], **said: object) -> A:
    return parse_arguments(kind, said)


def _whole(first: ReportResult, texts: Sequence[str]) -> ReportResult:
    content = "\n\n".join(texts)
    one = {"content": content, "page": "1 of 1", "next_cursor": None}
    return first.model_copy(update={**one, "total_chars": len(content)})
