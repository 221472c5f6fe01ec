"""The text form of each answer: the content of its fields in few words, the next step included.

Some clients show the model only this text, others only the fields, so each carries everything.
"""

from __future__ import annotations

import json

from mcp_jobs_server.messages.results import (
    CancelResult,
    JobListResult,
    JobShown,
    LimitsInForce,
    Next,
    ReportResult,
    StartResult,
    StatusResult,
    SteerResult,
    StepShown,
)
from mcp_jobs_server.messages.wording import OUTCOMES, duration, short
from research_contract.text.safe import markdown, visible_json


def start_text(answer: StartResult) -> str:
    """Return the text of ``start_research``."""
    began = "Started" if answer.created else "Already there:"
    lines = [
        f"{began} job {answer.job_id} ({answer.state}): {short(answer.title, 120)}",
        "Questions: " + " | ".join(short(question, 80) for question in answer.questions[:6]),
        f"Sources: {short(', '.join(answer.sources), 160)}."
        f" {limits_text(answer.limits)} Expected: about {duration(answer.expected_seconds)}.",
        answer.note or "",
        next_text(answer.next),
    ]
    return "\n".join(line for line in lines if line)


def limits_text(limits: LimitsInForce) -> str:
    """Return the caps in force, and which of them were lowered."""
    lowered = f" (lowered: {', '.join(limits.lowered)})" if limits.lowered else ""
    return (
        f"Limits: {limits.minutes:g} min, {limits.tool_calls} tool calls, {limits.tokens} tokens,"
        f" ${limits.cost_usd:g}{lowered}."
    )


def status_text(answer: StatusResult, *, full: bool) -> str:
    """Return the text of ``get_status``: 50 to 150 tokens unless ``full``."""
    progress = answer.progress
    done = f", {progress.done} of {progress.total} questions" if progress.total else ""
    outcome = f" ({OUTCOMES[answer.outcome]})" if answer.outcome else ""
    head = f"{answer.job_id}: {answer.state}{outcome}{done}, {answer.elapsed_seconds} s."
    lines = [head, answer.summary if full else short(answer.summary, 200)]
    lines += [step_text(step, full=full) for step in answer.steps]
    if answer.more_steps:
        lines.append("More steps follow after the cursor.")
    if answer.coverage and full:
        lines.append(markdown(answer.coverage.sentence()))
    elif answer.coverage and answer.outcome and answer.coverage.not_read:
        lines.append(short(markdown(answer.coverage.sentence()), 120))
    lines.append(next_text(answer.next))
    return "\n".join(line for line in lines if line)


def step_text(step: StepShown, *, full: bool) -> str:
    """Return one step on one line."""
    if not full:
        return f"{step.step}. {short(markdown(step.message), 70)}"
    origin = " ".join(part for part in (step.worker, step.tool) if part)
    data = f" `{_json(step.payload)}`" if step.payload else ""
    return f"{step.step}. {step.at} {step.kind} {origin}: {markdown(step.message)}{data}"


def list_text(answer: JobListResult) -> str:
    """Return the text of ``list_active_jobs``."""
    if not answer.jobs:
        lines = [answer.note or "", f"No research jobs yet. {next_text(answer.next)}"]
        return "\n".join(lines).strip()
    counts = ", ".join(f"{number} {state}" for state, number in answer.counts.items() if number)
    lines = [answer.note or "", f"Jobs: {counts}.", *map(job_text, answer.jobs)]
    if answer.next_cursor:
        lines.append(f"More: list_active_jobs(include_recent=true, cursor={answer.next_cursor!r}).")
    return "\n".join([*lines, next_text(answer.next)]).strip()


def job_text(job: JobShown) -> str:
    """Return one job on one line."""
    outcome = f", {OUTCOMES[job.outcome]}" if job.outcome else ""
    unread = ", not read yet" if job.fetched is False else ""
    return (
        f"- {job.job_id} [{job.state}{outcome}{unread}] {short(job.title, 80)}:"
        f" {short(job.summary, 120)}"
    )


def cancel_text(answer: CancelResult) -> str:
    """Return the text of ``cancel``."""
    return f"{answer.job_id}: {answer.state}. {answer.summary}\n{next_text(answer.next)}"


def steer_text(answer: SteerResult) -> str:
    """Return the text of ``steer_research``."""
    return f"{answer.job_id}: {answer.summary}\n{next_text(answer.next)}"


def report_text(answer: ReportResult) -> str:
    """Return the text of ``fetch_report``: which part and page, the page, and where more is."""
    outcome = f", {OUTCOMES[answer.outcome]}" if answer.outcome else ""
    head = f"{answer.job_id} ({answer.state}{outcome}) – {answer.part}, page {answer.page}"
    sections = f"Sections: {' | '.join(answer.sections)}" if answer.sections else ""
    links = "Open: " + ", ".join(link.uri for link in answer.links) if answer.links else ""
    body = [head, "", answer.content, "", sections, links, next_text(answer.next)]
    return "\n".join(body).replace("\n\n\n", "\n\n").strip()


def next_text(step: Next | None) -> str:
    """Return the next step as a line of text; empty without one."""
    if step is None:
        return ""
    if step.action == "tell_user":
        return f"Next: tell the user: {step.say}"
    arguments = ", ".join(
        f"{name}={_json(value)}" for name, value in (step.arguments or {}).items()
    )
    after = f" in {step.after_seconds} s" if step.after_seconds else ""
    return f"Next: call {step.tool}({arguments}){after}."


def _json(value: object) -> str:
    """Return a value as JSON on one line that holds no character to end code with."""
    return visible_json(json.dumps(value, ensure_ascii=False)).replace("`", "\\u0060")
