"""The files of a job folder and the records in them, shared by the server and the job.

A job folder is the same in a local directory and in a Unity Catalog Volume, and it may be read at
any moment. ``files.py`` reads and writes its files. The server loads this module at its start.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from research_contract.text.safe import named

FORMAT_VERSION = 2
"""Version of the job folder. Readers refuse a newer version and leave the folder untouched.

Version 1 had no context of quotes, no nearest passages and no state ``evidence``.
"""

REQUEST = "request.json"
RUN = "run.json"
STATUS = "status.json"
STEPS = "steps"
EVIDENCE_SEGMENTS = "evidence"
EVIDENCE = "evidence.jsonl"
SNAPSHOTS = "snapshots"
TASKS = "work/tasks"
PLANS = "work/plans"
RESULTS = "work/results"
CLAIMS = "work/claims.json"
MODELS = "work/models.json"
CHANGES = "work/changes.json"
STEERING = "work/steering.json"
STOP = "control/stop"
FINISH_NOW = "control/finish_now"
LEFT_OUT = "control/left_out.json"
STEER = "control/steer"
PROBE = "control/probe"
PROBED = "probe.json"
PROGRESS = "progress.md"
REPORT = "report.md"
REPORT_HTML = "report.html"
OUTCOME = "outcome.json"
ENDED = "ended.json"
RESERVE = ".reserve"

JOB_ID = re.compile(r"\d{8}-[a-z2-7]{13}", re.ASCII)
"""A job id: the UTC date of its creation and 65 random bits in base 32. Safe in a path."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_job_id(now: datetime, choose: Callable[[str], str] = secrets.choice) -> str:
    """Return a new job id for ``now``; ``choose`` picks one character (tests pass their own)."""
    return f"{now.astimezone(UTC):%Y%m%d}-" + "".join(choose(_ALPHABET) for _ in range(13))


def month_of(job_id: str) -> str:
    """Return the name of the folder, ``yyyy-mm``, that holds ``job_id``."""
    return f"{job_id[:4]}-{job_id[4:6]}"


