"""Makes the request of a job out of what a caller asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages.arguments import StartResearch
from mcp_jobs_server.messages.results import LimitsInForce
from research_contract.records import (
    MAX_QUESTIONS,
    Depth,
    Limits,
    Plan,
    Request,
    SourceRef,
    questions_of,
)

USUAL_SECONDS: dict[Depth, float] = {"quick": 10, "standard": 20, "deep": 45}
"""Expected seconds of a first job on this machine, until the owner's own jobs tell better."""


def request_of(
    asked: StartResearch,
    *,
    job_id: str,
    now: datetime,
    sources: Sequence[SourceRef],
    caps: Limits,
    earlier: Job | None,
    earlier_folder: str = "",
    withheld: tuple[str, ...] = (),
) -> Request:
    """Return the request that a job folder holds: everything resolved, nothing left to defaults.

    ``earlier`` is the job that this one follows up or repeats: it lends its depth, its language
    and, for a refresh, its questions, where the caller gave none. ``earlier_folder`` is where its
    files are: the job takes its evidence from there, but that of ``withheld`` sources.
    """
    lent = earlier.request if earlier else None
    plan = _plan(asked, lent if asked.refresh_of else None)
    if lent and not plan.language:
        plan = plan.model_copy(update={"language": lent.plan.language})
    given = "depth" in asked.model_fields_set
    return Request(
        job_id=job_id,
        question=asked.question,
        plan=plan,
        sources=tuple(sources),
        depth=asked.depth if given or not lent else lent.depth,
        limits=_lower(asked, caps),
        created_at=now,
        follow_up_of=earlier.id if earlier and asked.follow_up_of else None,
        refresh_of=earlier.id if earlier and not asked.follow_up_of else None,
        earlier=earlier_folder if earlier else "",
        withheld=withheld,
    )


def _plan(asked: StartResearch, repeated: Request | None) -> Plan:
    plan = Plan.model_validate(asked.plan.model_dump())
    if repeated and not plan.questions:
        plan = repeated.plan.model_copy(update=asked.plan.model_dump(exclude_unset=True))
    questions = questions_of(asked.question, plan)[:MAX_QUESTIONS]
    return plan.model_copy(update={"questions": questions})


def _lower(asked: StartResearch, caps: Limits) -> Limits:
    """Return the asked limits where they are below the server's caps, else the caps."""
    wanted, allowed = asked.limits.model_dump(), caps.model_dump()
    return Limits(
        **{
            name: cap
            if wanted[name] is None
            else wanted[name]
            if cap is None
            else min(wanted[name], cap)
            for name, cap in allowed.items()
        }
    )


def limits_in_force(request: Request, asked: StartResearch) -> LimitsInForce:
    """Return the caps of a job and the names of those that were lowered."""
    force = request.limits.model_dump()
    wanted = asked.limits.model_dump()
    lowered = [name for name, value in wanted.items() if value is not None and value > force[name]]
    return LimitsInForce(**force, lowered=tuple(lowered))


def fingerprint(request: Request) -> str:
    """Return a hash of what is asked, the same for the same request made twice."""
    said = request.model_dump(mode="json", exclude={"job_id", "created_at", "format_version"})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
