"""What a job found, as text: by question, by source, by citation.

It reads the evidence log, so a running job shows what it has found so far.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages import wording
from mcp_jobs_server.reports.logs import EVIDENCE, Cursor
from research_contract import records as contract
from research_contract.files import decode, decode_lines
from research_contract.records import (
    SAID_NAMES,
    Coverage,
    Evidence,
    Outcome,
    QuestionResult,
    Status,
)

MAX_QUOTES = 500
"""Quotes of one job that are read; a job finds a few per question."""

STATES = {"answered": "answered", "partial": "partly answered", "not_found": "no evidence found"}


@dataclass(frozen=True)
class Findings:
    """The quotes of a job, its outcome once it has one, and the coverage of its sources."""

    quotes: tuple[Evidence, ...]
    outcome: Outcome | None
    coverage: Coverage | None

    @cached_property
    def by_number(self) -> Mapping[int, Evidence]:
        return {quote.n: quote for quote in self.quotes}

    def of(self, question: int) -> list[Evidence]:
        """Return the quotes for a question (its index from 0), best first."""
        found = [quote for quote in self.quotes if quote.question == question]
        return sorted(found, key=lambda quote: (-quote.score, quote.n))


async def read(folders: Folders, job: Job) -> Findings:
    """Read what the job has found so far."""
    quotes = await _composed(folders, job) if job.state == "completed" else None
    if quotes is None:
        quotes = (await EVIDENCE.page(folders, job.folder, Cursor(), MAX_QUOTES)).records
    ended = await folders.read(job.folder, contract.OUTCOME)
    outcome = decode(Outcome, ended.data if ended else None)
    file = await folders.read(job.folder, contract.STATUS)
    status = decode(Status, file.data if file else None)
    coverage = outcome.coverage if outcome else status.coverage if status else None
    return Findings(quotes=quotes, outcome=outcome, coverage=coverage)


async def _composed(folders: Folders, job: Job) -> tuple[Evidence, ...] | None:
    """Return the quotes in the one file that a completed job has of them; ``None``: none."""
    file = await folders.read(job.folder, contract.EVIDENCE)
    if file is None:
        return None
    records = decode_lines(Evidence, file.data)[:MAX_QUOTES]
    return tuple(record for record, _ in records if record is not None)


def questions(job: Job, known: Findings) -> Sequence[QuestionResult]:
    """Return the results by question; for a running job the results so far."""
    if known.outcome:
        return known.outcome.questions
    asked = contract.questions_of(job.request.question, job.request.plan)
    return [
        QuestionResult(
            question=question,
            state="partial" if (found := known.of(number)) else "not_found",
            evidence=tuple(quote.n for quote in found),
            note="" if found else "Nothing found so far.",
        )
        for number, question in enumerate(asked)
    ]


def unfinished(job: Job) -> str:
    """Return the note that there is no report (yet)."""
    if job.ended:
        return f"This research ended without a full report ({job.state}). Found until then:"
    return f"Unfinished: the research is {job.state}. Found so far:"


def summary(job: Job, known: Findings) -> str:
    """Return the short answer and the result of each question."""
    parts = [] if known.outcome else [unfinished(job)]
    if known.outcome:
        parts.append(known.outcome.answer or known.outcome.reason or "No answer was found.")
        if known.outcome.answer and known.outcome.reason:
            parts.append(known.outcome.reason)
    states = [_question_line(n, result) for n, result in enumerate(questions(job, known), 1)]
    parts.append("\n".join(states))
    if known.coverage:
        parts.append(known.coverage.sentence())
    if not known.outcome and known.quotes:
        parts += [_block(known.of(n)[0]) for n in range(len(states)) if known.of(n)]
    return "\n\n".join(parts)


def _question_line(number: int, result: QuestionResult) -> str:
    cited = "".join(f" [{n}]" for n in result.evidence[:8])
    note = f" – {result.note}" if result.note else ""
    return f"{number}. {result.question} – {STATES[result.state]}{cited}{note}"


def so_far(job: Job, known: Findings) -> str:
    """Return all quotes found so far, by question."""
    return "\n\n".join([unfinished(job), *_by_question(job, known)])


def evidence(job: Job, known: Findings) -> str:
    """Return the quotes to write from, by question, with instructions for their use."""
    first = [] if known.outcome else [unfinished(job)]
    coverage = [known.coverage.sentence()] if known.coverage else []
    advice = f"{wording.WRITE_FROM} {wording.QUOTED}"
    return "\n\n".join([*first, advice, *coverage, *_by_question(job, known)])


def _by_question(job: Job, known: Findings) -> list[str]:
    blocks: list[str] = []
    for number, result in enumerate(questions(job, known), start=1):
        blocks.append(f"### {number}. {result.question}")
        blocks += [_block(quote) for quote in known.of(number - 1)]
        if not known.of(number - 1):
            blocks.append(result.note or "No evidence was found.")
    return blocks


def _block(quote: Evidence) -> str:
    where = f"[{quote.n}] {quote.title}, {quote.locator} ({_origin(quote)})"
    block = f"{where}\n{_quoted(quote.quote)}"
    around = " ".join(quote.paragraph.split())
    if len(around) <= len(quote.quote) + 40:
        return block
    return f"{block}\nIn its paragraph:\n{_quoted(quote.paragraph)}"


def _origin(quote: Evidence) -> str:
    """Return the source of a quote and, if it was carried over, the job that found it."""
    return quote.source + (f"; from job {quote.carried_from}" if quote.carried_from else "")


def _quoted(text: str) -> str:
    """Return the text with every line marked as quoted, so that it stays one paragraph."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def citations(job: Job, known: Findings) -> str:
    """Return every citation with its quote and its place."""
    if not known.quotes:
        return "There are no citations." if known.outcome else unfinished(job) + " nothing yet."
    return "\n\n".join(
        f"[{quote.n}] {quote.title}, {quote.locator} ({_origin(quote)}, {quote.uri})\n"
        + _quoted(quote.quote)
        for quote in known.quotes
    )


