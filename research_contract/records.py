"""What the server and the job agree on: the files of a job folder and what stands in them.

A job folder is the same in a local directory and in a Unity Catalog Volume, and a reader may look
at any moment. How its files are read and written stands in ``contract_files.py``.

This module imports the standard library and pydantic only: the server loads it at start.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

FORMAT_VERSION = 1
"""Version of the job folder. Readers refuse a newer one in words and leave it untouched."""

# --- names of files -----------------------------------------------------------------------

REQUEST = "request.json"
RUN = "run.json"
STATUS = "status.json"
STEPS = "steps"
EVIDENCE_SEGMENTS = "evidence"
EVIDENCE = "evidence.jsonl"
SNAPSHOTS = "snapshots"
TASKS = "work/tasks"
RESULTS = "work/results"
CHANGES = "work/changes.json"
STOP = "control/stop"
FINISH_NOW = "control/finish_now"
PROBE = "control/probe"
PROBED = "probe.json"
PROGRESS = "progress.md"
REPORT = "report.md"
REPORT_HTML = "report.html"
OUTCOME = "outcome.json"
ENDED = "ended.json"
RESERVE = ".reserve"

JOB_ID = re.compile(r"\d{8}-[a-z2-7]{13}", re.ASCII)
"""A job id: the UTC date it was made and 65 random bits in base 32. Safe in a path."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_job_id(now: datetime, choose: Callable[[str], str] = secrets.choice) -> str:
    """Return a fresh job id for ``now``; ``choose`` picks one character (tests pass their own)."""
    return f"{now.astimezone(UTC):%Y%m%d}-" + "".join(choose(_ALPHABET) for _ in range(13))


def month_of(job_id: str) -> str:
    """Return the ``yyyy-mm`` folder that holds ``job_id``."""
    return f"{job_id[:4]}-{job_id[4:6]}"


