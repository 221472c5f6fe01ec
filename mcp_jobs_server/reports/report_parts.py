"""What ``fetch_report`` gives: the parts of a report, or what is known so far."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import wording
from mcp_jobs_server.messages.arguments import FetchReport, ReportPart
from mcp_jobs_server.messages.results import Link, ReportResult
from mcp_jobs_server.reports import findings
from mcp_jobs_server.reports.findings import Findings
from mcp_jobs_server.reports.job_status import full_step
from mcp_jobs_server.reports.logs import STEPS, Cursor
from mcp_jobs_server.reports.paging import TextPage, page_of, place
from research_contract import records as contract

STEPS_A_PAGE = 100


@dataclass(frozen=True)
class Section:
    """A part of the report between two headings of level two."""

    name: str
    text: str


@dataclass(frozen=True)
class Folder:
    """One job folder as a reader of reports sees it."""

    folders: Folders
    job: Job
    asked: FetchReport

    async def file(self, name: str) -> str | None:
        """Return a text file of the folder, or ``None`` where it is not there."""
        found = await self.folders.read(self.job.folder, name)
        return found.data.decode(errors="replace") if found else None


async def fetch(folders: Folders, job: Job, asked: FetchReport, *, paths: bool) -> ReportResult:
    """Return one page of the part that was asked for.

    ``paths``: the caller can open paths of this machine.

    Raises:
        NotFound: the report has no such section or citation.
        InvalidArgument: the cursor was not issued for this part, or a needed argument is missing.
    """
    folder = Folder(folders, job, asked)
    whole = asked.part in _OF_THE_WHOLE
    report = await folder.file(contract.REPORT) if whole else None
    page: TextPage | LogPage
    if asked.part == "steps":
        page, total = await _steps(folder)
    else:
        known = await findings.read(folders, job)
        text = await _PARTS[asked.part](folder, report, known)
        at = place(asked.cursor, job_id=job.id, part=asked.part, size=asked.max_chars)
        page = page_of(text, at, job_id=job.id, notes=_notes(asked.part, known))
        total = len(text)
    following = wording.after_fetch(
        job, part=asked.part, section=asked.section, next_cursor=page.next_cursor
    )
    return ReportResult(
        job_id=job.id,
        title=job.title,
        part=asked.part,
        state=job.state,
        outcome=job.outcome,
        content=wording.visible(page.text),
        sections=tuple(section.name for section in sections(report or "")),
        page=page.label,
        total_chars=total,
        next_cursor=page.next_cursor,
        links=_links(folders, job, paths=paths) if report is not None else (),
        next=following,
    )


def sections(report: str) -> list[Section]:
    """Return the sections of a report: its headings of level two, in order."""
    pieces = re.split(r"^## +(.+?) *$", report, flags=re.MULTILINE)
    return [
        Section(name=name, text=f"## {name}\n{text}".rstrip())
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


async def _summary(folder: Folder, report: str | None, known: Findings) -> str:
    del report
    return findings.summary(folder.job, known)


async def _report(folder: Folder, report: str | None, known: Findings) -> str:
    if report is None:
        return findings.so_far(folder.job, known)
    return report if folder.job.state == "completed" else f"{_unended(folder.job)}\n\n{report}"


def _unended(job: Job) -> str:
    return f"This research is {job.state}; the report holds what was known until then."


async def _section(folder: Folder, report: str | None, known: Findings) -> str:
    del known
    there = sections(report or "")
    if not folder.asked.section:
        raise InvalidArgument("The argument 'section' is missing.", _names(there))
    wanted = folder.asked.section.casefold()
    for number, section in enumerate(there, start=1):
        if wanted in (str(number), section.name.casefold()):
            return section.text
    starts = [section for section in there if wanted in section.name.casefold()]
    if len(starts) == 1:
        return starts[0].text
    raise NotFound(f"The report has no section '{folder.asked.section[:60]}'.", _names(there))


def _names(there: Sequence[Section]) -> str:
    if not there:
        return "There is no report yet; part='summary' tells what is known so far."
    names = (f"{number}: {section.name}" for number, section in enumerate(there, start=1))
    return f"Its sections are {'; '.join(names)}."


async def _evidence(folder: Folder, report: str | None, known: Findings) -> str:
    del report
    return findings.evidence(folder.job, known)


async def _sources(folder: Folder, report: str | None, known: Findings) -> str:
    del report
    return findings.sources(folder.job, known)


async def _citations(folder: Folder, report: str | None, known: Findings) -> str:
    del report
    return findings.citations(folder.job, known)


async def _citation(folder: Folder, report: str | None, known: Findings) -> str:
    del report
    wanted = folder.asked.citation
    if wanted is None:
        raise InvalidArgument("The argument 'citation' is missing.", "Pass the number n of [n].")
    found = known.by_number.get(wanted)
    if found is None:
        numbers = f"They run up to {max(known.by_number)}." if known.by_number else "It has none."
        raise NotFound(f"There is no citation [{wanted}] in this job.", numbers)
    name = contract.snapshot_name(found.snapshot)
    kept = await folder.folders.read(folder.job.folder, name)
    return findings.citation(found, kept.data if kept else None)


_OF_THE_WHOLE: frozenset[ReportPart] = frozenset({"summary", "report", "section"})
"""Parts that say which sections there are and where the whole report can be opened."""

Part = Callable[[Folder, str | None, Findings], Awaitable[str]]

_PARTS: dict[ReportPart, Part] = {
    "summary": _summary,
    "report": _report,
    "section": _section,
    "evidence": _evidence,
    "sources": _sources,
    "citations": _citations,
    "citation": _citation,
}


def _notes(part: ReportPart, known: Findings) -> Callable[[str], str]:
    """Return what adds to a page the citations it uses but does not show."""
    if part not in _OF_THE_WHOLE:
        return lambda _: ""
    return lambda page: findings.footnotes(page, known)


@dataclass(frozen=True)
class LogPage:
    """A page of the step log; how many pages there are is not known."""

    text: str
    first: int
    next_cursor: str | None

    @property
    def label(self) -> str:
        """Say where the page begins, and that more follows."""
        more = ", not the whole log" if self.next_cursor else ""
        return f"from step {self.first}{more}"


async def _steps(folder: Folder) -> tuple[LogPage, int]:
    """Return a page of the step log; its cursor is the log's own."""
    cursor = Cursor.parse(folder.asked.cursor, folder.job.id)
    page = await STEPS.page(folder.folders, folder.job.folder, cursor, STEPS_A_PAGE)
    lines = [wording.step_text(full_step(step), full=True) for step in page.records]
    text = "\n".join(lines) or "No steps yet."
    following = page.cursor.text(folder.job.id) if page.more else None
    first = page.records[0].step if page.records else 0
    return LogPage(text, first=first, next_cursor=following), len(text)


def _links(folders: Folders, job: Job, *, paths: bool) -> tuple[Link, ...]:
    """Return where the whole report is: as resources, and as files to open."""
    links = [
        Link(name=name, uri=f"research://{job.id}/{name}")
        for name in (contract.REPORT, contract.REPORT_HTML)
    ]
    if paths:
        links.append(Link(name="open", uri=folders.location(job.folder, contract.REPORT_HTML)))
    return tuple(links)
