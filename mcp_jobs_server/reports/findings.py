"""What a job found, as text: by question, by source, by citation.

It reads the evidence log, so a running job shows what it has found so far.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.core.concurrency import gather
from mcp_jobs_server.core.models import Job, Slice
from mcp_jobs_server.messages import wording
from mcp_jobs_server.reports.logs import EVIDENCE, Cursor
from mcp_jobs_server.reports.quoted import (
    block,
    context_verified,
    place,
    shown,
)
from research_contract import records as contract
from research_contract.context import location
from research_contract.files import decode, decode_lines
from research_contract.questions import questions_of
from research_contract.records import (
    SAID_NAMES,
    Coverage,
    Evidence,
    Outcome,
    QuestionResult,
    QuestionState,
    Status,
)
from research_contract.steering import NOT_STEERED, Receipts, dropped_result
from research_contract.text.safe import bare, blockquote, cited, markdown, one_line, visible
from research_contract.text.safe import named as file_name

MAX_QUOTES = 500
"""Quotes of one job that are read; a job finds a few per question."""

MAX_QUOTES_BYTES = 8_000_000
"""Bytes of the file of quotes that are read: so many with paragraphs of 16 kB each."""

STATES: dict[QuestionState, str] = {
    "answered": "answered",
    "partial": "partly answered",
    "evidence": "evidence found, not judged",
    "not_found": "no evidence found",
}


@dataclass(frozen=True)
class Findings:
    """What a job recorded, its outcome once it has one, and the coverage of its sources.

    ``recorded`` are its quotes and the nearest passages, which are no evidence. ``steered`` says
    which questions were added or dropped while it runs.
    """

    recorded: tuple[Evidence, ...]
    outcome: Outcome | None
    coverage: Coverage | None
    steered: Receipts = NOT_STEERED

    @cached_property
    def by_number(self) -> Mapping[int, Evidence]:
        return {quote.n: quote for quote in self.recorded}

    @cached_property
    def quotes(self) -> tuple[Evidence, ...]:
        """The evidence, by number."""
        return tuple(quote for quote in self.recorded if not quote.nearest)

    def of(self, question: int) -> list[Evidence]:
        """Return the quotes for a question (its index from 0), best first."""
        found = [quote for quote in self.quotes if quote.question == question]
        if not self.outcome:
            return found  # numbered as they were found, best first
        results = self.outcome.questions[question : question + 1]
        rank = {n: place for result in results for place, n in enumerate(result.evidence)}
        return sorted(found, key=lambda quote: rank.get(quote.n, len(rank)))

    def nearest(self, result: QuestionResult) -> Sequence[Evidence]:
        """Return the nearest passages of a question, best first."""
        return [self.by_number[n] for n in result.nearest if n in self.by_number]


async def read(folders: Folders, job: Job) -> Findings:
    """Read what the job has found so far."""
    composed, ended, file, asked = await read_files(folders, job.folder)
    status = decode(Status, file.data if file else None)
    if composed and job.state == "completed":
        found = decode_lines(Evidence, composed.data)[:MAX_QUOTES]
        quotes = tuple(record for record, _ in found if record is not None)
    else:
        last = status.last_evidence if status else None
        log = await EVIDENCE.page(folders, job.folder, Cursor(), MAX_QUOTES, last=last)
        quotes = log.records
    outcome = decode(Outcome, ended.data if ended else None)
    coverage = outcome.coverage if outcome else status.coverage if status else None
    steered = decode(Receipts, asked.data if asked else None) or NOT_STEERED
    return Findings(recorded=quotes, outcome=outcome, coverage=coverage, steered=steered)


async def read_files(
    folders: Folders, folder: str
) -> tuple[Slice | None, Slice | None, Slice | None, Slice | None]:
    """Return the files of what was found, read side by side.

    They are the quotes of a completed job in one file, the outcome, the status, and the receipts of
    what was asked of the running job.
    """
    quotes, outcome, status, steered = await gather(
        (
            partial(folders.read, folder, contract.EVIDENCE, limit=MAX_QUOTES_BYTES),
            partial(folders.read, folder, contract.OUTCOME),
            partial(folders.read, folder, contract.STATUS),
            partial(folders.read, folder, contract.STEERING),
        )
    )
    return quotes, outcome, status, steered


def questions(job: Job, known: Findings) -> Sequence[QuestionResult]:
    """Return the results by question; for a running job the results so far."""
    if known.outcome:
        return known.outcome.questions
    asked = (*questions_of(job.request.question, job.request.plan), *known.steered.added)
    return [
        QuestionResult(
            question=question,
            state="evidence" if (found := known.of(number)) else "not_found",
            evidence=tuple(quote.n for quote in found),
            nearest=tuple(
                quote.n for quote in known.recorded if quote.nearest and quote.question == number
            ),
            note="" if found else "Nothing found so far.",
        )
        if number not in known.steered.dropped
        else dropped_result(question)
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
        reason = markdown(known.outcome.reason)
        parts.append(one_line(known.outcome.answer) or reason or "No answer was found.")
        if known.outcome.answer and reason:
            parts.append(reason)
    states = [_question_line(n, result) for n, result in enumerate(questions(job, known), 1)]
    parts.append("\n".join(states))
    if known.coverage:
        parts.append(markdown(known.coverage.sentence()))
    if not known.outcome and known.quotes:
        parts += [block(known.of(n)[0]) for n in range(len(states)) if known.of(n)]
    parts += _nearest_of_unanswered(job, known)
    return "\n\n".join(parts)


def _nearest_of_unanswered(job: Job, known: Findings) -> list[str]:
    """Return the first nearest passage of each question without evidence, below one heading."""
    first = [
        f"{number}. [{item.n}] {place(item)}\n{shown(item)}"
        for number, result in enumerate(questions(job, known), start=1)
        if not result.evidence
        for item in known.nearest(result)[:1]
    ]
    return [wording.FIRST_NEAREST, *first] if first else []


def _question_line(number: int, result: QuestionResult) -> str:
    if result.dropped:
        return f"{number}. {markdown(result.question)} – dropped on request"
    cited = "".join(f" [{n}]" for n in result.evidence[:8])
    note = f" – {markdown(result.note)}" if result.note else ""
    return f"{number}. {markdown(result.question)} – {STATES[result.state]}{cited}{note}"


def so_far(job: Job, known: Findings) -> str:
    """Return all quotes found so far, by question."""
    return "\n\n".join([unfinished(job), *_by_question(job, known)])


def evidence(job: Job, known: Findings) -> str:
    """Return the quotes to write from, by question, with instructions for their use."""
    first = [] if known.outcome else [unfinished(job)]
    coverage = [markdown(known.coverage.sentence())] if known.coverage else []
    return "\n\n".join([*first, _advice(job, known), *coverage, *_by_question(job, known)])


def _advice(job: Job, known: Findings) -> str:
    """Return how to use the quotes and passages."""
    results = questions(job, known)
    nothing = known.outcome is not None and not known.quotes
    advice = [wording.NOTHING_FOUND if nothing else wording.WRITE_FROM]
    if any(result.state == "evidence" for result in results):
        advice.append(wording.JUDGE)
    if any(result.nearest for result in results):
        advice.append(wording.CITE_NEAREST)
    return " ".join([*advice, wording.QUOTED])


def _by_question(job: Job, known: Findings) -> list[str]:
    blocks: list[str] = []
    for number, result in enumerate(questions(job, known), start=1):
        blocks.append(f"### {number}. {markdown(result.question)}")
        blocks += [block(quote) for quote in known.of(number - 1)]
        if not known.of(number - 1):
            other = not known.outcome or job.request.plan.search_terms
            hint = "" if other else f" {wording.TRY_OTHER_WORDS}"
            blocks.append(f"{markdown(result.note) or 'No evidence was found.'}{hint}")
        if result.nearest:
            blocks.append(f"{wording.NEAREST}:")
            blocks += [f"[{item.n}] {place(item)}\n{shown(item)}" for item in known.nearest(result)]
    return blocks


def citations(job: Job, known: Findings) -> str:
    """Return every citation with its quote and its place."""
    if not known.quotes:
        return "There are no citations." if known.outcome else unfinished(job) + " nothing yet."
    return "\n\n".join(
        f"[{quote.n}] {place(quote, uri=True)}\n{shown(quote)}" for quote in known.quotes
    )


def citation(quote: Evidence, kept: bytes | None) -> str:
    """Return one citation with its paragraph, verified against the snapshot ``kept``."""
    return "\n\n".join(
        [
            f"[{quote.n}] {place(quote, uri=True)}",
            *([f"{wording.NEAREST}: read whether it does."] if quote.nearest else []),
            shown(quote),
            f"In its paragraph:\n{blockquote(quote.paragraph or quote.quote)}",
            verification(quote, kept),
        ]
    )


def verification(quote: Evidence, kept: bytes | None) -> str:
    """Return whether the quote still stands at its place in the snapshot."""
    name = contract.snapshot_name(quote.snapshot)
    where = f"characters {quote.start} to {quote.end} of the snapshot {name}"
    if kept is None:
        return f"Not verified: {name} is no longer in the job folder."
    if hashlib.sha256(kept).hexdigest() != quote.snapshot:
        return f"Not verified: {name} was changed after the quote was taken. Do not cite it."
    text = kept.decode(errors="replace")
    if text[quote.start : quote.end] != quote.quote:
        return f"Not verified: {where} are not this quote. Do not cite it."
    if not context_verified(quote, text):
        return f"Not verified: the context is not at its place in {name}. Do not cite it."
    context = ", and its context is there, too" if quote.context else ""
    return f"Verified now: {where} are this quote{context}."


def sources(job: Job, known: Findings) -> str:
    """Return the cited documents, and the coverage of the sources."""
    named: dict[str, list[Evidence]] = {}
    for quote in known.quotes:
        named.setdefault(quote.uri, []).append(quote)
    lines = [
        f"- {cited(found[0].title)} ({markdown(found[0].source)}, {markdown(uri)}): "
        + " ".join(f"[{quote.n}]" for quote in found)
        for uri, found in named.items()
    ]
    searched = ", ".join(source.name for source in job.request.sources)
    head = [f"Searched: {searched}."]
    if known.coverage:
        head.append(markdown(known.coverage.sentence()))
        head += [
            f"- {kind.count} {kind.reason}: {markdown(', '.join(map(file_name, kind.examples)))}"
            for kind in known.coverage.not_read
            if len(kind.examples) > SAID_NAMES
        ]
    return "\n\n".join([*head, "\n".join(lines) or "No document was cited."])


def footnotes(page: str, known: Findings) -> str:
    """Return the quotes that a page cites as ``[n]`` but does not show."""
    flat = _flat(page)
    numbers = dict.fromkeys(int(n) for n in re.findall(r"(?<!\\)\[(\d{1,6})\]", page))
    missing = [known.by_number[n] for n in numbers if n in known.by_number]
    lines = [
        f"[{quote.n}] {cited(location(quote))}:\n{shown(quote)}"
        for quote in missing
        if _flat(visible(quote.quote)) not in flat
    ]
    return "\n\nCitations of this page:\n\n" + "\n\n".join(lines) if lines else ""


def _flat(text: str) -> str:
    """Return the words of Markdown without quotation marks, escapes and marks of code."""
    unmarked = re.sub(r"^>", "", text, flags=re.MULTILINE)
    return " ".join(bare(unmarked).split())