def is_expired(job_id: str, now: datetime, *, days: int) -> bool:
    """Return whether the job was created more than ``days`` ago by its id; 0 days never expire."""
    try:
        made = datetime.strptime(job_id[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return days > 0 and now - made > timedelta(days=days)


def segment_name(folder: str, first: int) -> str:
    """Return the file name of the segment whose first record has the number ``first``.

    The segment after one that starts at 5 and holds 3 records is ``segment_name(folder, 8)``, so a
    reader follows segments by number and never lists the folder.
    """
    return f"{folder}/{first:08d}.jsonl"


def snapshot_name(sha256: str) -> str:
    """Return the file name of the snapshot with this hash: the extracted text of a document."""
    return f"{SNAPSHOTS}/{sha256}.txt"


class Record(BaseModel):
    """Base of all records in a job folder; unknown fields are ignored, so fields may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


Depth = Literal["quick", "standard", "deep"]
QuestionState = Literal["answered", "partial", "evidence", "not_found"]
OutcomeKind = Literal["answered", "partial", "evidence", "insufficient_evidence"]
StepKind = Literal[
    "plan", "task", "tool_call", "tool_result", "status", "finding", "error", "completed"
]


class Limits(Record):
    """Caps on one job; ``None`` is no cap. Minutes are active minutes."""

    minutes: float | None = Field(default=None, gt=0)
    tool_calls: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    cost_usd: float | None = Field(default=None, ge=0)


class Plan(Record):
    """What to find out and for whom. Without ``questions`` the job divides the question itself."""

    title: str = ""
    questions: tuple[str, ...] = ()
    search_terms: tuple[str, ...] = ()
    deliverable: str = ""
    audience: str = ""
    language: str = ""
    report_words: int | None = None


class SourceRef(Record):
    """A granted source: its name, its URI (``file:///…``), and its patterns (``patterns.py``)."""

    name: str
    uri: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    part: str = ""


class Request(Record):
    """``request.json``: everything that a job needs to know, without secrets.

    ``owner`` is the name of the owner's folder; "" in folders of earlier versions. ``earlier`` is
    the path of the folder of the job named by ``follow_up_of`` or ``refresh_of``; a relative path
    starts at this job's folder. Only a folder of the same owner may be named. ``withheld`` are
    names of sources whose evidence must not be carried over. ``granted_once`` are names of sources
    that were granted for this job alone, so neither the configuration nor the list of granted
    sources has them; ``None`` in requests of versions that did not record them.
    """

    format_version: int = FORMAT_VERSION
    job_id: str
    owner: str = ""
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
    granted_once: tuple[str, ...] | None = None
    settings: dict[str, str | int | float | bool] = {}


class LeftOut(Record):
    """``control/left_out.json``: names of sources that the job must not read any more."""

    format_version: int = FORMAT_VERSION
    sources: tuple[str, ...] = ()


class Run(Record):
    """``run.json``: the process or platform run that works on the job."""

    format_version: int = FORMAT_VERSION
    runner: str
    run_id: str
    attempt: int
    started_at: AwareDatetime


Amount = Annotated[float, AfterValidator(lambda said: said if math.isfinite(said) else 0.0)]
"""A number that is summed; NaN and infinity are read as 0."""


class Cost(Record):
    """The cost of one call, or of several together."""

    tool_calls: int = 0
    tokens: int = 0
    cost_usd: Amount = 0.0

    def plus(self, other: Cost, *, times: int = 1) -> Cost:
        """Return the sum; ``times=-1`` subtracts. Dollars are rounded to a millionth."""
        return Cost(
            tool_calls=self.tool_calls + times * other.tool_calls,
            tokens=self.tokens + times * other.tokens,
            cost_usd=round(self.cost_usd + times * other.cost_usd, 6),
        )


class Spent(Cost):
    """What a job has used so far, over all attempts. Seconds are active seconds."""

    active_seconds: Amount = 0.0


class NotRead(Record):
    """Files that were not read for one reason, with a few names as examples."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


NOT_REACHED = ("file not reached yet", "files not reached yet")  # one file, several
SAID_NAMES = 2  # file names per reason in the sentence about the coverage


class Coverage(Record):
    """How much of the sources was read. ``found`` = ``read`` + the counts of ``not_read``.

    ``in_part`` counts those read of which something was not, ``pages`` those found in services.
    """

    found: int = 0
    read: int = 0
    not_read: tuple[NotRead, ...] = ()
    in_part: NotRead | None = None
    pages: int = 0

    @property
    def reached(self) -> int:
        """How many files were dealt with so far."""
        return self.found - sum(one.count for one in self.not_read if one.reason in NOT_REACHED)

    def sentence(self) -> str:
        """Return it as text: ``Read 214 of 312 files; not read: 61 scanned PDFs (a.pdf) …``."""
        one = "file" if not self.pages else "page" if self.pages == self.found else "files and page"
        said = f"Read {self.read} of {self.found} {one}{'' if self.found == 1 else 's'}"
        if self.not_read:
            said += "; not read: " + ", ".join(_said(kind) for kind in self.not_read)
        return said + (f"; {_said(self.in_part)}." if self.in_part else ".")


def _said(kind: NotRead) -> str:
    names = ", ".join(named(name) for name in kind.examples[:SAID_NAMES])
    more = " …" if kind.count > len(kind.examples[:SAID_NAMES]) else ""
    return f"{kind.count} {kind.reason}" + (f" ({names}{more})" if names else "")


class Status(Record):
    """``status.json``: the state of the job. Only the job writes it, always as a whole.

    ``step_part`` is the first number of the segment that holds ``last_step``, so a reader finds the
    newest steps without following earlier segments. ``run_id`` is the platform run that writes
    the file, where runs have ids. ``asked`` is the stop request that the job has seen in
    ``control/``. ``embeddings`` are the models, with their versions, that compare meanings;
    ``models`` the language models, by role, and ``prompts`` the names of their instructions.
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
    embeddings: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    updated_at: AwareDatetime


class Step(Record):
    """One line of the step log. Numbers start at 1 and are never reused, also after a resume."""

    step: int
    at: AwareDatetime
    kind: StepKind
    message: str
    worker: str = ""
    tool: str = ""
    payload: dict[str, Any] = {}


class ContextSpan(Record):
    """A part of a document that a quote needs to be understood: ``snapshot[start:end] == text``.

    ``kind`` is ``heading``, ``lead_in``, ``caption``, ``column_head``, ``carried_cell``, ``term``,
    ``question``, ``sentence``, ``sender``, ``date`` or ``comment``; kinds may be added. ``cell`` is
    the start of the cell that a column head or a carried cell belongs to, else -1.
    """

    text: str
    start: int
    end: int
    kind: str
    cell: int = -1


class Evidence(Record):
    """A verified quote: ``snapshot[start:end] == quote``, counted in Unicode code points.

    ``n`` is the number by which it is cited as ``[n]``; it never changes. ``question`` is the index
    of the question; it is -1 for a quote that a refresh did not find again. ``kind`` is that of the
    block that the quote is from, such as ``paragraph``, ``list`` or ``row``. ``context`` is in the
    order of the document. ``score`` is the share of the question, 0 to 1, that the quote and its
    context hold: each word of the question counts by how rare it is in the sources, in the context
    half. It compares quotes of one question and says nothing about whether they answer.
    ``paragraph`` is the text around the quote, at most 1,200 characters. ``carried_from`` is the
    job that found a carried-over quote, ``task`` the task that found it where a model leads:
    ``1.2`` is the second one of question 1. A ``nearest`` passage is no evidence: nobody read it.
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
    kind: str = "paragraph"
    context: tuple[ContextSpan, ...] = ()
    score: float = 0.0
    paragraph: str = ""
    carried_from: str = ""
    nearest: bool = False
    task: str = ""


class QuestionResult(Record):
    """The result of one question: its state and the numbers of its evidence, best first.

    ``answered`` and ``partial`` are said by who read the evidence: a model, or a strategy of one's
    own. A search without a model says ``evidence`` (found, not judged) or ``not_found``.
    ``nearest`` are the numbers of the next best passages, best first, whatever the state: nobody
    judged them to answer, and no report cites them. ``dropped``: on request, so nothing counts.
    """

    question: str
    state: QuestionState
    evidence: tuple[int, ...] = ()
    nearest: tuple[int, ...] = ()
    note: str = ""
    dropped: bool = False


class Outcome(Record):
    """``outcome.json``: the last file that a job writes. A valid one means that it completed.

    ``outcome`` is ``evidence`` if evidence was found and nothing judged whether it answers.
    ``files`` maps the name of each result file to its SHA-256 (hex). ``sha256`` is the hash of the
    outcome itself, computed while this field is empty.
    """

    format_version: int = FORMAT_VERSION
    outcome: OutcomeKind
    reason: str = ""
    answer: str = ""
    questions: tuple[QuestionResult, ...] = ()
    spent: Spent = Spent()
    coverage: Coverage = Coverage()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    attempts: int = 1
    configuration_sha256: str = ""
    files: dict[str, str] = {}
    ended_at: AwareDatetime
    sha256: str = ""


class Failure(Record):
    """Why a job failed, what to do, and whether the same request may succeed when repeated."""

    code: str
    message: str
    hint: str = ""
    retryable: bool = False


class Ended(Record):
    """``ended.json``: written once, by the server or the runner, for a job without an outcome."""

    format_version: int = FORMAT_VERSION
    state: Literal["failed", "cancelled"]
    error: Failure | None = None
    attempts: int = 0
    ended_at: AwareDatetime