def is_expired(job_id: str, now: datetime, *, days: int) -> bool:
    """Say whether a job made on the day of its id is older than ``days`` (0: kept for ever)."""
    try:
        made = datetime.strptime(job_id[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return days > 0 and now - made > timedelta(days=days)


def segment_name(folder: str, first: int) -> str:
    """Return the name of the journal part whose first record has the number ``first``.

    The part after one that starts at 5 and holds 3 records is ``part_name(folder, 8)``: a
    reader follows the parts by their numbers and never lists the folder.
    """
    return f"{folder}/{first:08d}.jsonl"


def snapshot_name(sha256: str) -> str:
    """Return the name of the snapshot of a source's extracted text (UTF-8)."""
    return f"{SNAPSHOTS}/{sha256}.txt"


# --- what stands in the files -------------------------------------------------------------


class Record(BaseModel):
    """Base of all that is written to a job folder; unknown fields of a newer minor are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


Depth = Literal["quick", "standard", "deep"]
OutcomeKind = Literal["answered", "partial", "insufficient_evidence"]
StepKind = Literal[
    "plan", "task", "tool_call", "tool_result", "status", "finding", "error", "completed"
]


class Limits(Record):
    """Caps on one job. ``None`` is no cap of that kind; minutes are active minutes."""

    minutes: float | None = Field(default=None, gt=0)
    tool_calls: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    cost_usd: float | None = Field(default=None, ge=0)


class Plan(Record):
    """What to find out and for whom. Empty ``questions``: the job takes the question apart."""

    title: str = ""
    questions: tuple[str, ...] = ()
    search_terms: tuple[str, ...] = ()
    deliverable: str = ""
    audience: str = ""
    language: str = ""
    report_words: int | None = None


class SourceRef(Record):
    """A granted source: the name people know it by and where it is (``file:///…``)."""

    name: str
    uri: str


class Request(Record):
    """``request.json``: all that a job needs to know, without secrets.

    ``earlier`` is where the folder of the job named by ``follow_up_of`` or ``refresh_of`` is: a
    path, from this job's folder where it is relative. Only a folder of the same owner may be named.
    ``withheld``: names of sources whose evidence is not taken over.
    """

    format_version: int = FORMAT_VERSION
    job_id: str
    question: str
    plan: Plan = Plan()
    sources: tuple[SourceRef, ...] = ()
    depth: Depth = "standard"
    limits: Limits = Limits()
    created_at: AwareDatetime
    follow_up_of: str | None = None
    refresh_of: str | None = None
    earlier: str = ""
    withheld: tuple[str, ...] = ()
    settings: dict[str, str | int | float | bool] = {}


class Run(Record):
    """``run.json``: which process or run works on the job."""

    format_version: int = FORMAT_VERSION
    runner: str
    run_id: str
    attempt: int
    started_at: AwareDatetime


def _counted(amount: float) -> float:
    return amount if math.isfinite(amount) else 0.0


Amount = Annotated[float, AfterValidator(_counted)]
"""A number that is added up; one that is none (NaN, infinity) is read as 0."""


class Cost(Record):
    """What one call costs, or some calls together."""

    tool_calls: int = 0
    tokens: int = 0
    cost_usd: Amount = 0.0

    def plus(self, other: Cost, *, times: int = 1) -> Cost:
        """Return the sum; ``times=-1`` takes ``other`` off. Dollars are kept to a millionth."""
        return Cost(
            tool_calls=self.tool_calls + times * other.tool_calls,
            tokens=self.tokens + times * other.tokens,
            cost_usd=round(self.cost_usd + times * other.cost_usd, 6),
        )


class Spent(Cost):
    """What a job used so far, over all attempts. Seconds are active ones."""

    active_seconds: Amount = 0.0


class NotRead(Record):
    """Files of one kind that could not be read, with a few names as examples."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


class Coverage(Record):
    """How much of the sources was read. ``found`` = ``read`` + the counts of ``not_read``."""

    found: int = 0
    read: int = 0
    not_read: tuple[NotRead, ...] = ()

    def sentence(self) -> str:
        """Say it to a person: ``Read 214 of 312 files; not read: 61 scanned PDFs (a.pdf) …``."""
        said = f"Read {self.read} of {self.found} file{'' if self.found == 1 else 's'}"
        if not self.not_read:
            return said + "."
        return said + "; not read: " + ", ".join(_said(kind) for kind in self.not_read) + "."


SAID_NAMES = 2
"""Names of files of one kind that the sentence about the coverage gives."""


def _said(kind: NotRead) -> str:
    names = ", ".join(kind.examples[:SAID_NAMES])
    more = " …" if kind.count > len(kind.examples[:SAID_NAMES]) else ""
    return f"{kind.count} {kind.reason}" + (f" ({names}{more})" if names else "")


class Status(Record):
    """``status.json``: where the job stands. Replaced whole by the job, nobody else.

    ``step_part`` is the first number of the part that holds ``last_step``: a reader finds the
    newest steps without following the parts before it. ``run_id`` names the run that writes it,
    where runs have ids, and ``asked`` is what the job has seen in ``control/``: who reads this
    file needs no other to know of either.
    """

    format_version: int = FORMAT_VERSION
    attempt: int = 1
    run_id: str = ""
    asked: Literal["", "stop", "finish_now"] = ""
    state: Literal["starting", "researching", "writing", "ended"] = "starting"
    summary: str = ""
    done: int = 0
    total: int = 0
    spent: Spent = Spent()
    last_step: int = 0
    step_part: int = 1
    last_evidence: int = 0
    coverage: Coverage | None = None
    updated_at: AwareDatetime


class Step(Record):
    """One line of the step log. Numbers start at 1 and never repeat, also after a resume."""

    step: int
    at: AwareDatetime
    kind: StepKind
    message: str
    worker: str = ""
    tool: str = ""
    payload: dict[str, Any] = {}


class Evidence(Record):
    """A quote as found: ``snapshot[start:end] == quote``, counted in Unicode code points.

    ``n`` is the number that reports cite as ``[n]``; it never changes. ``question`` is the
    index into the questions pursued. ``paragraph`` surrounds the quote (at most 1,200
    characters). ``score`` (0 to 1) is how much of the question the quote touches.
    ``carried_from`` is the job that found the quote, where it was taken over. Of a quote that a
    refresh did not find again ``question`` is -1: it answers none any more.
    """

    n: int
    question: int
    quote: str
    source: str
    uri: str
    title: str
    locator: str
    snapshot: str
    start: int
    end: int
    paragraph: str = ""
    score: float = 0.0
    carried_from: str = ""


class QuestionResult(Record):
    """What came of one question: its state and the numbers of its evidence, best first."""

    question: str
    state: Literal["answered", "partial", "not_found"]
    evidence: tuple[int, ...] = ()
    note: str = ""


class Outcome(Record):
    """``outcome.json``: the last file a job writes. A valid one means: completed.

    ``files`` holds the SHA-256 (hex) of each file of the result by its name. ``sha256`` is that of
    the outcome itself, written with this field empty.
    """

    format_version: int = FORMAT_VERSION
    outcome: OutcomeKind
    reason: str = ""
    answer: str = ""
    questions: tuple[QuestionResult, ...] = ()
    spent: Spent = Spent()
    coverage: Coverage = Coverage()
    attempts: int = 1
    configuration_sha256: str = ""
    files: dict[str, str] = {}
    ended_at: AwareDatetime
    sha256: str = ""


class Failure(Record):
    """Why a job failed, what to do about it, and whether the same request may work again."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class Ended(Record):
    """``ended.json``: written once by server or runner where there is no outcome."""

    format_version: int = FORMAT_VERSION
    state: Literal["failed", "cancelled"]
    error: Failure | None = None
    attempts: int = 0
    ended_at: AwareDatetime


class Checked(Record):
    """One thing that a probe tested, in how many seconds. ``said`` holds no text of a source."""

    name: str
    ok: bool
    said: str
    seconds: float


class Probed(Record):
    """``probe.json``: what a job needs and what of it there is, seen as the job's own identity.

    ``started_seconds`` is how long the process ran before the first test: its imports and all.
    """

    format_version: int = FORMAT_VERSION
    run_id: str = ""
    started_seconds: float
    checks: tuple[Checked, ...]
    at: AwareDatetime


# --- how a question without a plan is taken apart -----------------------------------------

_BREAK = re.compile(r"(?<=[?？])\s+|\n+|;\s+")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
MAX_QUESTIONS = 20


def questions_of(question: str, plan: Plan) -> tuple[str, ...]:
    """Return the questions a job pursues: the plan's, else the parts of the question.

    The parts are its sentences that end in a question mark, its lines and what semicolons
    separate; a part too short to stand alone (under three words) stays with its neighbour.
    """
    if plan.questions:
        return plan.questions[:MAX_QUESTIONS]
    parts: list[str] = []
    for piece in _BREAK.split(question):
        text = _BULLET.sub("", piece).strip()
        if parts and text and len(text.split()) < 3:
            parts[-1] = f"{parts[-1]} {text}"
        elif text:
            parts.append(text)
    return tuple(parts[:MAX_QUESTIONS]) or (question.strip(),)
