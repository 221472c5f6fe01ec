"""What to do after an answer: call a tool, or tell the user something and stop."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages.results import Next
from mcp_jobs_server.messages.wording import OTHER_WORDS, duration

TELL_USER_ABOVE_SECONDS = 90
"""With more time left than this, the user is told to come back instead of waiting in the chat."""

DRAFT = "<your draft with [n]>"


def after_start(job_id: str, expected_seconds: float) -> Next:
    """Return the step after a start."""
    if expected_seconds > TELL_USER_ABOVE_SECONDS:
        return tell_user(
            f"The research runs in the background and takes about {duration(expected_seconds)}; you"
            " can close this chat and ask for the report later."
        )
    return _call("get_status", {"job_id": job_id})


def while_active(job: Job, *, cursor: str, seconds_left: float) -> Next:
    """Return the step while a job runs; ``seconds_left`` is an estimate."""
    if seconds_left > TELL_USER_ABOVE_SECONDS:
        return tell_user(
            f"The research is still running, for about {duration(seconds_left)} more; ask me again"
            " then."
        )
    return _call("get_status", {"job_id": job.id, "cursor": cursor})


def after_cancel(job: Job) -> Next:
    """Return the step after a cancel: wait until the job has ended, then read its report."""
    return after_end(job) if job.ended else _call("get_status", {"job_id": job.id})


def after_end(job: Job) -> Next:
    """Return the step once a job has ended."""
    if job.state == "completed":
        return _call("fetch_report", {"job_id": job.id, "part": "evidence"})
    if job.state == "cancelled":
        return tell_user("The research was stopped; what it found until then can still be read.")
    reason = job.error.message if job.error else "the reason is unknown."
    hint = f" {job.error.hint}" if job.error and job.error.hint else ""
    return tell_user(f"The research failed: {reason}{hint}")


def after_fetch(job: Job, *, part: str, section: str, next_cursor: str | None) -> Next:
    """Return the step after a page of a report."""
    if next_cursor:
        within = {"section": section} if section else {}
        page = {"job_id": job.id, "part": part, "cursor": next_cursor, **within}
        return _call("fetch_report", page)
    if not job.ended:
        return _call("get_status", {"job_id": job.id})
    if part == "summary" and job.outcome:
        return _call("fetch_report", {"job_id": job.id, "part": "evidence"})
    if part == "evidence":
        nothing = job.outcome == "insufficient_evidence"
        return _other_words(job) if nothing else check_draft(job.id)
    return tell_user("What this part says; keep its [n] citations.")


def _other_words(job: Job) -> Next:
    """Return the step after nothing was found: search with other words, once."""
    plan = job.request.plan
    if plan.search_terms:
        return tell_user(
            "Nothing was found, also not by other words. If one of the nearest passages answers,"
            " what it says and the document it is in."
        )
    asked = {"questions": list(plan.questions)} if plan.questions else {}
    arguments = {
        "question": job.request.question,
        "sources": [source.name for source in job.request.sources],
        "plan": {**asked, "search_terms": [OTHER_WORDS]},
    }
    return _call("start_research", arguments)


def check_draft(job_id: str) -> Next:
    """Return the step once the assistant has written or corrected a draft."""
    return _call("check_citations", {"job_id": job_id, "text": DRAFT})


def tell_user(sentence: str) -> Next:
    return Next(action="tell_user", say=sentence)


def _call(tool: str, arguments: Mapping[str, object]) -> Next:
    """Return a call; that of ``get_status`` waits on the server, as long as the client allows."""
    return Next(action="call", tool=tool, arguments=dict(arguments))
