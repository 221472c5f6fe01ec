"""The answer of each tool; the models are the published output schemas.

Some clients show the model only these fields, others only the text made of them (``texts.py``), so
each carries everything, the next step included.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_jobs_server.core.models import JobState
from research_contract.records import Coverage, OutcomeKind, QuestionState, Spent


class Result(BaseModel):
    """Base of all answers; fields that are ``None`` are not sent."""

    model_config = ConfigDict(frozen=True)


class Next(Result):
    """The next step: call a tool, or tell the user something and stop."""

    action: Literal["call", "tell_user"] = Field(description="What to do next.")
    tool: str | None = Field(default=None, description="Tool to call.")
    arguments: dict[str, Any] | None = Field(default=None, description="Its arguments.")
    after_seconds: int | None = Field(default=None, description="Wait this many seconds first.")
    say: str | None = Field(default=None, description="What to tell the user.")


class LimitsInForce(Result):
    """Caps in force for the job."""

    minutes: float
    tool_calls: int
    tokens: int
    cost_usd: float
    lowered: tuple[str, ...] = Field(
        default=(), description="Caps that were lowered to those of the server."
    )


class StartResult(Result):
    """Answer of ``start_research``."""

    job_id: str
    state: JobState
    created: bool = Field(description="false: an earlier job is returned.")
    title: str
    questions: tuple[str, ...] = Field(description="Questions that the job researches.")
    sources: tuple[str, ...]
    limits: LimitsInForce
    expected_seconds: int
    note: str | None = Field(default=None, description="What the user should know.")
    next: Next


class Progress(Result):
    """Questions done, and all questions."""

    done: int
    total: int


class StepShown(Result):
    """One step of the log; worker, tool and payload only with detail=full."""

    step: int
    at: str
    kind: str
    message: str
    worker: str | None = None
    tool: str | None = None
    payload: dict[str, Any] | None = None


class ErrorShown(Result):
    """Why a job failed."""

    code: str
    message: str
    hint: str
    retryable: bool


class StatusResult(Result):
    """Answer of ``get_status``."""

    job_id: str
    state: JobState
    outcome: OutcomeKind | None = Field(default=None, description="Set once completed.")
    summary: str = Field(description="State, or the short answer.")
    progress: Progress
    steps: tuple[StepShown, ...] = Field(default=(), description="New steps.")
    cursor: str = Field(description="Pass it with the next call.")
    more_steps: bool = False
    queue_position: int | None = Field(default=None, description="1: next to run.")
    elapsed_seconds: int
    expected_seconds: int | None = None
    seconds_left: int | None = None
    spent: Spent
    coverage: Coverage | None = None
    error: ErrorShown | None = None
    next: Next


class JobShown(Result):
    """One job of a list."""

    job_id: str
    title: str
    state: JobState
    outcome: OutcomeKind | None = None
    summary: str
    created_at: str
    elapsed_seconds: int
    fetched: bool | None = Field(default=None, description="Whether its report was fetched.")


class JobListResult(Result):
    """Answer of ``list_active_jobs``."""

    jobs: tuple[JobShown, ...]
    counts: dict[str, int]
    next_cursor: str | None = None
    note: str | None = None
    next: Next | None = None


class CancelResult(Result):
    """Answer of ``cancel``."""

    job_id: str
    state: JobState = Field(description="cancelling: not yet cancelled.")
    changed: bool
    summary: str
    next: Next


class SteerResult(Result):
    """Answer of ``steer_research``."""

    job_id: str
    accepted: bool = Field(description="false: too late.")
    summary: str
    next: Next


VerdictWord = Literal["supported", "partly", "contradicted", "not found"]


class DifferenceShown(Result):
    """What a claim says, and what its quote says instead."""

    claim: str
    quote: str


class ClaimShown(Result):
    """A cited sentence of a draft, with the verdict by its quotes."""

    claim: str
    cites: tuple[int, ...]
    verdict: VerdictWord
    score: float = Field(description="0 to 1.")
    missing: tuple[str, ...] = Field(default=(), description="Words that no cited quote has.")
    differs: tuple[DifferenceShown, ...] = ()
    quote: str | None = Field(default=None, description="The nearest quote.")
    quote_number: int | None = None
    rather: int | None = Field(default=None, description="Quote that fits better.")


class UncitedShown(Result):
    """A sentence that states something without a citation."""

    claim: str
    rather: int | None = None


class CheckResult(Result):
    """Answer of ``check_citations``."""

    job_id: str
    summary: str
    counts: dict[VerdictWord, int]
    claims: tuple[ClaimShown, ...] = Field(default=(), description="Worst first, if many.")
    uncited: tuple[UncitedShown, ...] = ()
    unknown_numbers: tuple[int, ...] = ()
    not_shown: int = 0
    next: Next


class Link(Result):
    """Where the whole report can be opened."""

    name: str
    uri: str


class QuestionShown(Result):
    """The result of one question; ``content`` has the quotes and passages."""

    question: str
    state: QuestionState
    evidence: tuple[int, ...] = Field(default=(), description="Numbers of its quotes, best first.")
    nearest: tuple[int, ...] = Field(
        default=(), description="Numbers of the nearest passages, not judged to answer."
    )
    note: str | None = None


class ReportResult(Result):
    """Answer of ``fetch_report``."""

    job_id: str
    title: str
    part: str
    state: JobState
    outcome: OutcomeKind | None = None
    content: str
    questions: tuple[QuestionShown, ...] = Field(
        default=(), description="State of each question, in parts summary and evidence."
    )
    sections: tuple[str, ...] = ()
    page: str = Field(description="Page number; says if it is not the whole.")
    total_chars: int
    next_cursor: str | None = None
    links: tuple[Link, ...] = ()
    next: Next