def citation(quote: Evidence, kept: bytes | None) -> str:
    """Return one citation with its paragraph, verified against the snapshot ``kept``."""
    return "\n\n".join(
        [
            f"[{quote.n}] {quote.title}, {quote.locator} ({_origin(quote)}, {quote.uri})",
            _quoted(quote.quote),
            f"In its paragraph:\n{_quoted(quote.paragraph or quote.quote)}",
            verification(quote, kept),
        ]
    )


def verification(quote: Evidence, kept: bytes | None) -> str:
    """Return whether the quote still stands at its place in the snapshot."""
    name = contract.snapshot_name(quote.snapshot)
    place = f"characters {quote.start} to {quote.end} of the snapshot {name}"
    if kept is None:
        return f"Not verified: {name} is no longer in the job folder."
    if hashlib.sha256(kept).hexdigest() != quote.snapshot:
        return f"Not verified: {name} was changed after the quote was taken. Do not cite it."
    if kept.decode(errors="replace")[quote.start : quote.end] != quote.quote:
        return f"Not verified: {place} are not this quote. Do not cite it."
    return f"Verified now: {place} are this quote."


def sources(job: Job, known: Findings) -> str:
    """Return the cited documents, and the coverage of the sources."""
    named: dict[str, list[Evidence]] = {}
    for quote in known.quotes:
        named.setdefault(quote.uri, []).append(quote)
    lines = [
        f"- {found[0].title} ({found[0].source}, {uri}): "
        + " ".join(f"[{quote.n}]" for quote in found)
        for uri, found in named.items()
    ]
    searched = ", ".join(source.name for source in job.request.sources)
    head = [f"Searched: {searched}."]
    if known.coverage:
        head.append(known.coverage.sentence())
        head += [
            f"- {kind.count} {kind.reason}: {', '.join(kind.examples)}"
            for kind in known.coverage.not_read
            if len(kind.examples) > SAID_NAMES
        ]
    return "\n\n".join([*head, "\n".join(lines) or "No document was cited."])


def footnotes(page: str, known: Findings) -> str:
    """Return the quotes that a page cites as ``[n]`` but does not show."""
    flat = _flat(page)
    cited = dict.fromkeys(int(n) for n in re.findall(r"\[(\d{1,6})\]", page))
    missing = [known.by_number[n] for n in cited if n in known.by_number]
    lines = [
        f"[{quote.n}] {quote.title}, {quote.locator}:\n{_quoted(quote.quote)}"
        for quote in missing
        if _flat(quote.quote) not in flat
    ]
    return "\n\nCitations of this page:\n\n" + "\n\n".join(lines) if lines else ""


def _flat(text: str) -> str:
    """Return the words of Markdown without quote marks and escapes."""
    unmarked = re.sub(r"^>", "", text, flags=re.MULTILINE)
    return " ".join(re.sub(r"\\([^\w\s]|_)", r"\1", unmarked).split())
