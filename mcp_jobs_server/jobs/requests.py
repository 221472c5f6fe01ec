"""Makes the request of a job from the arguments of a start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.messages.arguments import StartResearch
from mcp_jobs_server.messages.results import LimitsInForce
from research_contract.questions import MAX_QUESTIONS, questions_of
from research_contract.records import Depth, Limits, Plan, Request, SourceRef

USUAL_SECONDS: dict[Depth, float] = {"quick": 10, "standard": 20, "deep": 45}
"""Expected seconds of a job, until the owner's own jobs give a better estimate."""


def request_of(
    asked: StartResearch,
    *,
    job_id: str,
    owner: Owner,
    now: datetime,
    sources: Sequence[SourceRef],
    caps: Limits,
    base: Job | None,
    base_folder: str = "",
    withheld: tuple[str, ...] = (),
    granted_once: tuple[str, ...] = (),
) -> Request:
    """Return the request that the job folder holds, with every value resolved.

    ``base`` is the job that this one follows up or refreshes. Where the caller passed none, its
    depth and language are used and, for a refresh, its plan. ``base_folder`` is its folder, from
    which evidence is carried over, except that of ``withheld`` sources. ``granted_once`` are the
    names of sources that are granted for this job alone.
    """
    inherited = base.request if base else None
    plan = Plan.model_validate(asked.plan.model_dump())
    if inherited and asked.refresh_of and not plan.questions:
        plan = inherited.plan.model_copy(update=asked.plan.model_dump(exclude_unset=True))
    if inherited and not plan.language:
        plan = plan.model_copy(update={"language": inherited.plan.language})
    questions = questions_of(asked.question, plan)[:MAX_QUESTIONS]
    has_depth = "depth" in asked.model_fields_set
    return Request(
        job_id=job_id,
        owner=owner.folder,
        question=asked.question,
        plan=plan.model_copy(update={"questions": questions}),
        sources=tuple(sources),
        depth=asked.depth if has_depth or not inherited else inherited.depth,
        limits=_lowered(asked, caps),
        created_at=now,
        follow_up_of=base.id if base and asked.follow_up_of else None,
        refresh_of=base.id if base and not asked.follow_up_of else None,
        earlier=base_folder if base else "",
        withheld=withheld,
        granted_once=granted_once,
    )


def _lowered(asked: StartResearch, caps: Limits) -> Limits:
    """Return the lower of each requested limit and the cap of the server."""
    requested = asked.limits.model_dump()
    lowest: dict[str, float | None] = {}
    for name, cap in caps.model_dump().items():
        given = [value for value in (requested[name], cap) if value is not None]
        lowest[name] = min(given, default=None)
    return Limits.model_validate(lowest)


def limits_in_force(request: Request, asked: StartResearch) -> LimitsInForce:
    """Return the limits of a job, with the names of those that the server lowered."""
    limits, wanted = request.limits.model_dump(), asked.limits.model_dump()
    lowered = [name for name, value in wanted.items() if value is not None and value > limits[name]]
    return LimitsInForce(**limits, lowered=tuple(lowered))


def fingerprint(request: Request) -> str:
    """Return a hash of the request that is the same when the same request is made again.

    Fields of a source that a release added count only where they say something, so that a key of a
    job of the last release is still its key.
    """
    varies = {"job_id", "owner", "created_at", "format_version", "granted_once"}
    content = request.model_dump(mode="json", exclude=varies)
    content["sources"] = [
        one.model_dump(mode="json", exclude_defaults=True) for one in request.sources
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
