"""The last section of a report: how the report was made, and its limitations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from research_contract.records import Plan, Request, Spent

VERIFY = "researcher-job verify FOLDER"
"""The command that verifies a job folder."""


@dataclass(frozen=True)
class JobUsage:
    """What the job used, and when it ended; ``embeddings`` are the models that compare meanings.

    ``models`` are the language models by role, ``prompts`` the names of their instructions.
    ``answered``: a model answered at least one call.
    ``steered`` says of each instruction to the running job what became of it.
    """

    spent: Spent
    attempts: int
    ended_at: datetime
    embeddings: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    answered: bool = False
    steered: tuple[str, ...] = ()


def method_lines(
    request: Request, usage: JobUsage, *, carried: int, written: bool
) -> tuple[str, ...]:
    """Return the lines of the section; ``carried`` is the number of carried quotes shown.

    ``written``: a model wrote sentences.
    """
    spent = usage.spent
    seconds = spent.active_seconds
    duration = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    had_model = bool(usage.models or spent.tokens or spent.cost_usd)
    limits = [
        f"{request.limits.minutes:g} minutes" if request.limits.minutes else "",
        f"{request.limits.tool_calls} tool calls" if request.limits.tool_calls else "",
        f"{request.limits.tokens} tokens" if had_model and request.limits.tokens else "",
        f"${request.limits.cost_usd:g}"
        if had_model and request.limits.cost_usd is not None
        else "",
    ]
    paid = f", {spent.tokens} model tokens, ${spent.cost_usd:.2f}" if had_model else ""
    limit_text = ", ".join(limit for limit in limits if limit) or "none"
    lines = (
        *_model_lines(usage, written=written),
        f"Found by words and, with {' and '.join(usage.embeddings)}, by meaning."
        if usage.embeddings
        else "Found by words only: no model that compares meanings was used.",
        "" if written else _plan_line(request.plan),
        _base_job_line(request, carried),
        *(f"Steered: {sentence}" for sentence in usage.steered),
        f"Depth: {request.depth}. Limits: {limit_text}.",
        f"Spent: {duration} of work, {spent.tool_calls}"
        f" search{'' if spent.tool_calls == 1 else 'es'}{paid}.",
        f"Requested {request.created_at:%Y-%m-%d %H:%M} UTC, written"
        f" {usage.ended_at:%Y-%m-%d %H:%M} UTC, attempt {usage.attempts}. Job {request.job_id}.",
        f"To verify every quote: {VERIFY}",
    )
    return tuple(line for line in lines if line)


def _model_lines(usage: JobUsage, *, written: bool) -> Iterator[str]:
    """Yield what language models did, and by what their sentences are held to the sources."""
    if not usage.models:
        yield (
            "No language model was used: every statement is a verbatim quote, found by search and"
            " checked by code against a stored copy of its document."
        )
        return
    yield f"Language models: {', '.join(usage.models)}. Instructions: {', '.join(usage.prompts)}."
    if not usage.answered:
        yield (
            "No language model answered, so none took part: every statement is a verbatim quote,"
            " found by search and checked by code against a stored copy of its document."
        )
        return
    yield (
        "Models planned the searches and chose the quotes; code found each quote in a stored copy"
        " of its document, or dropped it."
    )
    yield (
        "Sentences were written by a model. Each stands only because code found that its quotes"
        " say it."
        if written
        else "No model wrote: the report is made of the quotes."
    )


def _plan_line(plan: Plan) -> str:
    """Return the form that the plan requests, and to what extent quotes can meet it."""
    requested = [
        f"as {plan.deliverable}" if plan.deliverable else "",
        f"for {plan.audience}" if plan.audience else "",
        f"in {plan.language}" if plan.language else "",
        f"in about {plan.report_words} words" if plan.report_words else "",
    ]
    if not any(requested):
        return ""
    length = " The requested length limits how many quotes are shown." if plan.report_words else ""
    return (
        f"The plan requests the result {', '.join(part for part in requested if part)}."
        " Quotes keep their original words and language, so this report is material for such a"
        f" result, not the result itself.{length}"
    )


def _base_job_line(request: Request, carried: int) -> str:
    """Return how the job relates to the job that it repeats or follows up on; "" for neither."""
    if request.refresh_of:
        return (
            f"This job repeats the plan of job {request.refresh_of}; it searched everything again."
        )
    if not request.follow_up_of:
        return ""
    quotes = f"{carried} of the quotes shown {'was' if carried == 1 else 'were'} carried over"
    return (
        f"This job follows up on job {request.follow_up_of}: {quotes} from it and verified again"
        " against their stored copies; their documents may have changed since."
    )
