"""The last part of a report: how it was made, said so that nobody takes it for more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from research_contract.records import SAID_NAMES, Coverage, Limits, Plan, Request, Spent

VERIFY = "researcher-job verify FOLDER"
"""The command that checks a job folder again."""


@dataclass(frozen=True)
class JobUsage:
    """How the job went."""

    spent: Spent
    attempts: int
    ended_at: datetime


def made(request: Request, how: JobUsage, coverage: Coverage, *, carried: int) -> tuple[str, ...]:
    """Return the lines; ``carried`` is how many quotes shown were taken over."""
    spent = how.spent
    lines = (
        "No language model took part: every statement is a verbatim quote, found by search and"
        " checked by code against a kept copy of its document.",
        _wished(request.plan),
        _carried(request, carried),
        _not_read(coverage),
        f"Depth: {request.depth}. Limits: {_limits(request.limits)}.",
        f"Spent: {_minutes(spent.active_seconds)} of work, {spent.tool_calls}"
        f" search{'' if spent.tool_calls == 1 else 'es'},"
        f" {spent.tokens} model tokens, ${spent.cost_usd:.2f}.",
        f"Asked {request.created_at:%Y-%m-%d %H:%M} UTC, written {how.ended_at:%Y-%m-%d %H:%M}"
        f" UTC, attempt {how.attempts}. Job {request.job_id}.",
        f"To check every quote again: {VERIFY}",
    )
    return tuple(line for line in lines if line)


def _wished(plan: Plan) -> str:
    """Say what the plan wished for and what quotes can do about it."""
    wishes = [
        f"as {plan.deliverable}" if plan.deliverable else "",
        f"for {plan.audience}" if plan.audience else "",
        f"in {plan.language}" if plan.language else "",
        f"in about {plan.report_words} words" if plan.report_words else "",
    ]
    if not any(wishes):
        return ""
    length = " The length decides how many quotes are shown." if plan.report_words else ""
    return (
        f"The plan wants it {', '.join(wish for wish in wishes if wish)}."
        " Quotes keep their own words and language, so this report is material for that and not"
        f" written to it.{length}"
    )


def _carried(request: Request, carried: int) -> str:
    if not request.follow_up_of and not request.refresh_of:
        return ""
    if request.refresh_of:
        return f"It repeats the plan of job {request.refresh_of}; everything was searched anew."
    taken = f"{carried} of the quotes shown {'was' if carried == 1 else 'were'} taken over"
    return (
        f"It follows up job {request.follow_up_of}: {taken} from there and checked again against"
        " their kept copies; their documents may have changed since."
    )


def _not_read(coverage: Coverage) -> str:
    kinds = [
        f"{kind.count} {kind.reason} ({', '.join(kind.examples)})"
        for kind in coverage.not_read
        if len(kind.examples) > SAID_NAMES
    ]
    return f"Not read, by name: {'; '.join(kinds)}." if kinds else ""


def _limits(limits: Limits) -> str:
    said = [
        f"{limits.minutes:g} minutes" if limits.minutes else "",
        f"{limits.tool_calls} tool calls" if limits.tool_calls else "",
        f"{limits.tokens} tokens" if limits.tokens else "",
        f"${limits.cost_usd:g}" if limits.cost_usd is not None else "",
    ]
    return ", ".join(text for text in said if text) or "none"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
