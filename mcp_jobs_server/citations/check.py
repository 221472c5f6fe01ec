"""Checks a draft: each of its claims gets a verdict by the quotes of a job that it cites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anyio

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.citations import wording as check_wording
from mcp_jobs_server.core.models import Job
from mcp_jobs_server.messages.arguments import CheckCitations
from mcp_jobs_server.messages.results import (
    CheckResult,
    ClaimShown,
    DifferenceShown,
    UncitedShown,
    VerdictWord,
)
from mcp_jobs_server.messages.wording import short
from mcp_jobs_server.reports import findings
from research_contract.claims.claims import Claim, claims
from research_contract.claims.quotes import Quoted, Quotes
from research_contract.claims.verdicts import Judgement, better_quote, judge
from research_contract.records import Evidence

MAX_SHOWN = 60
"""Claims shown, of the cited and of the uncited ones; if there are more, the worst come first."""

MAX_MISSING = 8
"""Missing terms shown for one claim."""

_MAX_CLAIM = 300
_MAX_QUOTE = 400

_WORST_FIRST: Sequence[VerdictWord] = ("contradicted", "not found", "partly", "supported")
_MOST_TELLING_FIRST = {"number": 0, "name": 1, "word": 2, "common": 3}


async def check_draft(folders: Folders, job: Job, asked: CheckCitations) -> CheckResult:
    """Return a verdict on each claim of a draft by the quotes of ``job``."""
    known = await findings.read(folders, job)
    return await anyio.to_thread.run_sync(check_claims, job.id, asked.text, known.recorded)


def check_claims(job_id: str, draft: str, evidence: Sequence[Evidence]) -> CheckResult:
    """Compare ``draft`` with ``evidence``; takes milliseconds a sentence."""
    quotes = Quotes(
        Quoted(quote.n, quote.quote, f"{quote.title}. {quote.locator}", quote.paragraph)
        for quote in evidence
    )
    stated = claims(draft)
    cited = [_cited(claim, quotes) for claim in stated if claim.cites]
    nothing = Judgement("not found", 0.0)
    uncited = [
        UncitedShown(
            claim=short(claim.text, _MAX_CLAIM), rather=better_quote(claim, quotes, (), nothing)
        )
        for claim in stated
        if not claim.cites
    ]
    unknown = sorted({n for claim in stated for n in claim.cites if n not in quotes})
    numbers = Counter(one.verdict for one in cited)
    counts = {verdict: numbers[verdict] for verdict in reversed(_WORST_FIRST) if numbers[verdict]}
    if len(cited) > MAX_SHOWN:
        cited.sort(key=lambda one: _WORST_FIRST.index(one.verdict))
    shown, shown_uncited = cited[:MAX_SHOWN], uncited[:MAX_SHOWN]
    faultless = not uncited and not unknown and set(counts) <= {"supported"}
    return CheckResult(
        job_id=job_id,
        summary=check_wording.summary(counts, uncited=len(uncited), unknown=unknown),
        counts=counts,
        claims=tuple(shown),
        uncited=tuple(shown_uncited),
        unknown_numbers=tuple(unknown),
        not_shown=len(stated) - len(shown) - len(shown_uncited),
        next=check_wording.after_check(job_id, faultless=faultless),
    )


def _cited(claim: Claim, quotes: Quotes) -> ClaimShown:
    """Return the verdict on a claim; what is wrong is shown unless it is supported."""
    known = [n for n in claim.cites if n in quotes]
    judged = judge(claim, quotes, known)
    supported = judged.verdict == "supported"
    best = None if judged.best is None else quotes[judged.best]
    return ClaimShown(
        claim=short(claim.text, _MAX_CLAIM),
        cites=claim.cites,
        verdict=judged.verdict,
        score=round(judged.score, 2),
        missing=() if supported or not known else _missing(judged),
        differs=tuple(
            DifferenceShown(claim=one.claimed, quote=one.quoted) for one in judged.differs
        ),
        quote=short(best.text, _MAX_QUOTE) if best and not supported else None,
        quote_number=best.n if best else None,
        rather=better_quote(claim, quotes, known, judged),
    )


def _missing(judged: Judgement) -> tuple[str, ...]:
    """Return the most telling missing terms: numbers and names first, common words only alone."""
    differing = {one.claimed for one in judged.differs}
    missing = [term for term in judged.missing if term.text not in differing]
    telling = [term for term in missing if term.kind != "common"] or missing
    telling.sort(key=lambda term: _MOST_TELLING_FIRST.get(term.kind, 4))
    return tuple(term.text for term in telling[:MAX_MISSING])
