"""The parts of a report that ``fetch_report`` returns; of a running job, what was found so far."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.errors import InvalidArgument, JobsError, NotFound
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import next_steps
from mcp_jobs_server.messages.arguments import FetchReport, ReportPart
from mcp_jobs_server.messages.results import Link, QuestionShown, ReportResult
from mcp_jobs_server.messages.texts import step_text
from mcp_jobs_server.reports import findings
from mcp_jobs_server.reports.findings import Findings
from mcp_jobs_server.reports.job_status import full_step
from mcp_jobs_server.reports.logs import STEPS, Cursor
from mcp_jobs_server.reports.paging import TextPage, page_of, parse_cursor
from mcp_jobs_server.reports.windows import WINDOW_BYTES, Window, read_window
from research_contract.files import NewerFormat
from research_contract.records import REPORT, REPORT_HTML, QuestionResult, snapshot_name
from research_contract.text.safe import visible

STEPS_PER_PAGE = 100

_HEADING = re.compile(r"^## (.*\S.*)$", re.MULTILINE)

MAX_SNAPSHOT_BYTES = 50_000_000
"""Bytes of a snapshot that is read to verify a quote; a longer one is not the one it had."""

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
    page: TextPage | StepsPage
    report: Window | None = None
    results: Sequence[QuestionShown] = ()
    if asked.part == "steps":
        page = await _steps(folders, job, asked)
        total = len(page.text)
    else:
        place = parse_cursor(asked.cursor, job_id=job.id, part=asked.part, size=asked.max_chars)
        with_report = asked.part in WITH_REPORT
        known, report = await gather_pair(
            partial(findings.read, folders, job),
            partial(_beginning, folders, job, wanted=with_report),
        )
        stretch: Window | None = None
        if report and asked.part in ("report", "section"):
            stretch = report
            if place.start:
                stretch = await read_window(folders, job, REPORT, place.start) or report
        text, following = await _part(folders, job, asked, report, stretch, known)
        whole = stretch is None or (not stretch.start and stretch.following is None)
        page = page_of(
            text,
            place,
            job_id=job.id,
            notes=lambda shown: findings.footnotes(shown, known) if with_report else "",
            following=following,
            stretch="" if stretch is None or whole else _place(stretch),
        )
        total = len(text) if whole or stretch is None else stretch.size
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
        sections=tuple(section.name for section in sections(report.text if report else "")),
        page=page.label,
        total_chars=total,
        next_cursor=page.next_cursor,
        links=_links(folders, job, paths=paths) if report is not None else (),
        next=next_steps.after_fetch(
            job, part=asked.part, section=asked.section, next_cursor=page.next_cursor
        ),
    )


async def read_ahead(folders: Folders, folder: str, asked: FetchReport) -> None:
    """Ask for the files that ``fetch`` shows, while the job of the folder is looked up."""
    wanted: list[Callable[[], Awaitable[object]]] = []
    if asked.part == "steps":
        cursor = partial(Cursor.parse, asked.cursor, folder.rpartition("/")[2])
        wanted = [lambda: STEPS.page(folders, folder, cursor(), STEPS_PER_PAGE)]
    else:
        wanted = [partial(findings.read_files, folders, folder)]
    if asked.part in WITH_REPORT:
        wanted.append(partial(folders.read, folder, REPORT, limit=WINDOW_BYTES))
    with suppress(JobsError, NewerFormat):  # told by what needs it
        await gather(wanted)


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
    pieces = _HEADING.split(report)
    return [
        Section(name=name.strip(), text=f"## {name.strip()}\n{text}".rstrip())
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


async def _part(
    folders: Folders,
    job: Job,
    asked: FetchReport,
    report: Window | None,
    stretch: Window | None,
    known: Findings,
) -> tuple[str, int | None]:
    """Return the text of a part other than the steps, and the byte from which on more follows."""
    match asked.part:
        case "report":
            return _report(job, stretch, known)
        case "section" if stretch and stretch.start:
            text, *others = _HEADING.split(stretch.text, maxsplit=1)
            return text.rstrip(), None if others else stretch.following
        case "section":
            return _section(asked.section, report)
        case "citation":
            return await _citation(folders, job, asked.citation, known), None
        case "evidence":
            return findings.evidence(job, known), None
        case "sources":
            return findings.sources(job, known), None
        case "citations":
            return findings.citations(job, known), None
        case _:
            return findings.summary(job, known), None


def _report(job: Job, stretch: Window | None, known: Findings) -> tuple[str, int | None]:
    if stretch is None:
        return findings.so_far(job, known), None
    until_then = f"This research is {job.state}; the report holds what was found until then.\n\n"
    note = "" if job.state == "completed" or stretch.start else until_then
    return note + stretch.text, stretch.following


def _place(stretch: Window) -> str:
    """Return which part of a long report its pages are of."""
    return (
        f" in the part from {stretch.start / stretch.size:.1%} to {stretch.end / stretch.size:.1%}"
    )


def _section(named: str, report: Window | None) -> tuple[str, int | None]:
    """Return the section with this number or name, or the only one whose name contains it."""
    existing = sections(report.text if report else "")
    wanted = named.casefold()
    exact = [
        section
        for number, section in enumerate(existing, start=1)
        if wanted and wanted in (str(number), section.name.casefold())
    ]
    containing = [section for section in existing if wanted in section.name.casefold()]
    if exact or (wanted and len(containing) == 1):
        section = (exact or containing)[0]
        is_last = section is existing[-1] and report is not None
        return section.text, report.following if report and is_last else None
    names = "; ".join(f"{number}: {one.name}" for number, one in enumerate(existing, start=1))
    hint = f"Its sections are {names}."
    if report is not None and report.following:
        hint = f"It is long; read all of it by part='report'. Its first sections are {names}."
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


async def _beginning(folders: Folders, job: Job, *, wanted: bool) -> Window | None:
    """Return the first window of the report, if it is wanted and there."""
    return await read_window(folders, job, REPORT) if wanted else None


def _links(folders: Folders, job: Job, *, paths: bool) -> Sequence[Link]:
    """Return where the whole report is: as resources, and as a file to open."""
    links = [Link(name=name, uri=f"research://{job.id}/{name}") for name in (REPORT, REPORT_HTML)]
    if paths:
        links.append(Link(name="open", uri=folders.location(job.folder, REPORT_HTML)))
    return tuple(links)
