"""The parts of a report that ``fetch_report`` returns; of a running job, what was found so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import next_steps, wording
from mcp_jobs_server.messages.arguments import FetchReport, ReportPart
from mcp_jobs_server.messages.results import Link, QuestionShown, ReportResult
from mcp_jobs_server.messages.texts import step_text
from mcp_jobs_server.reports import findings
from mcp_jobs_server.reports.findings import Findings
from mcp_jobs_server.reports.job_status import full_step
from mcp_jobs_server.reports.logs import STEPS, Cursor
from mcp_jobs_server.reports.paging import TextPage, page_of, parse_cursor
from research_contract.records import REPORT, REPORT_HTML, QuestionResult, snapshot_name
from research_contract.text.safe import visible

STEPS_PER_PAGE = 100

MAX_SNAPSHOT_BYTES = 50_000_000
"""Bytes of a snapshot that is read to verify a quote; a longer one is not the one it had."""

MAX_READ_BYTES = 2_000_000
"""Bytes of a report that can be fetched, page by page: some hundred times what a job writes."""

WITH_REPORT: frozenset[ReportPart] = frozenset({"summary", "report", "section"})
"""Parts that list the sections of the report and link to the whole of it."""


BY_QUESTION: frozenset[ReportPart] = frozenset({"summary", "evidence"})
"""Parts that carry the state of each question as fields."""


@dataclass(frozen=True)
class Section:
    """A part of the report between two headings of level two."""

    name: str
    text: str


@dataclass(frozen=True)
class StepsPage:
    """A page of the step log; the number of pages is unknown."""

    text: str
    first: int
    next_cursor: str | None

    @property
    def label(self) -> str:
        """Where the page begins, and whether more steps follow."""
        more = ", not the whole log" if self.next_cursor else ""
        return f"from step {self.first}{more}"


async def fetch(folders: Folders, job: Job, asked: FetchReport, *, paths: bool) -> ReportResult:
    """Return one page of a part of the report.

    ``paths``: whether the caller can open paths of this machine.

    Raises:
        NotFound: the report has no such section or citation.
        InvalidArgument: the cursor was not issued for this part, or an argument is missing.
    """
    report = await _read(folders, job, REPORT) if asked.part in WITH_REPORT else None
    page: TextPage | StepsPage
    results: Sequence[QuestionShown] = ()
    if asked.part == "steps":
        page = await _steps(folders, job, asked)
        total = len(page.text)
    else:
        known = await findings.read(folders, job)
        text = await _part(folders, job, asked, report, known)
        place = parse_cursor(asked.cursor, job_id=job.id, part=asked.part, size=asked.max_chars)
        footnotes = asked.part in WITH_REPORT
        page = page_of(
            text,
            place,
            job_id=job.id,
            notes=lambda shown: findings.footnotes(shown, known) if footnotes else "",
        )
        total = len(text)
        if asked.part in BY_QUESTION:
            results = [_question(result) for result in findings.questions(job, known)]
    return ReportResult(
        job_id=job.id,
        title=job.title,
        part=asked.part,
        state=job.state,
        outcome=job.outcome,
        content=visible(page.text),
        questions=tuple(results),
        sections=tuple(section.name for section in sections(report or "")),
        page=page.label,
        total_chars=total,
        next_cursor=page.next_cursor,
        links=_links(folders, job, paths=paths) if report is not None else (),
        next=next_steps.after_fetch(
            job, part=asked.part, section=asked.section, next_cursor=page.next_cursor
        ),
    )


def _question(result: QuestionResult) -> QuestionShown:
    return QuestionShown(
        question=result.question,
        state=result.state,
        evidence=result.evidence,
        nearest=result.nearest,
        note=result.note or None,
    )


def sections(report: str) -> list[Section]:
    """Return the sections of a report: its headings of level two, in order."""
    pieces = re.split(r"^## (.*\S.*)$", report, flags=re.MULTILINE)
    return [
        Section(name=name.strip(), text=f"## {name.strip()}\n{text}".rstrip())
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


async def _part(
    folders: Folders, job: Job, asked: FetchReport, report: str | None, known: Findings
) -> str:
    """Return the text of a part other than the steps."""
    match asked.part:
        case "report":
            return _report(job, report, known)
        case "section":
            return _section(asked.section, report)
        case "citation":
            return await _citation(folders, job, asked.citation, known)
        case "evidence":
            return findings.evidence(job, known)
        case "sources":
            return findings.sources(job, known)
        case "citations":
            return findings.citations(job, known)
        case _:
            return findings.summary(job, known)


def _report(job: Job, report: str | None, known: Findings) -> str:
    if report is None:
        return findings.so_far(job, known)
    if job.state == "completed":
        return report
    return f"This research is {job.state}; the report holds what was found until then.\n\n{report}"


def _section(named: str, report: str | None) -> str:
    """Return the section with this number or name, or the only one whose name contains it."""
    existing = sections(report or "")
    wanted = named.casefold()
    for number, section in enumerate(existing, start=1):
        if wanted and wanted in (str(number), section.name.casefold()):
            return section.text
    containing = [section for section in existing if wanted in section.name.casefold()]
    if wanted and len(containing) == 1:
        return containing[0].text
    names = "; ".join(f"{number}: {one.name}" for number, one in enumerate(existing, start=1))
    hint = f"Its sections are {names}."
    if not existing:
        hint = "There is no report yet; part='summary' returns what was found so far."
    if not wanted:
        raise InvalidArgument("The argument 'section' is missing.", hint)
    raise NotFound(f"The report has no section '{named[:60]}'.", hint)


async def _citation(folders: Folders, job: Job, number: int | None, known: Findings) -> str:
    if number is None:
        raise InvalidArgument("The argument 'citation' is missing.", "Pass the number n of [n].")
    quote = known.by_number.get(number)
    if quote is None:
        highest = f"The highest is {max(known.by_number)}." if known.by_number else "It has none."
        raise NotFound(f"There is no citation [{number}] in this job.", highest)
    name = snapshot_name(quote.snapshot)
    snapshot = await folders.read(job.folder, name, limit=MAX_SNAPSHOT_BYTES)
    return findings.citation(quote, snapshot.data if snapshot else None)


async def _steps(folders: Folders, job: Job, asked: FetchReport) -> StepsPage:
    """Return a page of the step log; its cursor is that of the log."""
    cursor = Cursor.parse(asked.cursor, job.id)
    page = await STEPS.page(folders, job.folder, cursor, STEPS_PER_PAGE)
    lines = [step_text(full_step(step), full=True) for step in page.records]
    return StepsPage(
        text="\n".join(lines) or "No steps yet.",
        first=page.records[0].step if page.records else 0,
        next_cursor=page.cursor.text(job.id) if page.more else None,
    )


async def _read(folders: Folders, job: Job, name: str) -> str | None:
    """Return the text of a file; of a large one its beginning, which says that it is one."""
    found = await folders.read(job.folder, name, limit=MAX_READ_BYTES)
    if found is None:
        return None
    text = found.data.decode(errors="replace")
    if found.size <= len(found.data):
        return text
    return text.rpartition("\n")[0] + wording.too_large(name, found.size, len(found.data))


def _links(folders: Folders, job: Job, *, paths: bool) -> Sequence[Link]:
    """Return where the whole report is: as resources, and as a file to open."""
    links = [Link(name=name, uri=f"research://{job.id}/{name}") for name in (REPORT, REPORT_HTML)]
    if paths:
        links.append(Link(name="open", uri=folders.location(job.folder, REPORT_HTML)))
    return tuple(links)
